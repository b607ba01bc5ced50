"""It is waited for until it is clear whether a link that was set up reaches the internet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conman_core.entry import Entry
from conman_core.errors import ConnectError
from conman_core.model import Outcome, Reason, Verdict
from conman_core.reach import Finding
from conman_core.trials import LIMIT, Trials
from tests.core.machine import FakeGuard, Machine, connection, run_virtual, until

WRONG = ConnectError(Reason.WRONG_KEY, "wrong key for Home")
AWAY = ConnectError(Reason.NOT_FOUND, "Home is not in sight")


class Place:
    """Two radios that fail until the test lets them connect."""

    def __init__(self, it: Machine) -> None:
        self.it = it
        self.trials = Trials(it.engine)
        self.finds: dict[str, Any] = {"wlan0": AWAY, "wlan1": AWAY}
        it.guards["wifi"] = FakeGuard(it.network, outcome=lambda link: self.finds[link.device])
        for name in self.finds:
            it.network.plug(name)
        it.offer("wlan0", "wlan1", driver="wifi")

    async def outcome(self, of: Callable[[Entry], bool] | None = None) -> tuple[Outcome, float]:
        """Try all radios; return what came of it, and how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await self.trials.outcome(of or (lambda entry: entry.link.driver == "wifi"))
        assert self.it.engine.after_step == [], "nobody listens any more"
        return found, loop.time() - began

    def all_failed(self) -> bool:
        tracks = [self.it.entry(f"wifi:{name}").track for name in self.finds]
        return all(track.failures and track.attempt_started is None for track in tracks)

    def count_rounds(self) -> list[Verdict]:
        """Return what all rounds of checks from now on have found, as they end."""
        ended: list[Verdict] = []
        check = self.it.checker.check

        async def counted(*arguments: Any) -> Finding:
            found = await check(*arguments)
            if arguments[0].interface != "eth0":
                ended.append(found.verdict)
            return found

        self.it.checker.check = counted  # type: ignore[method-assign]
        return ended

    def try_now(self) -> None:
        self.it.engine.roster.retry_all()
        self.it.engine.poke()


def story(tale: Callable[[Place, Machine], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with Machine("eth0") as it:
            await tale(Place(it), it)

    run_virtual(all_of_it())


def test_the_first_that_works_decides() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.finds["wlan1"] = connection("wlan1")
        it.checker.works.add("wlan1")
        place.try_now()
        found, took = await place.outcome()
        assert (found.verdict, found.reason) == (Verdict.ONLINE, None)
        assert found.sentence == "1.1.1.1 answers"
        assert took < 5

    story(tale)


def test_one_that_works_already_is_enough() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.finds["wlan0"] = connection("wlan0")
        it.checker.works.add("wlan0")
        await until(lambda: it.entry("wifi:wlan0").track.verified)
        await asyncio.sleep(5)  # nothing happens by itself now
        found, took = await place.outcome()
        assert found.verdict is Verdict.ONLINE
        assert took < 0.01

    story(tale)


def test_where_all_fail_the_first_ones_reason_is_told() -> None:
    async def tale(place: Place, it: Machine) -> None:
        await asyncio.sleep(20)
        place.finds["wlan0"] = WRONG
        place.try_now()
        found, _ = await place.outcome()
        assert found == Outcome(None, Reason.WRONG_KEY, "wrong key for Home")

    story(tale)


def test_a_failure_of_before_does_not_count() -> None:
    """Or every try would have failed at once: it is why it was tried."""

    async def tale(place: Place, it: Machine) -> None:
        await until(place.all_failed)
        waiting = asyncio.create_task(place.outcome())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        place.finds["wlan0"] = connection("wlan0")
        it.checker.works.add("wlan0")
        place.try_now()
        found, _ = await waiting
        assert found.verdict is Verdict.ONLINE

    story(tale)


def test_one_that_fails_does_not_end_it_while_another_is_tried() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.finds |= {"wlan0": WRONG, "wlan1": None}  # the latter hangs
        place.try_now()
        waiting = asyncio.create_task(place.outcome())
        await asyncio.sleep(10)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert it.engine.after_step == []

    story(tale)


def test_a_connection_without_internet_gets_two_rounds_of_checks() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.finds["wlan0"] = connection("wlan0")
        place.try_now()
        rounds = place.count_rounds()
        found, _ = await place.outcome(lambda entry: entry.link.name == "wifi:wlan0")
        assert (found.verdict, found.sentence) == (Verdict.OFFLINE, "nothing answers")
        assert rounds == [Verdict.OFFLINE] * 2

    story(tale)


def test_a_login_page_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def tale(place: Place, it: Machine) -> None:
        async def portal(*_: Any) -> Finding:
            return Finding(Verdict.PORTAL, "a login page answers")

        monkeypatch.setattr(it.checker, "check", portal)
        rounds = place.count_rounds()
        place.finds["wlan0"] = connection("wlan0")
        place.try_now()
        found, _ = await place.outcome(lambda entry: entry.link.name == "wifi:wlan0")
        assert (found.verdict, found.sentence) == (Verdict.PORTAL, "a login page answers")
        assert rounds == [Verdict.PORTAL]

    story(tale)


def test_it_is_not_waited_for_without_end() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.finds |= {"wlan0": None, "wlan1": None}
        place.try_now()
        found, took = await place.outcome()
        assert took == pytest.approx(LIMIT, abs=0.1)
        assert found.verdict is Verdict.OFFLINE
        assert (
            found.sentence == f"it was not clear after {LIMIT:g} s whether the internet is reached"
        )

    story(tale)


def test_a_link_that_is_gone_is_not_waited_for_without_end() -> None:
    async def tale(place: Place, it: Machine) -> None:
        it.offer(driver="wifi")
        found, took = await place.outcome()
        assert took == pytest.approx(LIMIT, abs=0.1)
        assert found.verdict is Verdict.OFFLINE

    story(tale)


def test_a_link_that_comes_meanwhile_counts() -> None:
    async def tale(place: Place, it: Machine) -> None:
        it.offer(driver="wifi")
        waiting = asyncio.create_task(place.outcome())
        await asyncio.sleep(5)
        place.finds["wlan0"] = connection("wlan0")
        it.checker.works.add("wlan0")
        it.offer("wlan0", driver="wifi")
        found, took = await waiting
        assert found.verdict is Verdict.ONLINE
        assert took < 10

    story(tale)
