"""Links with a bill: what they use is counted, told, and has them give way if the user says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conman_core import status, usagewatch
from conman_core.entry import Limit, Wishes
from conman_core.schedule import Policy
from conman_core.usage import Seen
from conman_core.usagewatch import BELIEVE, bytes_of
from tests.core.machine import Machine, Memory, at_most_turns, run_virtual, until

MB = 1_000_000
STOP = Limit(10 * MB, stop=True)
WARN = Limit(10 * MB)
SPENT = "its limit of 10 MB is used up until 2026-12-01"


def machine(*names: str, limit: Limit = STOP, metered: bool = True, **more: Any) -> Machine:
    it = Machine(**more)
    it.wishes = Wishes(metered=metered, limit=limit)
    for name in names:
        it.network.plug(name)
        it.checker.works.add(name)
        it.bytes[name] = Seen(f"{name} 1", 5 * MB)
    it.offer(*names)
    return it


def story(tale: Callable[[Machine], Awaitable[None]], *names: str, **more: Any) -> None:
    async def all_of_it() -> None:
        async with machine(*names, **more) as it:
            await until(lambda: it.entry(names[0]).track.verified)
            await asyncio.sleep(60)  # a second one is not needed
            await tale(it)

    run_virtual(all_of_it())


def flow(it: Machine, name: str, megabytes: float) -> None:
    seen = it.bytes[name]
    it.bytes[name] = seen._replace(bytes=seen.bytes + round(megabytes * MB))


def shown(it: Machine, name: str) -> dict[str, Any]:
    answer = status.status(
        it.engine.entries.values(), it.engine.moment(), it.herald, drivers=(), config={}, notes=()
    )
    return next(link for link in answer["links"] if link["name"] == f"eth:{name}")


def told(it: Machine) -> list[str]:
    return [sentence for sentence in it.said if "of its limit" in sentence]


def test_what_flows_is_counted_and_shown_and_what_was_before_is_not() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 3)
        await asyncio.sleep(5)
        assert shown(it, "ppp0")["usage"] == {
            "month": "2026-11",
            "bytes": 3 * MB,
            "limit": 10 * MB,
            "action": "stop",
            "until": "2026-12-01",
            "sentence": "used 3 MB of 10 MB this month",
        }
        explained = status.explained(it.engine.entries.values(), it.engine.moment(), it.herald)
        assert "It has used 3 MB of 10 MB this month." in explained["links"][0]["sentence"]

    story(tale, "ppp0")


def test_a_link_without_a_bill_or_a_limit_is_not_counted_and_costs_nothing() -> None:
    async def tale(it: Machine) -> None:
        await asyncio.sleep(30)
        with at_most_turns(asyncio.get_running_loop(), 12 * 80):
            await asyncio.sleep(600)
        assert shown(it, "ppp0")["usage"] is None
        assert it.usage_memory.saves == 0

    story(tale, "ppp0", limit=Limit(), metered=False)


def test_a_limit_alone_is_reason_enough_to_count() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 9)
        await asyncio.sleep(5)
        assert told(it) == [
            "eth:ppp0 has used 9 MB of 10 MB this month: 80 % of its limit are reached"
        ]

    story(tale, "ppp0", limit=WARN, metered=False)


def test_a_person_hears_of_80_and_of_100_percent_once() -> None:
    async def tale(it: Machine) -> None:
        for _ in range(20):
            flow(it, "ppp0", 1)
            await asyncio.sleep(10)
        assert told(it) == [
            "eth:ppp0 has used 8 MB of 10 MB this month: 80 % of its limit are reached",
            "eth:ppp0 has used 10 MB of 10 MB this month: 100 % of its limit are reached; "
            "it goes on (data-limit-action = warn)",
        ]
        assert it.uplink == "eth:ppp0"

    story(tale, "ppp0", "ppp1", limit=WARN)


def test_beyond_its_limit_a_link_gives_way_to_another_and_is_disconnected() -> None:
    async def tale(it: Machine) -> None:
        assert it.uplink == "eth:ppp0"
        assert not it.entry("ppp1").track.connected
        flow(it, "ppp0", 11)
        await until(lambda: it.uplink == "eth:ppp1", 20)
        await until(lambda: not it.entry("ppp0").busy, 60)
        await asyncio.sleep(3600)
        assert (it.uplink, it.entry("ppp0").busy) == ("eth:ppp1", False)
        assert shown(it, "ppp0")["sentence"] == (
            f"{SPENT[0].upper()}{SPENT[1:]}: it is used only while no other link works "
            "(data-limit-action = stop)."
        )
        assert f"eth:ppp0 is disconnected: {SPENT}" in it.said
        assert "links whose limit is used up come after it: eth:ppp0" in " ".join(it.said)

    story(tale, "ppp0", "ppp1", policy=Policy(failback=False))


def test_the_only_link_that_works_goes_on_and_says_so() -> None:
    async def tale(it: Machine) -> None:
        it.checker.works.discard("ppp1")
        flow(it, "ppp0", 11)
        await asyncio.sleep(600)
        assert it.uplink == "eth:ppp0"
        assert it.entry("ppp0").track.verified
        sentence = f"It is the uplink although {SPENT}: no other link works."
        assert shown(it, "ppp0")["sentence"] == sentence

    story(tale, "ppp0", "ppp1")


def test_when_the_other_one_fails_it_comes_back_at_once() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 11)
        await until(lambda: it.uplink == "eth:ppp1" and not it.entry("ppp0").busy, 90)
        it.carrier("ppp1", False)
        took = await until(lambda: it.uplink == "eth:ppp0", 60)
        assert took < 30
        it.carrier("ppp1", True)
        await until(lambda: it.uplink == "eth:ppp1", 60)

    story(tale, "ppp0", "ppp1")


def test_the_turn_of_the_month_frees_it() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 11)
        await until(lambda: it.uplink == "eth:ppp1" and not it.entry("ppp0").busy, 90)
        it.day += timedelta(days=13)
        await until(lambda: it.uplink == "eth:ppp0", 300)
        assert shown(it, "ppp0")["usage"]["month"] == "2026-12"

    story(tale, "ppp0", "ppp1")


def test_a_limit_that_is_raised_or_taken_away_frees_it() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 11)
        await until(lambda: it.entry("ppp0").track.spent)
        it.wishes = Wishes(limit=Limit())
        it.settle()
        await until(lambda: not it.entry("ppp0").track.spent, 120)

    story(tale, "ppp0")


def test_a_device_that_is_plugged_in_again_goes_on_counting() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 2)
        await asyncio.sleep(5)
        it.unplug("ppp0")
        it.offer()
        await asyncio.sleep(5)
        it.bytes["ppp0"] = Seen("ppp0 2", 4 * MB)
        it.network.plug("ppp0")
        it.offer("ppp0")
        await until(lambda: it.entry("ppp0").track.verified)
        await asyncio.sleep(5)
        assert shown(it, "ppp0")["usage"]["bytes"] == 6 * MB

    story(tale, "ppp0", limit=WARN)


def test_it_goes_on_after_a_restart_and_a_reboot(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()

    async def life(seen: Seen, before: int, after: int, boot: str = "one") -> None:
        monkeypatch.setattr(usagewatch, "this_boot", lambda: boot)
        async with machine("ppp0", limit=WARN, usage=memory) as it:
            it.bytes["ppp0"] = seen
            await until(lambda: it.entry("ppp0").track.verified)
            await asyncio.sleep(5)
            assert shown(it, "ppp0")["usage"]["bytes"] == before * MB
            flow(it, "ppp0", 1)  # written at the end
        assert memory.values["links"]["eth:ppp0"]["month"][1] == after * MB

    run_virtual(life(Seen("3", 5 * MB), 0, 1))
    run_virtual(life(Seen("3", 8 * MB), 3, 4))  # what flowed meanwhile counts, too
    run_virtual(life(Seen("7", 9 * MB), 13, 14))  # another device: it began anew
    run_virtual(life(Seen("7", 11 * MB), 25, 26, "two"))  # or all devices did


def test_a_link_beyond_its_limit_gives_way_from_the_start_on() -> None:
    memory = Memory()
    account = {"month": ["2026-11", 11 * MB, 100], "before": ["", 0, 0], "seen": ["x", 0]}
    memory.values = {"links": {"eth:ppp0": account}}

    async def life() -> None:
        async with machine("ppp0", "ppp1", usage=memory) as it:
            await until(lambda: it.uplink == "eth:ppp1")
            await asyncio.sleep(600)
            assert {link for what, link, _ in it.guards["eth"].calls if what == "connect"} == {
                "eth:ppp1"
            }
            assert told(it) == [], "it was told in the life before"

    run_virtual(life())


@pytest.mark.parametrize("wrong", [datetime(1970, 1, 1, 1), datetime(2024, 12, 31)])
def test_a_clock_that_was_never_set_turns_no_month(wrong: datetime) -> None:
    async def tale(it: Machine) -> None:
        right, it.day = it.day, wrong
        flow(it, "ppp0", 3)
        await asyncio.sleep(2 * BELIEVE)
        it.day = right
        await asyncio.sleep(5)
        usage = shown(it, "ppp0")["usage"]
        assert (usage["month"], usage["bytes"]) == ("2026-11", 3 * MB)

    story(tale, "ppp0", limit=WARN)


def test_an_earlier_month_is_believed_after_an_hour_online() -> None:
    async def tale(it: Machine) -> None:
        flow(it, "ppp0", 3)
        await asyncio.sleep(5)
        right = it.day
        it.day += timedelta(days=4000)
        await asyncio.sleep(5)
        assert shown(it, "ppp0")["usage"]["bytes"] == 0
        it.day = right
        flow(it, "ppp0", 1)
        await asyncio.sleep(BELIEVE - 60)
        assert shown(it, "ppp0")["usage"]["month"] > "2030"
        await asyncio.sleep(120)
        usage = shown(it, "ppp0")["usage"]
        assert (usage["month"], usage["bytes"]) == ("2026-11", 4 * MB)

    story(tale, "ppp0", limit=WARN)


def test_the_kernels_counters_are_read_and_one_that_is_gone_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "ppp0" / "statistics"
    folder.mkdir(parents=True)
    (tmp_path / "ppp0" / "ifindex").write_text("7\n")
    (folder / "rx_bytes").write_text("100\n")
    assert bytes_of("ppp0", tmp_path) is None
    (folder / "tx_bytes").write_text("23\n")
    assert bytes_of("ppp0", tmp_path) == Seen("7", 123)
    assert bytes_of("ppp1", tmp_path) is None
