"""A metered link that sends without an answer is checked at once, not at its next turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conman_core.entry import Wishes
from conman_core.evidence import Counters
from conman_core.trafficwatch import counters_of

from .machine import Machine, at_most_turns, run_virtual, until


def metered(*names: str) -> Machine:
    it = Machine()
    it.wishes = Wishes(metered=True)
    for name in names:
        it.network.plug(name)
        it.checker.works.add(name)
        it.counters[name] = Counters(10, 10)
    it.offer(*names)
    return it


async def sends(it: Machine, name: str, seconds: int, *, answered: bool) -> None:
    """Let a program send a packet a second."""
    for _ in range(seconds):
        rx, tx = it.counters[name]
        it.counters[name] = Counters(rx + answered, tx + 1)
        await asyncio.sleep(1)


def test_a_dead_data_path_is_noticed_within_seconds_while_programs_send() -> None:
    async def story() -> None:
        async with metered("ppp0") as it:
            await until(lambda: it.entry("ppp0").track.verified)
            await sends(it, "ppp0", 60, answered=True)
            it.checker.works.discard("ppp0")
            began = asyncio.get_running_loop().time()
            sending = asyncio.create_task(sends(it, "ppp0", 60, answered=False))
            await until(lambda: not it.entry("ppp0").track.verified)
            assert asyncio.get_running_loop().time() - began < 10
            sending.cancel()

    run_virtual(story())


def test_traffic_that_is_answered_costs_no_check() -> None:
    async def story() -> None:
        async with metered("ppp0") as it:
            await until(lambda: it.entry("ppp0").track.verified)
            await sends(it, "ppp0", 10, answered=True)
            before = len(it.checker.rounds)
            await sends(it, "ppp0", 600, answered=True)
            assert len(it.checker.rounds) - before <= 1

    run_virtual(story())


def test_a_program_that_never_gets_an_answer_costs_few_checks_a_day() -> None:
    async def story() -> None:
        async with metered("ppp0") as it:
            await until(lambda: it.entry("ppp0").track.verified)
            before = len(it.checker.rounds)
            await sends(it, "ppp0", 4 * 3600, answered=False)
            assert len(it.checker.rounds) - before < 4 * 5 * 2 + 15

    run_virtual(story())


def test_a_link_without_a_bill_is_not_watched() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.counters["eth0"] = Counters(1, 1)
            await until(lambda: it.entry("eth0").track.verified)
            await asyncio.sleep(30)
            before = len(it.checker.rounds)
            with at_most_turns(asyncio.get_running_loop(), 12 * 80):
                await asyncio.sleep(600)
            assert len(it.checker.rounds) - before < 90

    run_virtual(story())


def test_another_connection_begins_without_the_doubts_of_the_last_one() -> None:
    async def story() -> None:
        async with metered("ppp0") as it:
            await until(lambda: it.entry("ppp0").track.verified)
            await sends(it, "ppp0", 3, answered=False)
            it.carrier("ppp0", False)
            await asyncio.sleep(5)
            it.carrier("ppp0", True)
            await until(lambda: it.entry("ppp0").track.verified)
            it.counters["ppp0"] = Counters(0, 0)
            before = len(it.checker.rounds)
            await asyncio.sleep(60)
            assert len(it.checker.rounds) - before <= 3

    run_virtual(story())


def test_counters_are_read_from_the_kernel(tmp_path: Path) -> None:
    folder = tmp_path / "ppp0/statistics"
    folder.mkdir(parents=True)
    (folder / "rx_packets").write_text("7\n")
    (folder / "tx_packets").write_text("9\n")
    assert counters_of("ppp0", tmp_path) == Counters(7, 9)
    assert counters_of("gone0", tmp_path) is None
