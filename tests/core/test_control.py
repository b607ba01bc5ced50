"""The control socket: what it answers, and that no client can disturb the daemon."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conman_core import client, control
from conman_core.control import ControlServer
from conman_core.errors import ConmanError, NotRunning, SystemFault
from conman_core.paths import Paths

STATUS = {"state": "online", "uplink": "ethernet:eth0"}


async def _status(arguments: dict[str, Any]) -> dict[str, Any]:
    return STATUS


async def _echo(arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments


async def _refuse(arguments: dict[str, Any]) -> dict[str, Any]:
    raise ConmanError("not now; try later")


async def _fail(arguments: dict[str, Any]) -> dict[str, Any]:
    raise KeyError("inner secret")


async def _hang(arguments: dict[str, Any]) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


async def _circular(arguments: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


HANDLERS = {
    "status": _status, "echo": _echo, "refuse": _refuse, "fail": _fail, "hang": _hang,
    "circular": _circular,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conman.sock"


def serve(path: Path, test: Callable[[ControlServer], Awaitable[None]]) -> None:
    """Run a test beside a server; whatever the test did, a last honest client is served."""

    async def run() -> None:
        server = ControlServer(path, HANDLERS)
        await server.start()
        try:
            await test(server)
            assert await ask(path, b'{"command": "status"}\n') == {"ok": True, "result": STATUS}
        finally:
            await server.stop()

    asyncio.run(asyncio.wait_for(run(), 30))


async def ask(path: Path, data: bytes) -> Any:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(data)
    line = await reader.readline()
    writer.close()
    return json.loads(line) if line else None


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


# -- answers


def test_a_request_gets_one_answer_and_a_connection_may_ask_again(path: Path):
    async def test(server: ControlServer) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        for number in range(3):
            writer.write(json.dumps({"command": "echo", "n": number}).encode() + b"\n")
            assert json.loads(await reader.readline()) == {"ok": True, "result": {"n": number}}
        writer.close()

    serve(path, test)


@pytest.mark.parametrize(
    ("request_line", "told"),
    [
        (b'{"command": "refuse"}\n', "not now; try later"),
        (b'{"command": "fail"}\n', "fail failed (KeyError); look at conman's log"),
        (b'{"command": "circular"}\n', "no readable answer"),
        (b'{"command": "stats"}\n', "there is no command 'stats'; there are circular, echo"),
        (b'{"command": 7}\n', "a request is a line such as"),
        (b'["status"]\n', "a request is a line such as"),
        (b"\xff\n", "a request is a line such as"),
        (b"\n", "a request is a line such as"),
        (b"[" * 60_000 + b"\n", "a request is a line such as"),
        (b"x" * 70_000 + b"\n", "a request is one line of at most"),
    ],
)
def test_a_request_that_fails_is_told_why(
    path: Path, request_line: bytes, told: str, caplog: pytest.LogCaptureFixture
):
    async def test(server: ControlServer) -> None:
        answer = await ask(path, request_line)
        assert answer["ok"] is False
        assert told in answer["error"]
        assert "inner secret" not in answer["error"]

    serve(path, test)


def test_a_handler_that_hangs_costs_only_its_own_connection(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(control, "ANSWER_LIMIT", 0.1)

    async def test(server: ControlServer) -> None:
        answer = await ask(path, b'{"command": "hang"}\n')
        assert "could not finish hang in time" in answer["error"]

    serve(path, test)
    assert "the control command hang did not end" in caplog.text


def test_watch_gives_the_status_first_and_then_each_event_once(path: Path):
    asked = asyncio.Event()
    answer = asyncio.Event()

    async def slow_status(arguments: dict[str, Any]) -> dict[str, Any]:
        asked.set()
        await answer.wait()
        return STATUS

    async def run() -> None:
        server = ControlServer(path, {"status": slow_status})
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"command": "watch"}\n')
        await asked.wait()
        server.publish({"n": 1})  # while the status is being made: neither lost nor first
        answer.set()
        assert json.loads(await reader.readline()) == {"ok": True, "result": STATUS}
        server.publish({"n": 2, "path": Path("/x")})
        for event in ({"n": 1}, {"n": 2, "path": "/x"}):
            assert json.loads(await reader.readline()) == {"event": event}
        writer.close()
        await server.stop()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_an_event_that_cannot_be_written_is_not_raised_into_the_daemon(
    path: Path, caplog: pytest.LogCaptureFixture
):
    async def test(server: ControlServer) -> None:
        event: dict[str, Any] = {}
        event["event"] = event
        server.publish(event)
        server.publish({(1, 2): 3})  # type: ignore[dict-item]

    serve(path, test)
    assert caplog.text.count("cannot be written as JSON") == 2


# -- the socket itself


def test_only_root_may_use_the_socket_where_there_is_no_group(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_group(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(control.grp, "getgrnam", no_group)

    async def test(server: ControlServer) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    before = os.umask(0)
    try:
        serve(path, test)
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file to a group")
def test_the_group_may_use_the_socket_and_nobody_else(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control.grp, "getgrnam", lambda name: SimpleNamespace(gr_gid=4242))

    async def test(server: ControlServer) -> None:
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, 4242)

    serve(path, test)


def test_the_socket_of_a_dead_daemon_is_replaced_and_ours_is_removed(path: Path):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()

    async def test(server: ControlServer) -> None:
        pass

    serve(path, test)
    assert not path.exists()


def test_a_socket_that_cannot_be_made_is_the_systems_fault(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "sock", tmp_path / "file", tmp_path / ("x" * 120)):
        with pytest.raises(SystemFault, match="cannot be made"):
            asyncio.run(ControlServer(path, HANDLERS).start())


def test_stopping_ends_every_connection_at_once_and_may_be_repeated(path: Path):
    async def run() -> None:
        server = ControlServer(path, HANDLERS)
        await server.start()
        readers = []
        for command in ("watch", "hang", "status"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b'{"command": "%s"}\n' % command.encode())
            readers.append((reader, writer))
        await readers[0][0].readline()
        path.unlink()  # by somebody's clean-up
        await asyncio.wait_for(server.stop(), 2)
        await server.stop()
        for reader, writer in readers:
            assert b"event" not in await reader.read()
            writer.close()

    asyncio.run(run())


# -- hostile clients


def test_a_hundred_connections_that_say_nothing_do_not_shut_others_out_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(control, "IDLE_LIMIT", 0.3)

    async def test(server: ControlServer) -> None:
        idle = [await asyncio.open_unix_connection(path) for _ in range(100)]
        for _, writer in idle[: control.CONNECTION_LIMIT]:
            writer.write(b'{"command": ')
        paths = Paths(path.parent, path.parent)
        with pytest.raises(ConmanError, match="busy"):
            await asyncio.to_thread(client.request, paths, "status")
        answers = [await reader.read() for reader, _ in idle]
        refused = [answer for answer in answers if answer]
        assert len(refused) == 100 - control.CONNECTION_LIMIT
        for _, writer in idle:
            writer.close()

    serve(path, test)


def test_a_watcher_that_does_not_read_is_dropped_and_the_others_go_on(
    path: Path, caplog: pytest.LogCaptureFixture
):
    async def test(server: ControlServer) -> None:
        lazy = socket.socket(socket.AF_UNIX)
        lazy.connect(str(path))
        lazy.sendall(b'{"command": "watch"}\n')
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"command": "watch"}\n')
        await reader.readline()
        await until(lambda: len(server._watchers) == 2)
        for number in range(200):
            server.publish({"n": number, "filler": "x" * 10_000})
            assert json.loads(await reader.readline())["event"]["n"] == number
        await until(lambda: len(server._watchers) == 1)
        lazy.close()
        writer.close()
        await until(lambda: not server._watchers)

    serve(path, test)
    assert caplog.text.count("a watcher that does not read") == 1


def test_an_answer_that_nobody_reads_does_not_keep_its_connection(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(control, "SEND_LIMIT", 0.1)

    async def test(server: ControlServer) -> None:
        lazy = socket.socket(socket.AF_UNIX)
        lazy.setblocking(False)
        lazy.connect(str(path))
        line = json.dumps({"command": "echo", "filler": "x" * 60_000}).encode() + b"\n"
        with suppress(ConnectionError):  # let go before all of it was sent
            await asyncio.get_running_loop().sock_sendall(lazy, line * 20)
        await until(lambda: not server._connections)
        lazy.close()

    serve(path, test)


@pytest.mark.parametrize("after", [b"", b'{"command"', b'{"command": "echo"}\n'])
def test_a_client_may_vanish_at_any_point(path: Path, after: bytes):
    async def test(server: ControlServer) -> None:
        for _ in range(20):
            gone = socket.socket(socket.AF_UNIX)
            gone.connect(str(path))
            gone.sendall(after)
            gone.close()
        await asyncio.sleep(0)
        await until(lambda: not server._connections)

    serve(path, test)


_garbage = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: json.dumps({"command": text}).encode() + b"\n"),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode() + b"\n"),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(_garbage, max_size=5))
def test_garbage_gets_sentences_and_disturbs_nobody(path: Path, chunks: list[bytes]):
    async def test(server: ControlServer) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        for chunk in chunks:
            writer.write(chunk)
        writer.write_eof()
        for line in (await reader.read()).splitlines():
            answer = json.loads(line)
            assert answer["ok"] is False
            assert answer["error"]
        writer.close()

    serve(path, test)


# -- the other end


@contextmanager
def peer(paths: Paths, *answers: bytes, linger: bool = False, pause: float = 0) -> Iterator[None]:
    """Answer one client with whatever a faulty daemon might send, with a pause after each."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(paths.socket))
    listener.listen()
    done = threading.Event()

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            for answer in answers:
                with suppress(BrokenPipeError):
                    connection.sendall(answer)
                done.wait(pause)
            if linger:
                done.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        listener.close()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def test_an_absent_daemon_is_told_with_the_command_that_starts_it(paths: Paths):
    for _ in range(2):  # no socket, and the socket of a dead daemon
        with pytest.raises(NotRunning, match="sudo systemctl start conman"):
            client.request(paths, "status")
        with pytest.raises(NotRunning):
            next(client.watch(paths))
        dead = socket.socket(socket.AF_UNIX)
        if not paths.socket.exists():
            dead.bind(str(paths.socket))
        dead.close()


def test_a_runtime_folder_that_is_no_folder_means_not_running(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(NotRunning):
        client.request(Paths(tmp_path / "file", tmp_path), "status")


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path):
    with pytest.raises(ConmanError, match="cannot be used: AF_UNIX path too long"):
        client.request(Paths(tmp_path / ("x" * 120), tmp_path), "status")


@pytest.mark.parametrize(
    ("exists", "told"),
    [
        (True, "its group: sudo usermod -aG conman $USER, then log in anew"),
        (False, "its group: sudo groupadd --system conman && sudo systemctl restart conman, then "
                "sudo usermod -aG conman $USER, then log in anew"),
    ],
)  # fmt: skip
def test_a_user_without_permission_is_told_about_sudo_and_the_group(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, exists: bool, told: str
):
    """Without the group nobody can join it; the daemon looks for it when it starts."""

    def group(name: str) -> None:
        if not exists:
            raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", group)

    def denied(self: socket.socket, address: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(client.socket, "socket", type("S", (socket.socket,), {"connect": denied}))
    with pytest.raises(client.Denied) as caught:
        client.request(paths, "status")
    assert str(caught.value).endswith(told)
    assert "put sudo before the command" in str(caught.value)


def test_a_daemon_that_does_not_answer_is_told_after_the_time_limit(paths: Paths):
    with (
        peer(paths, linger=True),
        pytest.raises(ConmanError, match=r"did not answer within 0\.1 s"),
    ):
        client.request(paths, "status", timeout=0.1)


def test_a_daemon_that_dribbles_cannot_stretch_the_time_limit(paths: Paths):
    with (
        peer(paths, *([b" "] * 40), pause=0.05),
        pytest.raises(ConmanError, match="did not answer within"),
    ):
        client.request(paths, "status", timeout=0.3)


def test_a_queue_that_is_full_means_busy(paths: Paths):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(paths.socket))
    listener.listen(0)
    waiting: list[client.Channel] = []

    def connect_too_often() -> None:
        for _ in range(5):
            waiting.append(client.Channel(paths.socket))

    with pytest.raises(ConmanError, match="busy"):
        connect_too_often()
    for channel in waiting:
        channel.close()
    listener.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "ended the connection"),
        (b'{"ok": tr', "ended the connection"),
        (b"\n", "cannot be read"),
        (b"\xff\n", "cannot be read"),
        (b"[]\n", "cannot be read"),
        (b"[" * 100_000 + b"\n", "cannot be read"),
        (b'{"ok": true}\n', "cannot be read"),
        (b'{"ok": true, "result": [1]}\n', "cannot be read"),
        (b'{"ok": 1, "result": {}}\n', "cannot be read"),
        (b'{"ok": false, "error": "because"}\n', "^because$"),
        (b"x" * (client._LARGEST + 100_000), "cannot be read"),
    ],
)
def test_an_answer_that_is_none_is_told_in_a_sentence(paths: Paths, answer: bytes, told: str):
    with peer(paths, answer) if len(answer) < 1 << 20 else flood(paths, answer):  # noqa: SIM117
        with pytest.raises(ConmanError, match=told):
            client.request(paths, "status")


@contextmanager
def flood(paths: Paths, answer: bytes) -> Iterator[None]:
    """Like `peer`, for an answer that the client does not read to its end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(paths.socket))
    listener.listen()

    def run() -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            while True:
                connection.sendall(answer)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    listener.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=200))
def test_any_answer_gives_a_result_or_a_sentence(paths: Paths, answer: bytes):
    paths.socket.unlink(missing_ok=True)
    with peer(paths, answer), suppress(ConmanError):
        assert isinstance(client.request(paths, "status", timeout=2), dict)


def test_both_ends_understand_each_other(paths: Paths):
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        server = ControlServer(paths.socket, HANDLERS)
        await server.start()
        ready.set()
        await until(lambda: bool(server._watchers))
        server.publish({"sentence": "line one\nline two \x1b[31m \u2603 \ud800"})
        server.publish({"sentence": "last"})
        await until(stop.is_set)
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(5)
    assert client.request(paths, "echo", a=[1, "ä"]) == {"a": [1, "ä"]}
    with pytest.raises(ConmanError, match="not now; try later"):
        client.request(paths, "refuse")
    stream = client.watch(paths)
    assert next(stream) == STATUS
    assert next(stream)["sentence"] == "line one\nline two \x1b[31m \u2603 \ud800"
    assert next(stream) == {"sentence": "last"}
    stop.set()
    assert list(stream) == []
    thread.join(5)
