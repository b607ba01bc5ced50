"""What is done to one link, and that no end of it, however odd, leaves the link stuck."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from conman_core.errors import ConnectError, DriverBug, SystemFault
from conman_core.model import ConnectionChanged, Link, Lost, Reason
from conman_core.track import Held

from .machine import FakeGuard, Machine, connection, run_virtual, until


def fault(number: int, sentence: str) -> SystemFault:
    made = SystemFault(sentence)
    made.errno = number
    return made


@pytest.mark.parametrize(
    "error",
    [RuntimeError("a bug of conman"), OSError(5, "I/O"), asyncio.CancelledError(), KeyError("x")],
    ids=["bug", "os", "cancelled", "key"],
)
def test_a_link_whose_connecting_ends_in_an_unforeseen_way_is_tried_again(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].outcome = lambda _: error
            await asyncio.sleep(20)
            assert len(it.guards["eth"].tries()) >= 3
            it.guards["eth"].outcome = None
            await until(lambda: it.uplink == "eth:eth0", 70)

    run_virtual(story())
    if not isinstance(error, asyncio.CancelledError):
        assert "please report" in caplog.text


def test_a_link_whose_preparing_fails_in_an_unforeseen_way_is_tried_again() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.crashes = ValueError("something new in /proc")
            await asyncio.sleep(20)
            it.network.crashes = None
            await until(lambda: it.uplink == "eth:eth0", 70)

    run_virtual(story())


def test_a_check_that_crashes_counts_as_bad_and_is_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Otherwise the link would never be checked again, and its death never noticed."""

    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            await until(lambda: it.entry("eth0").track.verified)
            it.checker.crash = RuntimeError("a bug of conman")
            await until(lambda: not it.entry("eth0").track.verified)
            assert not it.entry("eth0").track.checking
            it.checker.crash = None
            await until(lambda: it.entry("eth0").track.verified, 70)

    run_virtual(story())
    assert "please report" in caplog.text


def test_the_reason_of_what_the_kernel_refuses_is_not_a_broken_driver() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.crashes = fault(1, "the kernel refused to set eth0 up; run conman as root")
            await until(lambda: it.entry("eth0").track.failures)
            assert it.entry("eth0").track.reason is Reason.DENIED
            it.network.crashes = fault(19, "eth0 is gone")
            await until(lambda: it.entry("eth0").track.reason is Reason.NO_DEVICE)
            it.network.crashes = fault(132, "cannot set wlan0 up: RF-kill")
            await until(lambda: it.entry("eth0").track.reason is Reason.RF_KILLED)
            it.network.crashes = fault(5, "cannot set wlan0 up: Input/output error")
            await until(lambda: it.entry("eth0").track.reason is Reason.WEDGED)
            assert it.entry("eth0").track.curable
            it.network.crashes = None
            it.guards["eth"].outcome = lambda _: DriverBug("driver eth is broken")
            it.network.crashes = None
            await until(lambda: it.entry("eth0").track.reason is Reason.BROKEN)
            assert not it.entry("eth0").track.curable

    run_virtual(story())


def test_a_late_interface_that_is_anothers_is_given_back_by_the_driver() -> None:
    """A modem that stayed dialled in behind a failed link would cost money unseen."""

    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.plug("ppp0")
            it.network.busy.add("ppp0")
            it.offer_links("lte", Link("lte", "ttyUSB0"))
            lte = it.guards["lte"]
            await until(lambda: it.entry("lte:ttyUSB0").track.failures)
            await asyncio.sleep(0.5)
            assert lte.up == set()
            assert it.entry("lte:ttyUSB0").track.reason is Reason.BUSY

    run_virtual(story())


def test_a_late_interface_that_is_another_links_is_refused_to_the_later_one() -> None:
    """Two links that configure one interface would undo each other's routes for ever."""

    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink == "eth:eth0")
            it.offer_links("lte", Link("lte", "ttyUSB0"))
            it.guards["lte"].outcome = lambda _: connection("eth0", 7)
            await until(lambda: it.entry("lte:ttyUSB0").track.failures)
            track = it.entry("lte:ttyUSB0").track
            assert track.reason is Reason.BUSY
            assert "eth0 is used as eth:eth0" in track.sentence
            await asyncio.sleep(5)
            assert it.network.kernel["eth0"][0] == connection("eth0")

    run_virtual(story())


def test_a_connection_that_moves_to_another_interface_takes_its_routes_along() -> None:
    async def story() -> None:
        async with Machine("ppp0", "ppp1") as it:
            it.offer()
            it.offer_links("lte", Link("lte", "ttyUSB0"))
            it.guards["lte"].outcome = lambda _: connection("ppp0")
            await until(lambda: it.uplink == "lte:ttyUSB0")
            it.event(ConnectionChanged("lte:ttyUSB0", connection("ppp1")))
            await until(lambda: "ppp1" in it.network.kernel)
            assert "ppp0" not in it.network.kernel

    run_virtual(story())


def test_a_driver_cannot_move_a_link_to_the_interface_of_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            await until(lambda: len(it.network.kernel) == 2)
            it.event(ConnectionChanged("eth:eth1", connection("eth0", 9)))
            await asyncio.sleep(5)
            assert it.network.kernel["eth0"][0] == connection("eth0")
            assert it.entry("eth1").interface == "eth1"

    run_virtual(story())
    assert "eth:eth1" in caplog.text


def test_what_was_known_of_a_failure_is_not_said_of_the_connection_that_follows() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].outcome = lambda _: ConnectError(Reason.NO_ADDRESS, "no DHCP server")
            await until(lambda: it.entry("eth0").track.failures == 2)
            it.guards["eth"].outcome = None
            await until(lambda: it.entry("eth0").state == "connected")
            assert not any("connected: no DHCP server" in said for said in it.said)
            assert it.entry("eth0").track.sentence != "no DHCP server"

    run_virtual(story())


def test_a_connection_on_a_line_without_signal_says_so() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink)
            it.carrier("eth0", False)
            it.event(ConnectionChanged("eth:eth0", connection("eth0", 5)))
            await asyncio.sleep(1)
            assert it.entry("eth0").state == "failed"
            assert it.entry("eth0").track.reason is Reason.NO_CARRIER

    run_virtual(story())


def test_a_connection_that_the_kernel_refuses_is_retried_ever_more_slowly() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.refuses.add("eth0")
            await asyncio.sleep(600)
            tries = it.guards["eth"].tries()
            assert len(tries) < 20
            assert max(b - a for a, b in itertools.pairwise(tries)) < 65
            it.network.refuses.clear()
            await until(lambda: it.uplink == "eth:eth0", 70)
            await until(lambda: it.entry("eth0").track.verified)

    run_virtual(story())


def test_a_connection_that_is_lost_before_it_served_is_retried_ever_more_slowly() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.checker.works.clear()
            end = asyncio.get_running_loop().time() + 300
            while asyncio.get_running_loop().time() < end:
                await asyncio.sleep(0.05)
                if it.entry("eth0").track.held is Held.OWN:
                    it.event(Lost("eth:eth0", Reason.LOST, "the operator hung up"))
            assert len(it.guards["eth"].tries()) < 15
            it.checker.works.add("eth0")
            await until(lambda: it.uplink == "eth:eth0", 70)

    run_virtual(story())


def test_a_working_connection_that_is_lost_is_tried_again_at_once() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.entry("eth0").track.verified)
            it.event(Lost("eth:eth0", Reason.LOST, "the operator hung up"))
            assert "eth0" not in it.network.kernel
            assert await until(lambda: it.entry("eth0").track.verified) < 1

    run_virtual(story())


def test_a_link_that_is_dropped_twice_at_once_leaves_no_route_behind() -> None:
    async def story() -> None:
        async with Machine("eth0", run=False) as it:
            entry = it.entry("eth0")
            while not (entry.connection and "eth0" in it.network.kernel):
                it.engine.step()
                await asyncio.sleep(0.1)
            it.actions.drop(entry)
            it.actions.drop(entry, Reason.LOST, "lost")
            await asyncio.sleep(5)
            assert "eth0" not in it.network.kernel
            assert it.guards["eth"].up == set()

    run_virtual(story())


def test_a_disconnect_under_way_is_let_finish_whatever_comes() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink)
            it.guards["eth"].leave_delay = 8
            it.event(Lost("eth:eth0", Reason.LOST, "lost"))
            await asyncio.sleep(1)
            it.offer()
            it.unplug("eth0")
            it.network.plug("eth0")
            it.offer("eth0")
            it.offer()
            it.offer("eth0")
            await until(lambda: it.entry("eth0").track.verified)
            assert len(it.guards["eth"].tries("disconnect")) == 1
            calls = [call for call, _, _ in it.guards["eth"].calls]
            assert calls == ["connect", "disconnect", "connect"]

    run_virtual(story())


def test_a_lost_link_is_shown_as_failed_not_as_connecting_while_its_driver_takes_it_down() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink)
            it.guards["eth"].leave_delay = 8
            it.event(Lost("eth:eth0", Reason.LOST, "the operator hung up"))
            await asyncio.sleep(1)
            assert it.entry("eth0").state == "failed"
            assert it.entry("eth0").track.reason is Reason.LOST
            it.guards["eth"].outcome = lambda _: None
            await asyncio.sleep(9)
            assert it.entry("eth0").state == "connecting"

    run_virtual(story())


def test_the_next_user_of_an_interface_waits_until_the_one_before_has_left() -> None:
    """Two drivers at one device, or a late clean-up in the new link's routes: neither may be."""

    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink)
            it.guards["eth"].leave_delay = 6
            began = asyncio.get_running_loop().time()
            stick = Link("lte", "stick", "eth0", specificity=1)  # type: ignore[arg-type]
            it.offer_links("lte", stick)
            await until(lambda: it.uplink == "lte:stick")
            await asyncio.sleep(20)
            assert it.guards["lte"].tries()[0] >= began + 6
            assert "eth0" in it.network.kernel
            last = max(i for i, call in enumerate(it.network.calls) if call[0] == "unconfigure")
            assert any(call[0] == "configure" for call in it.network.calls[last:])

    run_virtual(story())


def test_a_round_of_the_connection_before_says_nothing_of_the_next() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.checker.works.clear()
            await until(lambda: it.entry("eth0").track.checking)
            it.event(ConnectionChanged("eth:eth0", connection("eth0", 5)))
            it.checker.works.add("eth0")
            await until(lambda: it.entry("eth0").track.verified, 4)
            assert it.entry("eth0").track.bad_rounds == 0

    run_virtual(story())


def test_what_a_connection_said_of_its_bill_holds_when_it_is_down() -> None:
    """Else a standby on a bill is dialled again at each look at the links, and dropped again."""

    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            found = connection("eth1", metered=True)
            it.guards["eth"].outcome = lambda link: (
                found if link.device == "eth1" else connection("eth0")
            )
            await until(lambda: it.entry("eth1").connection is not None)
            await until(lambda: it.entry("eth1").connection is None, 60)
            tries = len(it.guards["eth"].calls)
            for _ in range(5):
                it.settle()
                await asyncio.sleep(60)
            assert len(it.guards["eth"].calls) == tries
            assert it.entry("eth1").metered

    run_virtual(story())


def test_ends_of_tasks_leave_no_task_behind() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1", "eth2") as it:
            for _ in range(20):
                it.offer("eth0", "eth1", "eth2")
                await asyncio.sleep(0.3)
                it.offer("eth1")
                await asyncio.sleep(0.3)
            it.offer()
            await asyncio.sleep(30)
            assert not it.actions._tasks
            assert not it.guards["eth"].up
            assert not it.network.kernel

    run_virtual(story())


def test_a_changed_driver_and_a_refusal_at_once_still_end_the_old_connection() -> None:
    """The settings may change a driver's own section and `priority` in one edit."""

    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink)
            old, it.guards["eth"] = it.guards["eth"], FakeGuard(it.network)
            it.order = ("wifi",)
            it.settle()
            it.settle()
            await asyncio.sleep(5)
            assert old.up == set()
            assert it.network.kernel == {}
            assert it.entry("eth0").state == "unused"

    run_virtual(story())


def test_settings_changed_while_connecting_leave_one_connection_of_the_new_driver() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            old = it.guards["eth"]
            old.delay = 5
            await asyncio.sleep(1)
            assert it.entry("eth0").track.attempt_started is not None
            new = it.guards["eth"] = FakeGuard(it.network)
            it.settle()
            await until(lambda: it.entry("eth0").track.verified, 5)
            await asyncio.sleep(30)
            assert old.up == set()
            assert new.up == {"eth:eth0"}
            assert len(new.tries()) == 1

    run_virtual(story())


def test_a_track_is_never_marked_as_busy_without_a_task_behind_it() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.entry("eth0").track.verified)
            it.network.refuses.add("eth0")
            it.event(ConnectionChanged("eth:eth0", connection("eth0", 5)))
            await asyncio.sleep(0)
            await asyncio.sleep(100)
            entry = it.entry("eth0")
            for _ in range(50):
                await asyncio.sleep(0.5)
                if entry.track.checking:
                    assert entry.checking is not None
                    assert not entry.checking.done()
            assert replace(entry.track, checking=False) is not None

    run_virtual(story())
