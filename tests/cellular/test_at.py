"""AT commands over a real terminal: answers, what comes between, silence, rubbish, the end."""

from __future__ import annotations

import asyncio
import os
import threading
import tty
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import ConnectError, Reason
from conman_core.testing import run
from conman_plugins.cellular import ttylock, ttyopen
from conman_plugins.cellular.at import Lines, Port, Reply, open_port

Answer = Callable[[str], bytes | None]  #: what comes back for a command, None: the line breaks


@pytest.fixture(autouse=True)
def _locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttylock, "LOCKS", tmp_path)


def with_modem(answer: Answer, use: Callable[[Port], Awaitable[object]]) -> None:
    """Open a port that is answered, and use it."""

    async def check() -> None:
        master, slave = os.openpty()
        tty.setraw(slave)
        path = os.ttyname(slave)
        port = await open_port(path)
        os.close(slave)
        heard = bytearray()
        loop = asyncio.get_running_loop()

        def hear() -> None:
            heard.extend(os.read(master, 1000))
            while b"\r" in heard:
                command, _, rest = bytes(heard).partition(b"\r")
                heard[:] = rest
                said = answer(command.decode())
                if said is None:
                    loop.remove_reader(master)
                    os.close(master)
                    return
                os.write(master, said)

        loop.add_reader(master, hear)
        try:
            await use(port)
        finally:
            port.close()
            port.close()
            if loop.remove_reader(master):
                os.close(master)

    run(check())


def test_an_answer_ends_with_its_word_and_an_echo_is_no_part_of_it() -> None:
    async def use(port: Port) -> None:
        assert await port.ask("AT+CSQ") == Reply(("+CSQ: 24,99",), "OK")

    with_modem(lambda command: f"{command}\r\r\n+CSQ: 24,99\r\n\r\nOK\r\n".encode(), use)


def test_commands_follow_one_another() -> None:
    async def use(port: Port) -> None:
        replies = await asyncio.gather(*(port.ask(f"AT+{name}") for name in "ABC"))
        assert [reply.lines for reply in replies] == [("AT+A!",), ("AT+B!",), ("AT+C!",)]

    with_modem(lambda command: f"\r\n{command}!\r\n\r\nOK\r\n".encode(), use)


@pytest.mark.parametrize(
    ("said", "ok", "code"),
    [("OK", True, None), ("ERROR", False, None), ("+CME ERROR: 10", False, 10)],
)
def test_a_refusal_may_have_a_number(said: str, ok: bool, code: int | None) -> None:
    async def use(port: Port) -> None:
        reply = await port.ask("AT+CPIN?")
        assert (reply.ok, reply.code) == (ok, code)

    with_modem(lambda _: f"\r\n{said}\r\n".encode(), use)


def test_what_the_modem_says_by_itself_is_heard() -> None:
    heard: list[str] = []

    async def use(port: Port) -> None:
        port.heard.append(heard.append)
        await port.ask("AT")

    with_modem(lambda _: b"\r\n+CREG: 1\r\n\r\n^RSSI: 20\r\n\r\nOK\r\n", use)
    assert heard == ["+CREG: 1", "^RSSI: 20", "OK"]


@pytest.mark.parametrize(
    ("said", "words"), [(b"", "said nothing"), (b"\r\n\xff\x00junk\r\n", "said only '??junk'")]
)
def test_silence_and_rubbish_end_at_the_limit(said: bytes, words: str) -> None:
    async def use(port: Port) -> None:
        with pytest.raises(ConnectError) as raised:
            await port.ask("AT+CPIN=1234", 0.05, shown="AT+CPIN=...")
        assert raised.value.reason is Reason.WEDGED
        assert words in raised.value.sentence
        assert "1234" not in raised.value.sentence

    with_modem(lambda _: said, use)


def test_a_modem_that_is_pulled_out_ends_the_question() -> None:
    async def use(port: Port) -> None:
        for _ in range(2):
            with pytest.raises(ConnectError, match="is gone; plug the modem in again") as raised:
                await port.ask("AT")
            assert raised.value.reason is Reason.NO_DEVICE

    with_modem(lambda _: None, use)


def test_a_port_that_is_not_there_or_is_none_says_so(tmp_path: Path) -> None:
    async def check() -> None:
        with pytest.raises(ConnectError, match=r"ttyUSB9 is gone"):
            await open_port(str(tmp_path / "ttyUSB9"))
        (tmp_path / "file").write_text("")
        with pytest.raises(ConnectError, match=r"is no serial port"):
            await open_port(str(tmp_path / "file"))

    run(check())


def test_a_port_is_locked_while_it_is_open_and_left_to_who_has_locked_it(
    tmp_path: Path,
) -> None:
    locks: list[str] = []

    async def use(port: Port) -> None:
        (file,) = tmp_path.iterdir()
        locks.append(file.read_text())
        with pytest.raises(ConnectError, match=f"as root: kill {os.getpid()}") as raised:
            await open_port(port.path)
        assert raised.value.reason is Reason.BUSY

    with_modem(lambda _: b"", use)
    assert locks == [f"{os.getpid():10d}\n"]
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_does_not_open_or_close_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, closed = threading.Event(), threading.Event()

    def hang(path: str) -> int:
        held.wait(5)
        return os.open(path, os.O_RDONLY)

    def close(handle: int) -> None:
        os.close(handle)
        closed.set()

    monkeypatch.setattr(ttyopen, "_open", hang)
    monkeypatch.setattr(ttyopen, "_close", close)
    monkeypatch.setattr(ttyopen, "OPENING", 0.05)

    async def check() -> None:
        with pytest.raises(ConnectError, match=r"did not open within 0.05 s") as raised:
            await open_port("/dev/null")
        assert raised.value.reason is Reason.WEDGED
        held.set()
        assert await asyncio.to_thread(closed.wait, 5)  # what opened too late

    run(check())


@pytest.mark.parametrize("content", ["1999999999\n", "rubbish", "", "\0\0\0\0"])
def test_a_lock_whose_program_is_gone_counts_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "LCK..ttyUSB0"
    file.write_text(content)

    assert ttylock.lock("/dev/ttyUSB0") == file
    assert file.read_text() == f"{os.getpid():10d}\n"


def test_without_a_place_for_locks_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttylock, "LOCKS", tmp_path / "none")
    assert ttylock.lock("/dev/ttyUSB0") is None
    ttylock.unlock(None)


def test_values_are_found_by_name_whatever_stands_before_it() -> None:
    reply = Reply(("^CPIN: SIM PIN,3", "+CPIN: READY", "CPIN: x", "+CSQ: 1"), "OK")

    assert reply.values("CPIN") == ["SIM PIN,3", "READY", "x"]


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_however_bytes_come_they_make_the_same_lines(parts: list[bytes]) -> None:
    pieces, whole = Lines(), Lines()
    found = [line for part in parts for line in pieces.feed(part)]

    assert found == whole.feed(b"".join(parts))
    assert all(line.isprintable() and line for line in found)


@given(st.binary(min_size=2000, max_size=3000))
def test_a_line_without_end_is_cut(data: bytes) -> None:
    lines = Lines()
    lines.feed(data)

    assert len(lines._rest) <= 1024
