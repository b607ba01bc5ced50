"""What is told, in which words, and how often."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conman_core import track as t
from conman_core.errors import ConnectError
from conman_core.explain import seconds, why_not
from conman_core.model import Lost, Reason
from conman_core.schedule import Moment, Policy, Situation
from conman_core.status import explained, status
from conman_core.track import Track

from .machine import Machine, connection, run_virtual, until


def no_dhcp(_: object) -> ConnectError:
    return ConnectError(Reason.NO_ADDRESS, "no DHCP server answered on eth0")


def test_plugins_hear_once_that_there_is_no_uplink_however_often_it_is_tried() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].outcome = no_dhcp
            await asyncio.sleep(900)
            assert [hook for hook, _ in it.told].count("conman_no_uplink") == 1
            it.guards["eth"].outcome = None
            await until(lambda: it.herald.state == "online", 70)
            it.guards["eth"].outcome = no_dhcp
            it.event(Lost("eth:eth0", Reason.LOST, "hung up"))
            await asyncio.sleep(900)
            assert [hook for hook, _ in it.told].count("conman_no_uplink") == 2

    run_virtual(story())


def test_a_failure_that_repeats_is_not_told_again_and_again() -> None:
    """A cable that is out for a year must not fill the log, nor push the history out."""

    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].outcome = no_dhcp
            await asyncio.sleep(60)
            told = len(it.said)
            since = it.herald.since
            await asyncio.sleep(3600)
            assert len(it.said) == told
            assert it.herald.since == since
            it.guards["eth"].outcome = lambda _: ConnectError(Reason.NO_CARRIER, "no signal")
            await asyncio.sleep(120)
            assert "no signal" in it.said[-1]

    run_virtual(story())


def test_a_link_that_a_driver_takes_down_is_not_said_to_be_connecting() -> None:
    async def story() -> None:
        async with Machine("eth0", "lte0") as it:
            it.offer("eth0")
            it.offer("lte0", driver="lte", metered=True)
            it.guards["lte"].leave_delay = 5
            it.carrier("eth0", False)
            await until(lambda: it.uplink == "lte:lte0")
            it.carrier("eth0", True)
            await until(lambda: it.entry("lte:lte0").connection is None, 90)
            await asyncio.sleep(1)
            entry, moment = it.entry("lte:lte0"), it.engine.moment()
            assert entry.state == "idle"
            assert "connecting" not in why_not(entry.track, moment)
            assert not any("lte:lte0 is connecting" in said for said in it.said[-4:])
            assert any("no longer needed" in said for said in it.said)

    run_virtual(story())


def test_a_first_try_is_told_without_saying_how_long_it_has_taken() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.offer("eth0")
            await until(lambda: it.uplink == "eth:eth0")
            assert "eth:eth0 is connecting" in it.said

    run_virtual(story())
    tried = t.attempt(Track("eth:e", 0), 99.5)
    assert why_not(tried, moment(tried)) == "It is connecting."
    assert why_not(tried, moment(tried, now=103.0)) == "It has been connecting for 4 s."


def moment(*tracks: Track, now: float = 100.0) -> Moment:
    return Moment(tracks, Situation(0.0), Policy(), now)


def test_every_sentence_is_one_sentence_with_one_full_stop() -> None:
    plain = Track("eth:e", 0)
    failed = t.attempt_failed(plain, 90, Reason.NO_ADDRESS, "no DHCP server answered on eth0")
    ended = t.attempt_failed(plain, 90, Reason.BUSY, "NetworkManager has it; run: nmcli.")
    held = t.connected(plain)
    checked = t.round_ended(t.round_began(held, 90), 93, t.Verdict.OFFLINE, "nothing answers")
    down = t.carrier(held, 95, False)
    cases = [plain, failed, ended, held, checked, down, t.attempt(failed, 99)]
    cases += [replace(case, callable=False) for case in (plain, failed)]
    cases += [t.carrier(plain, 95, False), replace(failed, leaving=True)]
    cases += [replace(plain, leaving=True), replace(plain, metered=True)]
    for track in cases:
        other = t.connected(Track("eth:o", 0, -1))
        for now in (moment(track), moment(track, other)):
            said = why_not(track, now)
            assert said.endswith((".", "nmcli", "see: conman drivers")), said
            assert not said.endswith(".."), said
            assert not said.startswith(";"), said


def test_lengths_of_time_read_well() -> None:
    assert [seconds(x) for x in (-1, 0, 99, 100, 7200, 90_000, 400_000)] == [
        *("0 s", "0 s", "99 s", "2 min", "2 h", "25 h", "5 days")
    ]


def test_status_and_explain_answer_at_any_moment_of_any_link() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1", "eth2") as it:
            it.guards["eth"].outcome = lambda link: (
                no_dhcp(link) if link.device == "eth1" else connection(link.device)
            )
            for step in range(60):
                if step == 20:
                    it.offer("eth0", "eth1")
                if step == 30:
                    it.order = ("wifi",)
                    it.settle()
                entries, now = it.engine.entries.values(), it.engine.moment()
                told = status(entries, now, it.herald, drivers=(), config={}, notes=())
                for row in told["links"]:
                    assert row["sentence"].endswith("."), row
                    assert not row["sentence"].endswith(".."), row
                    assert row["sentence"] != ".", row
                    assert (row["role"] == "uplink") == (row["name"] == told["uplink"])
                assert len(explained(entries, now, it.herald)["links"]) == 3
                await asyncio.sleep(0.4)

    run_virtual(story())
