"""Programs that run until they are stopped: their lines, their helpers, their end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conman_core.child import keep_in, lines_to
from conman_core.children import Children
from tests.core.supervision import STUBBORN, WITH_HELPER, alive, run, started, wait_until


@pytest.fixture
def children(tmp_path: Path) -> Children:
    return Children(tmp_path)


def test_each_line_is_logged_and_given_to_who_asked(
    children: Children, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []

    async def work() -> int:
        script = "echo one; echo two >&2; printf last; exit 4"
        child = await children.start(["sh", "-c", script], name="daemon", on_line=lines.append)
        return await child.wait()

    assert run(work) == 4
    assert lines == ["one", "two", "last"]
    assert "daemon: two" in caplog.text


def test_a_line_without_end_is_cut_in_pieces(
    children: Children, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []

    async def work() -> None:
        argv = ["head", "-c", "10000000", "/dev/zero"]
        await (await children.start(argv, name="daemon", on_line=lines.append)).wait()

    run(work)
    assert sum(map(len, lines)) == 10_000_000
    assert max(map(len, lines)) == 4096
    assert max(map(len, caplog.messages)) < 600


def test_lines_are_the_same_however_the_output_was_chopped() -> None:
    data = b"one\n\ntwo\r\nthree"
    for size in range(1, len(data) + 1):
        lines: list[str] = []
        sink = lines_to(lines.append)
        for start in range(0, len(data), size):
            sink(data[start : start + size])
        sink(b"")
        assert lines == ["one", "two\r", "three"]


def test_a_keeping_sink_keeps_exactly_as_much_as_it_may() -> None:
    kept = bytearray()
    sink = keep_in(kept, 5)
    for data in (b"abc", b"defg", b"h", b""):
        sink(data)
    assert kept == b"abcde"


def test_who_fails_on_a_line_does_not_stop_the_supervision(children: Children) -> None:
    reported: list[object] = []

    def fail(line: str) -> None:
        raise LookupError(line)

    async def work() -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, what: reported.append(what["exception"]))
        child = await children.start(["sh", "-c", "echo a; exit 5"], name="daemon", on_line=fail)
        return await child.wait()

    assert run(work) == 5
    assert isinstance(reported[0], LookupError)


def test_stop_ends_the_child_and_its_helpers_and_may_be_repeated(children: Children) -> None:
    async def work() -> int:
        async with started(children, WITH_HELPER) as (child, helper):
            await asyncio.gather(child.stop(), child.stop())
            await child.stop()
            assert not child.running
            child.signal(signal.SIGKILL)  # nobody's number any more
            assert await child.wait() == -signal.SIGTERM
            return int(helper)

    helper = run(work)
    wait_until(lambda: not alive(helper))


def test_a_stubborn_child_is_killed_after_the_limit(children: Children) -> None:
    async def work() -> float:
        async with started(children, STUBBORN) as (child, _):
            begun = time.monotonic()
            await child.stop(0.3)
            assert await child.wait() == -signal.SIGKILL
            return time.monotonic() - begun

    assert 0.3 <= run(work) < 1.0


def test_a_signal_that_the_child_lost_is_sent_again(children: Children) -> None:
    script = "trap 'n=$((n+1)); [ $n -lt 2 ] || exit 7' TERM; echo ready; "
    script += "while :; do sleep 0.02; done"

    async def work() -> int:
        async with started(children, script) as (child, _):
            await child.stop(5)
            return await child.wait()

    assert run(work) == 7


def test_a_cancelled_stop_kills_at_once(children: Children) -> None:
    async def work() -> int:
        async with started(children, STUBBORN) as (child, _):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(child.stop(30), 0.1)
            return await child.wait()

    assert run(work) == -signal.SIGKILL


def test_helpers_that_outlive_a_killed_child_are_ended(children: Children) -> None:
    async def work() -> int:
        async with started(children, "trap '' TERM; " + WITH_HELPER) as (child, helper):
            os.kill(child.pid, signal.SIGKILL)
            await child.wait()
            return int(helper)

    helper = run(work)
    wait_until(lambda: not alive(helper))


def test_other_code_may_wait_for_its_own_children(children: Children) -> None:
    other = subprocess.Popen(["sh", "-c", "exit 9"])
    for _ in range(3):
        run(lambda: children.run(["true"]))
    assert other.wait() == 9
