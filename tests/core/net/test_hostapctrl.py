"""The conversation with wpa_supplicant holds, or its end is told, whatever the other side does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import stat
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from conman_core.net import hostapctrl as control_module
from conman_core.net.hostapctrl import Control, ControlError
from conman_plugins.wifi.eventlines import parse_event
from conman_plugins.wifi.events import Terminating
from tests.core.net.ctrlserver import RealSupplicant, Server, real_supplicant
from tests.core.supervision import run
from tests.netns.namespaces import Bench

SECRET = '"correct horse"'


@contextlib.asynccontextmanager
async def conversation(
    folder: Path, gaps: list[int] | None = None
) -> AsyncIterator[tuple[Server, Control, list[str]]]:
    """A server, a control that is attached to it, and the events that came."""
    heard: list[str] = []
    server = Server(folder / "ctrl" / "wlan0")
    try:
        on_gap = None if gaps is None else lambda: gaps.append(1)
        control = await Control.open(server.path, heard.append, on_gap=on_gap)
        try:
            yield server, control, heard
        finally:
            await control.close()
    finally:
        server.close()


async def until(condition: Callable[[], object], limit: float = 10.0) -> None:
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.005)


def own_sockets(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_socket())


def test_a_command_gets_its_reply_and_an_event_its_listener(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, heard):
            assert await control.request("PING") == "PONG"
            server.tell(b"<3>CTRL-EVENT-SCAN-RESULTS ")
            assert await control.request(b"STATUS") == "OK"
            await until(lambda: heard)
            assert heard == ["<3>CTRL-EVENT-SCAN-RESULTS "]

    run(work)


def test_the_socket_is_waited_for(tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "ctrl" / "wlan0"
        opening = asyncio.create_task(Control.open(path, lambda _: None))
        await asyncio.sleep(0.1)
        assert not opening.done()
        server = Server(path)
        control = await opening
        assert await control.request("PING") == "PONG"
        await control.close()
        server.close()

    run(work)


def test_a_name_that_a_killed_one_left_is_waited_upon_too(tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "ctrl" / "wlan0"
        Server(path).kill()
        opening = asyncio.create_task(Control.open(path, lambda _: None))
        await asyncio.sleep(0.1)
        assert not opening.done()
        path.unlink()
        server = Server(path)
        await (await opening).close()
        server.close()

    run(work)


def test_who_gives_up_waiting_leaves_nothing_behind(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await Control.open(tmp_path / "ctrl" / "wlan0", lambda _: None)
        assert own_sockets(tmp_path) == []

    run(work)


def test_an_attach_that_nobody_answered_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "_ATTACH_AGAIN", 0.05)

    async def work() -> None:
        server = Server(tmp_path / "ctrl" / "wlan0")
        server.silent.add("ATTACH")
        opening = asyncio.create_task(Control.open(server.path, lambda _: None))
        await until(lambda: server.count("ATTACH") > 1)
        server.silent.clear()
        await (await opening).close()
        server.close()

    run(work)


def test_one_that_lets_nobody_attach_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        server = Server(tmp_path / "ctrl" / "wlan0")
        server.replies["ATTACH"] = b"FAIL\n"
        with pytest.raises(ControlError, match="wpa_supplicant on wlan0 lets nobody attach"):
            await Control.open(server.path, lambda _: None)
        assert own_sockets(tmp_path) == []
        server.close()

    run(work)


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        folder = tmp_path / ("x" * 100)
        folder.mkdir()
        with pytest.raises(ControlError, match="no socket can be made in"):
            await Control.open(folder / "ctrl" / "wlan0", lambda _: None)
        with pytest.raises(ControlError, match="no socket can be made in"):
            await Control.open(tmp_path / "a" / "b" / "wlan0", lambda _: None)

    run(work)


def test_a_control_path_that_is_too_long_is_told_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / ("x" * 100) / "wlan0"
        with pytest.raises(ControlError, match="cannot be reached"):
            await Control.open(path, lambda _: None, tmp_path)
        assert own_sockets(tmp_path) == []

    run(work)


def test_our_sockets_are_for_nobody_else_and_outside_the_control_folder(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            await control.request("PING")
            names = own_sockets(tmp_path)
            assert len(names) == 2
            assert own_sockets(server.path.parent) == ["wlan0"]
            modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names}
            assert modes == {0o600}
        assert own_sockets(tmp_path) == []

    run(work)


def test_what_a_killed_conman_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f"wlan0.{dead.pid}.3", f"wlan1.{dead.pid}.3", "wlan0.1.0", "wlan0"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
            left.bind(str(tmp_path / name))

    async def work() -> None:
        async with conversation(tmp_path):
            pass

    run(work)
    assert own_sockets(tmp_path) == ["wlan0", "wlan0.1.0", f"wlan1.{dead.pid}.3"]


def test_commands_go_one_at_a_time(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            names = [f"GET {n}" for n in range(50)]
            server.replies |= {name: name.encode() for name in names}
            replies = await asyncio.gather(*(control.request(name) for name in names))
            assert replies == names

    run(work)


def test_a_late_reply_is_not_taken_for_that_of_the_next_command(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            server.silent.add("SCAN_RESULTS")
            with pytest.raises(ControlError, match=r"did not answer SCAN_RESULTS within 0\.05 s"):
                await control.request("SCAN_RESULTS", limit=0.05)
            late = server.sender_of("SCAN_RESULTS")
            server.silent.add("STATUS")
            asking = asyncio.create_task(control.request("STATUS"))
            await until(lambda: server.count("STATUS"))
            with pytest.raises(OSError, match="No such file"):
                server.socket.sendto(b"the old answer\n", late)
            server.socket.sendto(b"the new answer\n", server.sender_of("STATUS"))
            assert await asking == "the new answer"

    run(work)


def test_the_reply_to_a_cancelled_command_goes_to_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            server.silent.add("SCAN_RESULTS")
            asking = asyncio.create_task(control.request("SCAN_RESULTS"))
            await until(lambda: server.count("SCAN_RESULTS"))
            asking.cancel()
            await asyncio.wait({asking})
            with pytest.raises(OSError, match="No such file"):
                server.socket.sendto(b"the old answer\n", server.sender_of("SCAN_RESULTS"))
            assert await control.request("PING") == "PONG"

    run(work)


def test_a_second_reply_is_dropped(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            await control.request("PING")
            server.socket.sendto(b"out of order\n", server.sender_of("PING"))
            assert await control.request("PING") == "PONG"

    run(work)


def test_an_event_that_comes_where_a_reply_is_awaited_is_an_event(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, heard):
            server.silent.add("STATUS")
            asking = asyncio.create_task(control.request("STATUS"))
            await until(lambda: server.count("STATUS"))
            server.socket.sendto(b"<3>CTRL-EVENT-BEACON-LOSS ", server.sender_of("STATUS"))
            server.socket.sendto(b"wpa_state=COMPLETED\n", server.sender_of("STATUS"))
            assert await asking == "wpa_state=COMPLETED"
            assert heard == ["<3>CTRL-EVENT-BEACON-LOSS "]

    run(work)


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe", b"\0" * 4096, b"x" * 16000, b"<", b"<3"])
def test_garbage_is_a_reply_like_another(tmp_path: Path, garbage: bytes) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            server.replies["STATUS"] = garbage
            assert await control.request("STATUS") == garbage.decode(errors="replace")
            server.tell(garbage)
            assert await control.request("PING") == "PONG"

    run(work)


def test_a_listener_that_fails_costs_neither_the_next_event_nor_a_reply(tmp_path: Path) -> None:
    async def work() -> None:
        heard: list[str] = []

        def listen(line: str) -> None:
            heard.append(line)
            if len(heard) == 1:
                raise RuntimeError("a bug of the listener")

        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, c: complaints.append(c))
        server = Server(tmp_path / "ctrl" / "wlan0")
        control = await Control.open(server.path, listen)
        server.tell(b"<3>one")
        server.tell(b"<3>two")
        assert await control.request("PING") == "PONG"
        await until(lambda: len(heard) == 2)
        assert len(complaints) == 1
        await control.close()
        server.close()

    run(work)


def test_a_flood_of_events_does_not_stop_the_commands(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, heard):
            sent = 0
            for _ in range(200):
                while server.tell(b"<3>CTRL-EVENT-BSS-ADDED 1 02:00:00:00:00:01"):
                    sent += 1
                assert await control.request("PING") == "PONG"
            await until(lambda: len(heard) == sent)
            assert sent > 1000

    run(work)


def test_after_a_queue_that_was_full_we_attach_again_and_say_so(tmp_path: Path) -> None:
    async def work() -> None:
        gaps: list[int] = []
        async with conversation(tmp_path, gaps) as (server, _, heard):
            server.tell(b"<3>one")
            await until(lambda: heard)
            assert (gaps, server.count("ATTACH")) == ([], 1)
            while server.tell(b"<3>more"):
                pass
            server.watchers.clear()  # as wpa_supplicant does after ten failures
            await until(lambda: gaps)
            await until(lambda: server.watchers)
            assert server.tell(b"<3>again")
            await until(lambda: heard[-1] == "<3>again")

    run(work)


def test_one_that_makes_its_socket_anew_goes_on_talking(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, heard):
            server.close()
            asking = asyncio.create_task(control.request("PING"))
            await asyncio.sleep(0.02)
            server.open()
            assert await asking == "PONG"
            server.tell(b"<3>still here")
            await until(lambda: heard)

    run(work)


@pytest.mark.parametrize("name_left", [True, False])
def test_one_that_is_gone_is_told_soon(tmp_path: Path, name_left: bool) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            (server.kill if name_left else server.close)()
            began = time.monotonic()
            with pytest.raises(ControlError, match="wpa_supplicant on wlan0 is gone"):
                await control.request("PING")
            assert time.monotonic() - began < 2

    run(work)


def test_one_that_reads_nothing_is_told_after_the_limit(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            asyncio.get_running_loop().remove_reader(server.socket)
            for _ in range(15):  # more than its queue takes
                with pytest.raises(ControlError, match="did not answer PING"):
                    await control.request("PING", limit=0.02)

    run(work)


def test_no_secret_is_in_an_error_or_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def work() -> list[str]:
        commands = [f"SET_NETWORK 0 psk {SECRET}", f"SET sae_password {SECRET}"]
        said = []
        async with conversation(tmp_path) as (server, control, _):
            for command in commands:
                server.replies[command] = f"FAIL {SECRET}\n".encode()
                with pytest.raises(ControlError) as refused:
                    await control.expect_ok(command)
                server.silent.add(command)
                with pytest.raises(ControlError) as unanswered:
                    await control.expect_ok(command, limit=0.02)
                with pytest.raises(ControlError) as unsendable:
                    await control.request(f"{command}\0")
                said += [str(each.value) for each in (refused, unanswered, unsendable)]
        return said

    said = run(work)
    assert said[0] == "wpa_supplicant on wlan0 refused SET_NETWORK 0 psk: something else than OK"
    assert said[1] == "wpa_supplicant on wlan0 did not answer SET_NETWORK 0 psk within 0.02 s"
    assert said[3].startswith("wpa_supplicant on wlan0 refused SET:")
    for text in (*said, caplog.text):
        assert "horse" not in text


@pytest.mark.parametrize("command", ["SET_NETWORK 0 ssid a\0b", "x" * 4096])
def test_what_would_be_cut_off_on_the_way_is_not_sent(tmp_path: Path, command: str) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            with pytest.raises(ControlError, match="cannot be sent"):
                await control.request(command)
            assert [given for given, _ in server.got] == ["ATTACH"]

    run(work)


def test_a_refusal_is_told_with_its_kind(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            server.replies["SCAN"] = b"FAIL-BUSY\n"
            with pytest.raises(ControlError, match=r"wlan0 refused SCAN: FAIL-BUSY$"):
                await control.expect_ok("SCAN")
            await control.expect_ok("DISCONNECT")

    run(work)


def test_closing_detaches_and_ends_what_is_under_way(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            server.silent.add("STATUS")
            asking = asyncio.create_task(control.request("STATUS"))
            await until(lambda: server.count("STATUS"))
            await control.close()
            with pytest.raises(ControlError, match="was closed"):
                await asking
            with pytest.raises(ControlError, match="was closed"):
                await control.request("PING")
            assert server.watchers == []
            await control.close()

    run(work)


def test_closing_does_not_wait_for_one_that_does_not_answer(tmp_path: Path) -> None:
    async def work() -> None:
        async with conversation(tmp_path) as (server, control, _):
            server.silent.add("DETACH")
            began = time.monotonic()
            await control.close()
            assert time.monotonic() - began < 1
            assert own_sockets(tmp_path) == []

    run(work)


# -- the real wpa_supplicant


@pytest.fixture
def supplicant() -> Iterator[RealSupplicant]:
    with real_supplicant() as made:
        yield made


@contextlib.asynccontextmanager
async def talking(supplicant: RealSupplicant) -> AsyncIterator[tuple[Control, list[str]]]:
    heard: list[str] = []
    async with asyncio.timeout(20):
        control = await Control.open(supplicant.path, heard.append)
    try:
        yield control, heard
    finally:
        await control.close()


@pytest.mark.netns
def test_the_real_one_is_waited_for_and_talked_with(supplicant: RealSupplicant) -> None:
    async def work() -> None:
        opening = asyncio.create_task(Control.open(supplicant.path, lambda _: None))
        await asyncio.sleep(0.05)
        supplicant.start()
        control = await opening
        assert await control.request("PING") == "PONG"
        assert "wpa_state=" in await control.request("STATUS")
        assert await control.request("ADD_NETWORK") == "0"
        await control.expect_ok(f"SET_NETWORK 0 ssid {b'a b'.hex()}")
        with pytest.raises(ControlError, match="refused SET_NETWORK 0 psk: FAIL"):
            await control.expect_ok('SET_NETWORK 0 psk "short"')
        assert await control.request("NO_SUCH_COMMAND") == "UNKNOWN COMMAND"
        await control.close()
        assert "Detach monitor" not in supplicant.bench.log("supplicant.log")

    run(work)


@pytest.mark.netns
def test_the_end_of_the_real_one_is_announced_and_quick(supplicant: RealSupplicant) -> None:
    async def work() -> None:
        process = supplicant.start()
        async with talking(supplicant) as (control, heard):
            process.send_signal(signal.SIGTERM)
            await until(lambda: any(parse_event(line) == Terminating() for line in heard))
            await until(lambda: process.poll() is not None)
            with pytest.raises(ControlError, match="has ended"):
                await control.request("PING")

    run(work)


@pytest.mark.netns
def test_a_kill_in_mid_request_is_noticed_at_once(supplicant: RealSupplicant) -> None:
    async def work() -> None:
        supplicant.start()
        async with talking(supplicant) as (control, _):
            supplicant.signal(signal.SIGSTOP)  # so that the request is surely under way
            asking = asyncio.create_task(control.request("STATUS"))
            await asyncio.sleep(0.05)
            assert not asking.done()
            began = time.monotonic()
            supplicant.signal(signal.SIGKILL)
            with pytest.raises(ControlError, match=r"wpa_supplicant on sup0 has ended"):
                await asking
            assert time.monotonic() - began < 1.0  # of a limit of 5 s

    run(work)


@pytest.mark.netns
def test_one_that_is_stopped_costs_the_limit_and_its_late_answers_harm_nobody(
    supplicant: RealSupplicant,
) -> None:
    async def work() -> None:
        supplicant.start()
        async with talking(supplicant) as (control, _):
            supplicant.signal(signal.SIGSTOP)
            for _ in range(3):
                began = time.monotonic()
                with pytest.raises(ControlError, match="did not answer STATUS"):
                    await control.request("STATUS", limit=0.2)
                assert 0.2 <= time.monotonic() - began < 1
            supplicant.signal(signal.SIGCONT)
            for _ in range(5):
                assert await control.request("PING") == "PONG"

    run(work)


@pytest.mark.netns
def test_a_new_one_needs_a_new_conversation(supplicant: RealSupplicant) -> None:
    async def work() -> None:
        supplicant.start()
        async with talking(supplicant) as (control, _):
            first = supplicant.process
            supplicant.signal(signal.SIGKILL)
            assert first
            await until(lambda: first.poll() is not None)
            supplicant.start()
            async with talking(supplicant) as (second, _):
                assert await second.request("PING") == "PONG"
                with pytest.raises(ControlError, match="has ended"):
                    await control.request("PING")

    run(work)


@pytest.mark.netns
def test_a_busy_listener_is_detached_by_the_real_one_and_attaches_again(
    supplicant: RealSupplicant,
) -> None:
    async def work() -> None:
        supplicant.start()
        gaps: list[int] = []
        heard: list[str] = []
        control = await Control.open(supplicant.path, heard.append, on_gap=lambda: gaps.append(1))
        other = await Control.open(supplicant.path, lambda _: None)
        # our loop does not run while another client makes it announce more than a queue holds
        await asyncio.to_thread(lambda: None)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.bind(str(supplicant.bench.folder / "client"))
            for _ in range(60):
                client.sendto(b"ADD_NETWORK", str(supplicant.path))
                with contextlib.suppress(TimeoutError):
                    client.recv(100)
        await until(lambda: gaps)
        assert "Detach monitor" in supplicant.bench.log("supplicant.log")
        assert (await control.request("PING"), await other.request("PING")) == ("PONG", "PONG")
        before = len(heard)
        await control.request("ADD_NETWORK")
        await until(lambda: len(heard) > before)
        await control.close()
        await other.close()

    run(work)


@pytest.mark.netns
def test_an_idle_conversation_costs_the_real_one_no_delay_at_its_end(
    supplicant: RealSupplicant,
) -> None:
    async def work() -> float:
        process = supplicant.start()
        async with talking(supplicant):
            pass
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        await until(lambda: process.poll() is not None)
        return time.monotonic() - began

    assert run(work) < 1.0


def test_the_process_that_runs_the_tests_keeps_no_descriptor(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def work() -> tuple[int, int]:
        before = descriptors()
        for _ in range(5):
            async with conversation(tmp_path) as (_, control, _):
                await control.request("PING")
        return before, descriptors()

    before, after = run(work)
    assert after == before


@pytest.mark.netns
def test_hostapd_is_talked_with_in_the_same_way(tmp_path: Path) -> None:
    async def work() -> None:
        heard: list[str] = []
        with Bench("ha") as bench:
            host = bench.namespace("ap")
            host.ip("link", "add", "ap0", "type", "veth", "peer", "name", "ap1")
            host.ip("link", "set", "ap0", "up")
            settings = tmp_path / "hostapd.conf"
            folder = bench.folder / "hostapd"
            lines = ("interface=ap0", "driver=wired", f"ctrl_interface={folder}", "eap_server=1")
            settings.write_text("\n".join((*lines, "ieee8021x=1", "use_pae_group_addr=0", "")))
            process = host.start("hostapd", str(settings))
            async with asyncio.timeout(20):
                control = await Control.open(folder / "ap0", heard.append, program="hostapd")
            assert await control.request("PING") == "PONG"
            await control.expect_ok("DISABLE")
            await control.expect_ok("ENABLE")
            await until(lambda: len(heard) == 2)
            assert heard == ["<3>AP-DISABLED ", "<3>AP-ENABLED "]
            process.kill()
            process.wait()
            with pytest.raises(ControlError, match="hostapd on ap0 has ended"):
                await control.request("PING")
            await control.close()

    run(work)
