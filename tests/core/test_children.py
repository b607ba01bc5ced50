"""Programs that conman runs to their end, and the end of all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from conman_core import tools
from conman_core.children import LARGEST_OUTPUT, MASK, Children
from conman_core.errors import SystemFault, ToolMissing
from conman_core.leftovers import read_status
from tests.core.supervision import STUBBORN, WITH_HELPER, alive, run, started, wait_until


@pytest.fixture
def children(tmp_path: Path) -> Children:
    return Children(tmp_path)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_program_gives_its_code_and_both_outputs_apart(children: Children) -> None:
    done = run(lambda: children.run(["sh", "-c", "echo out; echo err >&2; exit 3"]))
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_a_program_that_a_signal_ended_has_a_negative_code(children: Children) -> None:
    assert run(lambda: children.run(["sh", "-c", "kill -9 $$"])).returncode == -9


def test_output_beyond_the_largest_is_dropped_and_does_not_block(children: Children) -> None:
    script = f"head -c {3 * LARGEST_OUTPUT} /dev/zero; head -c {2 * LARGEST_OUTPUT} /dev/zero >&2"
    done = run(lambda: children.run(["sh", "-c", script]))
    assert (done.returncode, len(done.stdout), len(done.stderr)) == (
        0,
        LARGEST_OUTPUT,
        LARGEST_OUTPUT,
    )


def test_output_that_is_no_text_is_replaced(children: Children) -> None:
    assert run(lambda: children.run(["printf", r"a\377b"])).stdout == "a\N{REPLACEMENT CHARACTER}b"


def test_input_of_any_size_reaches_the_program(children: Children) -> None:
    text = "é" * 400_000
    assert run(lambda: children.run(["cat"], stdin=text)).stdout == text


def test_a_program_that_reads_no_input_does_not_block_on_it(children: Children) -> None:
    assert run(lambda: children.run(["true"], stdin="x" * 1_000_000)).returncode == 0


def test_without_input_a_program_reads_the_end_at_once(children: Children) -> None:
    assert run(lambda: children.run(["cat"], timeout=5)).stdout == ""


def test_programs_speak_untranslated_utf8(children: Children) -> None:
    assert run(lambda: children.run(["printenv", "LC_ALL"])).stdout == "C.UTF-8\n"


def test_at_the_limit_the_error_names_program_and_limit_and_the_group_is_gone(
    children: Children, tmp_path: Path
) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/helper; wait"
    started_at = time.monotonic()
    with pytest.raises(TimeoutError, match=r"^sh -c .* did not end within 0\.2 s"):
        run(lambda: children.run(["sh", "-c", script], timeout=0.2))
    assert time.monotonic() - started_at < 1.0
    wait_until(lambda: not alive(int((tmp_path / "helper").read_text())))


def test_a_program_that_ignores_sigterm_is_killed(children: Children) -> None:
    started_at = time.monotonic()
    with pytest.raises(TimeoutError):
        run(lambda: children.run(["sh", "-c", STUBBORN], timeout=0.1))
    assert time.monotonic() - started_at < 2.5


def test_a_grandchild_that_keeps_the_pipe_open_does_not_hold_the_result_back(
    children: Children, tmp_path: Path
) -> None:
    script = f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60' & "
    script += f"while [ ! -s {tmp_path}/pid ]; do sleep 0.01; done; echo done"
    started_at = time.monotonic()
    try:
        assert run(lambda: children.run(["sh", "-c", script])).stdout == "done\n"
        assert time.monotonic() - started_at < 2
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_grandchild_in_the_group_ends_with_the_program(children: Children) -> None:
    done = run(lambda: children.run(["sh", "-c", "sleep 60 & echo $!"]))
    wait_until(lambda: not alive(int(done.stdout)))


def test_a_cancelled_run_ends_the_whole_group(children: Children, tmp_path: Path) -> None:
    file = tmp_path / "helper"

    async def work() -> None:
        script = f"sleep 60 & echo $! > {file}.new; mv {file}.new {file}; wait"
        task = asyncio.create_task(children.run(["sh", "-c", script]))
        while not file.exists():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)
    wait_until(lambda: not alive(int(file.read_text())))


def test_a_missing_program_is_named_with_the_package_that_has_it(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "SYSTEM_FOLDERS", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"dhcpcd is not installed.*apt install dhcpcd-base"):
        run(lambda: children.run(["dhcpcd", "--version"]))
    with pytest.raises(ToolMissing, match="apt install some-tool"):
        run(lambda: children.run(["/opt/some-tool"]))


def test_programs_in_the_system_folders_are_found_with_the_path_of_a_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "wpa_cli").write_text("")
    (tmp_path / "wpa_cli").chmod(0o755)
    monkeypatch.setenv("PATH", "/usr/games")
    monkeypatch.setattr(tools, "SYSTEM_FOLDERS", str(tmp_path))
    assert tools.find_tool("wpa_cli") == str(tmp_path / "wpa_cli")


def test_a_program_that_the_kernel_refuses_is_a_fault_with_a_sentence(
    children: Children, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(SystemFault, match=r"broken \*+ cannot be started: Exec format error"):
        run(lambda: children.run([str(broken), "key"], secrets=["key"]))


def test_secrets_are_in_neither_the_log_nor_the_error(
    children: Children, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    argv = ["sh", "-c", "sleep 60", "psk=hunter22", "hunter"]
    with pytest.raises(TimeoutError) as raised:
        run(lambda: children.run(argv, timeout=0.05, secrets=["hunter", "hunter22", ""]))
    assert f"psk={MASK} {MASK} did not end" in str(raised.value)
    assert f"psk={MASK}" in caplog.text
    assert "hunter" not in caplog.text + str(raised.value)


def test_programs_run_from_the_loops_of_several_threads_at_once(children: Children) -> None:
    codes: list[int] = []

    def loop_of_its_own(number: int) -> None:
        async def work() -> None:
            argv = ["sh", "-c", f"sleep 0.02; exit {number}"]
            done = await asyncio.gather(*(children.run(argv) for _ in range(4)))
            codes.extend(one.returncode for one in done)

        run(work)

    threads = [threading.Thread(target=loop_of_its_own, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == sorted([0, 1, 2, 3, 4] * 4)


def test_neither_zombies_nor_descriptors_are_left(children: Children) -> None:
    async def work() -> list[int]:
        pids = []
        for script in ("exit 0", "kill -9 $$", WITH_HELPER):
            child = await children.start(["sh", "-c", script], name="script")
            pids.append(child.pid)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), 0.1)
            await child.stop()
        for _ in range(3):
            await children.run(["true"], stdin="x")
        with pytest.raises(SystemFault):
            await children.run(["/etc/hostname/none"])
        return pids

    run(work)
    before = descriptors()
    pids = run(work)
    assert descriptors() == before
    assert [read_status(pid) for pid in pids] == [None] * 3


def test_no_child_is_left_if_supervision_cannot_begin(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_descriptors_left(pid: int) -> int:
        (tmp_path / "pid").write_text(str(pid))
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", no_descriptors_left)
    with pytest.raises(OSError, match="Too many open files"):
        run(lambda: children.run(["sleep", "60"]))
    assert read_status(int((tmp_path / "pid").read_text())) is None
    assert "sleep" not in (tmp_path / "children.json").read_text()


def test_closing_ends_the_children_of_all_loops_and_starts_no_more(children: Children) -> None:
    codes: list[int] = []
    ready = threading.Barrier(4)

    def loop_of_its_own(script: str) -> None:
        async def work() -> None:
            async with started(children, script) as (child, _):
                ready.wait()
                codes.append(await child.wait())

        run(work)

    scripts = (WITH_HELPER, WITH_HELPER, STUBBORN)
    threads = [threading.Thread(target=loop_of_its_own, args=(script,)) for script in scripts]
    for thread in threads:
        thread.start()
    ready.wait()
    groups = children.groups()
    assert len(groups) == 3
    children.close(0.3)
    assert not any(alive(pid) for pid in groups)
    for thread in threads:
        thread.join()
    assert sorted(codes) == [-15, -15, -9]
    assert children.groups() == frozenset()
    with pytest.raises(SystemFault, match="conman ends"):
        run(lambda: children.run(["true"]))


def test_closing_ends_a_child_whose_loop_hangs(children: Children) -> None:
    let_go = threading.Event()
    pids: list[int] = []

    def hang() -> None:
        async def work() -> None:
            async with started(children, WITH_HELPER) as (child, _):
                pids.append(child.pid)
                let_go.wait()

        run(work)

    thread = threading.Thread(target=hang)
    thread.start()
    wait_until(lambda: pids)
    begun = time.monotonic()
    children.close()
    assert time.monotonic() - begun < 1
    wait_until(lambda: not alive(pids[0]))
    let_go.set()
    thread.join()


def test_without_a_folder_nothing_is_written_and_children_end_all_the_same() -> None:
    children = Children(None)
    assert children.end_leftovers() == ()

    async def work() -> int:
        async with started(children, WITH_HELPER) as (child, _):
            assert children.groups() == {child.pid}
            await asyncio.to_thread(children.close)
            return await child.wait()

    assert run(work) == -signal.SIGTERM
