"""Whatever a driver does, it costs only itself, and is never given up."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest

from conman_core import guard as guard_module
from conman_core.errors import BadValue, ConnectError, DriverBug, ToolMissing
from conman_core.failures import Failure, translate
from conman_core.guard import Guard
from conman_core.health import State
from conman_core.job import Job
from conman_core.model import Connection, Link, Lost, ProbeAgain, Reason, Unavailable
from tests.third_party import fixtures
from tests.third_party.install import entry_points, install

site = fixtures.site
LINK = Link("test", "a0")
OTHER = Link("test", "b0")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "CANCEL_GRACE", 0.3)


class Quiet:
    """A driver that works; tests replace what they are about."""

    api_version = 1
    made: ClassVar[list[Any]] = []

    def __init__(self, context: Any) -> None:
        del context
        self.calls: list[str] = []
        type(self).made.append(self)

    def probe(self) -> Any:
        return [LINK, OTHER]

    def connect(self, link: Link) -> Any:
        return Connection("lo")

    def disconnect(self, link: Link) -> Any:
        self.calls.append(f"disconnect {link.name}")


def driver(**methods: Any) -> type[Any]:
    return type("Tested", (Quiet,), {"made": [], **methods})


def raising(error: BaseException) -> Callable[..., Any]:
    def method(self: Any, *args: Any) -> Any:
        raise error

    return method


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def guarded(scenario: Callable[[Guard], Any], name: str = "test", **methods: Any) -> Any:
    """Run a scenario with a guard around a driver of these methods, and return its result."""
    kind = methods.pop("kind", None) or driver(**methods)

    async def run() -> Any:
        clock = methods.get("clock", Clock())
        guard = Guard(name, kind, lambda: None, "acme-test 1.0", clock=clock)
        guard.clock = clock
        guard.kind = kind
        try:
            return await scenario(guard)
        finally:
            guard.close()

    return asyncio.run(run())


async def until(condition: Callable[[], Any], limit: float = 5.0) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.005)


def test_plain_and_async_methods_both_run_on_the_drivers_own_thread():
    threads = []

    def probe(self):
        threads.append(threading.current_thread())
        return []

    async def connect(self, link):
        await asyncio.sleep(0)
        threads.append(threading.current_thread())
        return Connection("lo")

    async def scenario(guard):
        return await guard.probe(), await guard.connect(LINK)

    assert guarded(scenario, probe=probe, connect=connect) == ((), Connection("lo"))
    assert threads[0] is threads[1] is not threading.main_thread()
    assert threads[0].daemon


def test_an_expected_failure_passes_and_leaves_the_driver_in_good_health():
    async def scenario(guard):
        with pytest.raises(ConnectError, match="the SIM is gone") as caught:
            await guard.connect(LINK)
        return caught.value.reason, guard.health.state

    error = ConnectError(Reason.NO_SIM, "the SIM is gone")
    assert guarded(scenario, connect=raising(error)) == (Reason.NO_SIM, State.OK)


def test_a_missing_program_is_an_expected_failure_with_the_command_that_cures_it():
    async def scenario(guard):
        with pytest.raises(ConnectError, match="apt install libqmi-utils") as caught:
            await guard.connect(LINK)
        return caught.value.reason

    error = ToolMissing("qmicli", "libqmi-utils")
    assert guarded(scenario, connect=raising(error)) is Reason.NO_TOOL


def test_expected_trouble_in_probe_comes_as_unavailable():
    async def scenario(guard):
        return await guard.probe()

    error = ConnectError(Reason.RF_KILLED, "switch the radio on")
    expected = Unavailable(Reason.RF_KILLED, "switch the radio on")
    assert guarded(scenario, probe=raising(error)) == expected


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def half_made_error() -> ConnectError:
    error = ConnectError.__new__(ConnectError)
    error.reason = "because"
    return error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("boom"),
        AssertionError("boom"),
        SystemExit(3),
        KeyboardInterrupt("boom"),
        GeneratorExit("boom"),
        StopIteration("boom"),
        asyncio.CancelledError("boom"),
        TimeoutError("boom"),
        BaseException("boom"),
        Unspeakable(),
        half_made_error(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_anything_else_raised_is_a_driver_bug_and_only_that(error, kind, caplog):
    async def connect(self, link):
        await asyncio.sleep(0)
        raise error

    async def scenario(guard):
        with pytest.raises(DriverBug) as caught:
            await guard.connect(LINK)
        assert await guard.probe() == (LINK, OTHER)
        return str(caught.value), guard.health

    method = connect if kind == "async" else raising(error)
    sentence, health = guarded(scenario, connect=method)

    assert "driver test of acme-test 1.0: connect(test:a0)" in sentence
    assert (health.state, health.sentence, health.failures) == (State.BROKEN, sentence, 1)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_the_same_fault_is_logged_once_with_its_traceback(caplog):
    async def scenario(guard):
        for _ in range(3):
            with pytest.raises(DriverBug):
                await guard.connect(LINK)
        return guard.health.failures

    assert guarded(scenario, connect=raising(RuntimeError("boom"))) == 3
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert "Traceback" in errors[0]


@pytest.mark.parametrize("value", [None, "online", 5, Connection("eth0"), object()])
def test_a_wrong_answer_is_a_driver_bug_that_names_what_is_wrong(value):
    async def scenario(guard):
        with pytest.raises(DriverBug, match=r"connect.*returned rubbish"):
            await guard.connect(Link("test", "a0", "wlan0"))

    guarded(scenario, connect=lambda self, link: value)


def test_a_link_that_breaks_its_driver_costs_no_other_link():
    def connect(self, link):
        if link == LINK:
            raise RuntimeError("boom")
        return Connection("lo")

    async def scenario(guard):
        with pytest.raises(DriverBug):
            await guard.connect(LINK)
        await guard.connect(OTHER)
        return [guard.usable(guard.clock.now + 30, link) for link in ("test:a0", "test:b0")]

    assert guarded(scenario, connect=connect) == [False, True]


def test_a_broken_driver_gets_another_chance_after_a_minute_and_at_a_rescan():
    async def scenario(guard):
        with pytest.raises(DriverBug):
            await guard.probe()
        now = guard.clock.now
        before = [guard.usable(now), guard.usable(now + 61)]
        guard.forgive()
        return [*before, guard.usable(now)]

    assert guarded(scenario, probe=raising(RuntimeError("boom"))) == [False, True, True]


def test_a_driver_that_works_again_is_in_good_health_again():
    state = {"bad": True}

    def probe(self):
        if state["bad"]:
            raise RuntimeError("boom")
        return []

    async def scenario(guard):
        with pytest.raises(DriverBug):
            await guard.probe()
        state["bad"] = False
        await guard.probe()
        return guard.health.state

    assert guarded(scenario, probe=probe) is State.OK


def test_a_driver_that_cannot_be_made_is_tried_anew_at_each_call():
    tries = []

    def init(self, context):
        tries.append(context)
        if len(tries) == 1:
            raise OSError("no license file")

    async def scenario(guard):
        with pytest.raises(DriverBug, match=r"__init__.. raised OSError: no license file"):
            await guard.probe()
        assert not guard.usable(guard.clock.now)
        return await guard.probe(), guard.health.state

    assert guarded(scenario, __init__=init) == ((LINK, OTHER), State.OK)


def test_a_person_who_filled_in_a_form_wrongly_gets_the_drivers_own_words():
    async def scenario(guard):
        with pytest.raises(ValueError, match="the key has at least 8 letters"):
            await guard.call("apply", {"key": "x"})
        return guard.health.state

    error = ValueError("the key has at least 8 letters")
    assert guarded(scenario, apply=raising(error)) is State.OK


# -- time limits ------------------------------------------------------------------------------


def test_an_async_call_is_cancelled_at_its_limit_and_the_driver_stays_usable():
    cleaned = []

    async def connect(self, link):
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.append(link.name)

    async def scenario(guard):
        with pytest.raises(
            ConnectError, match=r"connect\(test:a0\) took more than 0.1 s"
        ) as caught:
            await guard.call("connect", LINK, limit=0.1)
        return caught.value.reason, guard.health.state, guard.usable(0)

    assert guarded(scenario, connect=connect) == (Reason.TIMEOUT, State.OK, True)
    assert cleaned == ["test:a0"]


def test_the_limit_that_the_class_declares_holds():
    async def scenario(guard):
        began = time.monotonic()
        with pytest.raises(ConnectError):
            await guard.connect(LINK)
        return time.monotonic() - began

    async def connect(self, link):
        await asyncio.sleep(3600)

    assert 0.2 <= guarded(scenario, connect=connect, connect_limit=0.2) < 2.0


def test_a_single_lost_cancellation_does_not_make_a_driver_stuck():
    async def connect(self, link):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    async def scenario(guard):
        with pytest.raises(ConnectError) as caught:
            await guard.call("connect", LINK, limit=0.05)
        return caught.value.reason, guard.health.state

    assert guarded(scenario, connect=connect) == (Reason.TIMEOUT, State.OK)


def blocking(release: threading.Event, result: Any = None) -> dict[str, Callable[..., Any]]:
    def plain(self, *args):
        release.wait(20)
        return result

    async def blocks(self, *args):
        release.wait(20)
        return result

    async def holds_on(self, *args):
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        return result

    return {"plain": plain, "async that blocks": blocks, "swallows cancellation": holds_on}


@pytest.mark.parametrize("kind", ["plain", "async that blocks", "swallows cancellation"])
def test_a_stuck_driver_is_not_called_until_it_returns_and_then_works_again(kind, caplog):
    release = threading.Event()

    async def scenario(guard):
        began = time.monotonic()
        with pytest.raises(DriverBug, match=r"is stuck in connect.test:a0. since"):
            await guard.call("connect", LINK, limit=0.1)
        assert time.monotonic() - began < 0.1 + guard_module.CANCEL_GRACE + 0.5
        assert guard.health.state is State.STUCK
        assert not guard.usable(guard.clock.now + 1e9)
        began = time.monotonic()
        with pytest.raises(DriverBug, match="is stuck in connect"):
            await guard.probe()
        assert time.monotonic() - began < 0.3

        release.set()
        await until(lambda: guard.usable(0))
        return guard.health.state, await guard.probe(), guard.kind.made[0].calls

    connect = blocking(release, Connection("lo"))[kind]
    state, links, calls = guarded(scenario, connect=connect)
    assert (state, links) == (State.OK, (LINK, OTHER))
    assert calls == ["disconnect test:a0"], "a connection nobody waits for is undone"
    assert "its thread is at" in caplog.text


def test_the_core_goes_on_while_a_driver_blocks():
    release = threading.Event()

    async def scenario(guard):
        task = asyncio.create_task(guard.call("connect", LINK, limit=0.3))
        worst, last = 0.0, time.monotonic()
        while not task.done():
            await asyncio.sleep(0.005)
            worst, last = max(worst, time.monotonic() - last), time.monotonic()
        release.set()
        with pytest.raises(DriverBug):
            await task
        return worst

    assert guarded(scenario, connect=blocking(release)["plain"]) < 0.3


def test_two_links_of_a_plain_driver_connect_one_after_the_other_within_their_own_limits():
    def connect(self, link):
        time.sleep(0.3)
        return Connection("lo")

    async def scenario(guard):
        calls = (guard.call("connect", link, limit=0.5) for link in (LINK, OTHER))
        return await asyncio.gather(*calls)

    assert guarded(scenario, connect=connect) == [Connection("lo"), Connection("lo")]


def test_who_waits_behind_a_stuck_call_is_told_at_once_and_never_called():
    release = threading.Event()
    called = []

    def connect(self, link):
        called.append(link.name)
        release.wait(20)
        return Connection("lo")

    async def scenario(guard):
        first = asyncio.create_task(guard.call("connect", LINK, limit=0.1))
        await until(lambda: called)
        with pytest.raises(DriverBug, match=r"stuck in connect.test:a0"):
            await asyncio.wait_for(guard.call("connect", OTHER, limit=60), 5)
        with pytest.raises(DriverBug):
            await first
        release.set()
        await until(lambda: guard.usable(0))
        await guard.probe()

    guarded(scenario, connect=connect)
    assert called == ["test:a0"]


def test_calls_for_one_link_never_overlap():
    """The core may disconnect a link whose connect it has only just cancelled."""
    order = []

    async def connect(self, link):
        try:
            await asyncio.sleep(3600)
        finally:
            order.append("cleaning")
            await asyncio.sleep(0.1)
            order.append("clean")

    async def disconnect(self, link):
        order.append("disconnect")

    async def scenario(guard):
        task = asyncio.create_task(guard.connect(LINK))
        await asyncio.sleep(0.05)
        task.cancel()
        await guard.disconnect(LINK)
        with pytest.raises(asyncio.CancelledError):
            await task

    guarded(scenario, connect=connect, disconnect=disconnect)
    assert order == ["cleaning", "clean", "disconnect"]


def test_calls_for_different_links_of_an_async_driver_run_together():
    under_way = set()

    async def connect(self, link):
        under_way.add(link)
        while len(under_way) < 2:
            await asyncio.sleep(0.001)
        return Connection("lo")

    async def scenario(guard):
        await asyncio.gather(*(guard.call("connect", link, limit=5) for link in (LINK, OTHER)))

    guarded(scenario, connect=connect)
    assert under_way == {LINK, OTHER}


# -- cancellation by the core -----------------------------------------------------------------


def test_a_link_that_vanishes_cancels_its_connect():
    cancelled = []

    async def connect(self, link):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(link.name)
            raise

    async def scenario(guard):
        task = asyncio.create_task(guard.connect(LINK))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return cancelled[:], guard.health.state

    assert guarded(scenario, connect=connect) == (["test:a0"], State.OK)


def test_cancelling_a_blocked_connect_waits_a_moment_only_and_undoes_it_later():
    release = threading.Event()

    async def scenario(guard):
        task = asyncio.create_task(guard.call("connect", LINK, limit=20))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = time.monotonic() - began
        release.set()
        await until(lambda: guard.kind.made[0].calls)
        return took, guard.kind.made[0].calls, guard.usable(0)

    connect = blocking(release, Connection("lo"))["plain"]
    took, calls, usable = guarded(scenario, connect=connect)
    assert took < guard_module.FAREWELL + 0.3
    assert (calls, usable) == (["disconnect test:a0"], True)


@pytest.mark.parametrize("moment", [0.0, 0.0005, 0.001, 0.002, 0.003, 0.005])
def test_a_connection_is_never_left_behind_whenever_its_caller_goes_away(moment):
    """Every connect that returned a connection was answered to the caller, or undone."""
    counts = {"up": 0, "down": 0}

    async def connect(self, link):
        await asyncio.sleep(0.001)
        counts["up"] += 1
        return Connection("lo")

    def disconnect(self, link):
        counts["down"] += 1

    async def scenario(guard):
        kept = 0
        for number in range(20):
            task = asyncio.create_task(guard.connect(Link("test", f"l{number}")))
            await asyncio.sleep(moment)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
                kept += 1
        await until(lambda: counts["up"] - kept == counts["down"])
        return kept

    guarded(scenario, connect=connect, disconnect=disconnect)


def test_a_connection_that_arrives_in_the_moment_its_caller_goes_away_is_undone(monkeypatch):
    resolve = Job.resolve

    async def scenario(guard):
        task = asyncio.create_task(guard.connect(LINK))

        def resolve_and_cancel(job, value):
            done = resolve(job, value)
            task.cancel()
            return done

        monkeypatch.setattr(Job, "resolve", resolve_and_cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: guard.kind.made[0].calls)
        return guard.kind.made[0].calls

    assert guarded(scenario) == ["disconnect test:a0"]


def test_disconnect_never_raises(caplog):
    async def scenario(guard):
        await guard.disconnect(LINK)
        return guard.health.state, guard.usable(0, "test:a0")

    result = guarded(scenario, disconnect=raising(RuntimeError("boom")))
    assert result == (State.BROKEN, True)
    assert "disconnect(test:a0) raised RuntimeError: boom" in caplog.text


# -- events -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "taken"), [(True, True), (False, False)])
def test_a_repair_tells_whether_there_is_such_a_step(value, taken):
    assert guarded(lambda guard: guard.recover(LINK, 0), recover=lambda *_: value) is taken


def test_a_driver_without_repairs_is_in_good_health():
    async def scenario(guard: Guard) -> None:
        assert await guard.recover(LINK, 0) is False
        assert guard.health.state is State.OK

    guarded(scenario)


@pytest.mark.parametrize("value", [None, "yes", 1, object()])
def test_a_repair_that_answers_rubbish_is_a_driver_bug_that_costs_no_connect(value):
    async def scenario(guard: Guard) -> None:
        with pytest.raises(DriverBug, match="True or False"):
            await guard.recover(LINK, 0)
        assert guard.usable(guard.clock(), LINK.name)
        await guard.connect(LINK)

    guarded(scenario, recover=lambda *_: value)


def test_a_repair_that_hangs_ends_at_the_limit_of_its_driver():
    async def hang(self, link, step):
        await asyncio.sleep(60)

    async def scenario(guard: Guard) -> None:
        with pytest.raises(ConnectError) as caught:
            await guard.recover(LINK, 0)
        assert caught.value.reason is Reason.TIMEOUT
        assert "0.05 s" in caught.value.sentence

    guarded(scenario, recover=hang, recover_limit=0.05)


def test_events_arrive_on_the_cores_loop_in_order():
    async def events(self):
        for number in range(40):
            yield ProbeAgain(str(number))

    async def scenario(guard):
        seen = []
        guard.listen(lambda event: seen.append((event.sentence, threading.current_thread())))
        await until(lambda: len(seen) == 40)
        return seen

    seen = guarded(scenario, events=events)
    assert [sentence for sentence, _ in seen] == [str(n) for n in range(40)]
    assert {thread for _, thread in seen} == {threading.main_thread()}


def test_events_that_raise_are_named_and_begun_again_while_the_driver_goes_on():
    starts = []

    async def events(self):
        starts.append(1)
        yield ProbeAgain("first")
        raise RuntimeError("the modem spoke Latin")

    async def scenario(guard):
        seen = []
        guard.listen(seen.append)
        await until(lambda: guard.health.state is State.BROKEN)
        assert "events() raised RuntimeError: the modem spoke Latin" in guard.health.sentence
        assert guard.usable(0, "test:a0")
        assert await guard.probe() == (LINK, OTHER)
        guard.forgive()
        await until(lambda: len(starts) == 2)
        return seen[0]

    assert guarded(scenario, events=events) == ProbeAgain("first")


def test_a_rubbish_event_is_named_and_the_next_one_still_arrives():
    async def events(self):
        yield Lost("wifi:wlan0", Reason.LOST, "not mine")
        yield Lost("test:a0", Reason.LOST, "gone")

    async def scenario(guard):
        seen = []
        guard.listen(seen.append)
        await until(lambda: seen)
        return seen, guard.health.sentence

    seen, sentence = guarded(scenario, events=events)
    assert [event.link for event in seen] == ["test:a0"]
    assert "yielded rubbish" in sentence


def test_a_flood_is_slowed_down_and_keeps_neither_the_core_nor_the_driver(caplog):
    async def events(self):
        while True:
            yield ProbeAgain("again")

    async def scenario(guard):
        seen = []
        guard.listen(seen.append)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert await guard.probe() == (LINK, OTHER)
            await asyncio.sleep(0.02)
        return len(seen)

    assert 50 <= guarded(scenario, events=events) <= 150
    assert caplog.text.count("slowed down") == 1


def test_events_that_are_no_generator_are_named():
    async def events(self):
        return None

    async def scenario(guard):
        guard.listen(lambda event: None)
        await until(lambda: guard.health.state is State.BROKEN)
        return guard.health.sentence

    assert "must be an async generator" in guarded(scenario, events=events)


def test_a_driver_without_events_is_fine():
    async def scenario(guard):
        guard.listen(lambda event: None)
        await guard.probe()
        return guard.health.state

    assert guarded(scenario) is State.OK


def test_events_that_block_the_driver_are_found_out_by_the_next_call(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(guard_module, "BEGIN_LIMIT", 0.2)

    async def events(self):
        release.wait(20)
        yield ProbeAgain("at last")

    async def scenario(guard):
        guard.listen(lambda event: None)
        with pytest.raises(DriverBug, match="stuck in events"):
            await guard.probe()
        release.set()
        await until(lambda: guard.usable(0))
        return await guard.probe()

    assert guarded(scenario, events=events) == (LINK, OTHER)


def test_a_background_task_that_exits_does_not_end_the_drivers_thread():
    def probe(self):
        async def background():
            sys.exit(7)

        self.task = asyncio.get_running_loop().create_task(background())
        return []

    async def scenario(guard):
        return [await guard.probe() for _ in range(3)]

    assert guarded(scenario, probe=probe) == [(), (), ()]


# -- the broken drivers of other people, as installed ----------------------------------------


def installed(site: Path, name: str) -> type[Any]:
    install(site, [name])
    module, _, attribute = entry_points("acme_faults", "conman.drivers")[name].partition(":")
    kind: type[Any] = getattr(import_module(module), attribute)
    return kind


@pytest.mark.parametrize(
    ("name", "method", "said"),
    [
        ("cannot-be-made", "probe", "no license file"),
        ("probe-raises", "probe", "ZeroDivisionError"),
        ("probe-exits", "probe", "SystemExit: 3"),
        ("probe-hangs", "probe", "stuck in probe"),
        ("probe-blocks", "probe", "stuck in probe"),
        ("probe-holds-on", "probe", "stuck in probe"),
        ("probe-rubbish", "probe", "returned rubbish"),
        ("connect-raises", "connect", r"CME ERROR: 100"),
        ("connect-exits", "connect", "SystemExit: 1"),
        ("connect-rubbish", "connect", "returned rubbish"),
        ("connect-hangs", "connect", "stuck in connect"),
    ],
)
def test_each_broken_driver_is_reported_for_what_it_does(site, name, method, said):
    kind = installed(site, name)
    args = (Link(name, "modem0"),) if method == "connect" else ()

    async def scenario(guard):
        with pytest.raises(DriverBug, match=said):
            await guard.call(method, *args, limit=0.2)
        return guard.health.state

    state = guarded(scenario, name=name, kind=kind)
    assert state is (State.STUCK if "stuck" in said else State.BROKEN)


ENDING = """
import asyncio, signal, sys, threading
from acme_faults.{module} import {kind}
from conman_core.guard import Guard

async def main():
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    guard = Guard("x", {kind}, lambda: None, "acme-faults 2.0")
    call = asyncio.create_task(guard.call("probe", limit=0.1))
    await asyncio.sleep(0.3)
    print("ready", flush=True)
    await done.wait()

asyncio.run(main())
print("ended", flush=True)
"""


@pytest.mark.parametrize("kind", ["Hangs", "Blocks", "HoldsOn"])
def test_a_hanging_driver_does_not_delay_the_end_of_the_program(site, kind):
    installed(site, "probe-hangs")
    root = Path(guard_module.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", ENDING.format(module="probes", kind=kind)],
        env={"PYTHONPATH": f"{site}:{root}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        process.terminate()
        assert process.stdout.read() == "ended\n"
        assert process.wait(5) == 0
        assert time.monotonic() - began < 1.0


def test_what_is_wrong_at_the_form_keeps_the_name_of_its_field() -> None:
    error = translate("validate", BadValue("key", "the key\nis too short"))
    assert isinstance(error, BadValue)
    assert (error.field, str(error)) == ("key", "the key is too short")
    assert isinstance(translate("probe", BadValue("key", "too short")), Failure)
