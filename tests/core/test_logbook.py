"""Repairs are remembered over restarts and reboots, whatever clocks, disks and files do."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conman_core import ladder as rungs
from conman_core.ladder import AT_ONCE, DAY, LONGEST_REST, MOST_CLIMBS, MOST_STEPS, Ladder
from conman_core.logbook import MOST_LINKS, UNKNOWN, Logbook
from conman_core.schedule import Decision, Policy
from conman_core.store import LARGEST, JsonStore

from .machine import Memory
from .simulation import Script, Simulation

TODAY = 1.8e9  # a wall clock that is set
NEVER_SET = 200.0  # one that started in 1970


def book(memory: Memory, now: float, wall: float = TODAY, boot: str = "a") -> Logbook:
    return Logbook(memory, lambda: now, lambda: wall, boot)


def climbed(*steps: int, at: float) -> Ladder:
    ladder = Ladder(worked=True)
    for step in steps:
        ladder = rungs.ended(rungs.begin(ladder, step, at), at, climbed=True)
    return ladder


def test_a_restart_within_one_boot_knows_all_to_the_second_whatever_the_wall_clock_does() -> None:
    memory = Memory()
    book(memory, 1000.0).keep({"wifi:w": climbed(0, 1, at=900)})

    for wall in (TODAY, NEVER_SET, TODAY + 400 * DAY, TODAY - DAY):
        again = book(memory, 1060.0, wall).ladder("wifi:w")
        assert again.climbs == ((900, 0), (900, 1))
        assert (again.step, again.not_before) == (2, 1020.0)
        assert again.active
        assert again.worked


def test_a_reboot_counts_the_time_that_the_wall_clock_says() -> None:
    memory = Memory()
    book(memory, 1000.0, TODAY).keep({"wifi:w": climbed(0, 1, at=1000)})

    again = book(memory, 20.0, TODAY + 60, "b").ladder("wifi:w")
    assert again.climbs == ((20 - 60, 0), (20 - 60, 1))
    assert again.not_before == pytest.approx(20 + 120 - 60)
    assert rungs.lately(book(memory, 20.0, TODAY + DAY, "b").ladder("wifi:w"), 20.0) == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [(NEVER_SET, TODAY), (TODAY, NEVER_SET), (NEVER_SET, NEVER_SET + 5), (TODAY, TODAY - 5)],
    ids=["was not set", "is not set", "never set", "went back"],
)
def test_where_the_wall_clock_cannot_tell_a_start_counts_a_quarter_of_an_hour(
    written: float, read: float
) -> None:
    """Budgets hold in a device without a clock, and still are not used up for ever."""
    memory = Memory()
    book(memory, 1000.0, written).keep({"wifi:w": climbed(0, 1, at=1000)})
    assert book(memory, 20.0, read, "b").ladder("wifi:w").climbs[0].at == 20 - UNKNOWN

    known = []
    for start in range(120):
        again = book(memory, 20.0, read - start, f"boot {start}").ladder("wifi:w")
        known.append(bool(rungs.lately(again, 20.0)))
    assert abs(known.index(False) - DAY / UNKNOWN) <= 2
    assert not any(known[known.index(False) :])


def test_a_link_that_worked_once_is_known_to_have_worked() -> None:
    memory = Memory()
    book(memory, 0.0).keep({"wifi:w": Ladder(worked=True)})

    assert book(memory, 5.0, boot="b").ladder("wifi:w") == Ladder(worked=True)
    assert book(memory, 5.0, boot="b").ladder("wifi:other") == Ladder()


def test_a_step_that_took_the_machine_down_is_not_the_first_thing_that_it_does_again() -> None:
    memory = Memory()
    book(memory, 1000.0).keep({"wifi:w": rungs.begin(Ladder(), 2, 1000.0)})

    again = book(memory, 30.0, TODAY + 45, "b").ladder("wifi:w")
    assert [climb.step for climb in again.climbs] == [2]
    assert rungs.next_step(again, 30.0) == (3, pytest.approx(30 + 600 - 45))


def test_nothing_is_written_while_nothing_happens() -> None:
    memory = Memory()
    log = book(memory, 0.0)
    ladder = climbed(0, at=0)
    for _ in range(100):
        log.keep({"wifi:w": replace(ladder)})
    assert memory.saves == 1
    log.keep({"wifi:w": replace(ladder, pending=False, sentence="x")})
    log.keep({"eth:e": Ladder(), "eth:f": Ladder(bare=True, tops=4, not_before=9e4)})
    assert memory.saves == 1


def test_links_that_come_and_go_do_not_make_the_file_grow(tmp_path: Path) -> None:
    store = JsonStore(tmp_path / "recovery.json")
    log = Logbook(store, lambda: 1e6, lambda: TODAY, "a")
    for number in range(4 * MOST_LINKS):
        log.keep({f"lte:ttyUSB{number}": climbed(*[0] * 40, at=1000.0 + number)})

    links = store.load()["links"]
    assert len(links) == MOST_LINKS
    assert f"lte:ttyUSB{4 * MOST_LINKS - 1}" in links
    assert store.path.stat().st_size < LARGEST / 8


def test_more_links_than_are_remembered_cost_no_writing_again_and_again() -> None:
    memory = Memory()
    log = book(memory, 5000.0)
    ladders = {f"x:{number}": climbed(0, at=number) for number in range(2 * MOST_LINKS)}
    for _ in range(10):
        log.keep(ladders)

    assert memory.saves == 1


def test_a_full_disk_is_said_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory()
    memory.full = True
    log = book(memory, 0.0)
    for number in range(5):
        log.keep({"wifi:w": climbed(*[0] * number, at=0)})
    assert log.fault is not None
    assert "disk is full" in log.fault
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
    assert len(log.ladder("wifi:w").climbs) == 4

    memory.full = False
    log.keep({"wifi:w": climbed(1, at=0)})
    assert log.fault is None
    assert book(memory, 0.0).ladder("wifi:w").climbs == ((0, 1),)


@pytest.mark.parametrize("content", [b"", b"{", b'{"links": {"wifi:w"', b"\0" * 512, b"[]"])
def test_a_torn_file_is_set_aside_and_named(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "recovery.json"
    path.write_bytes(content)
    log = Logbook(JsonStore(path))

    assert log.ladder("wifi:w") == Ladder()
    assert str(path) in caplog.text
    log.keep({"wifi:w": climbed(0, at=0.0)})
    assert json.loads(path.read_text())["links"]["wifi:w"]["step"] == 1


# ---- whatever is in the file

FAST = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
rubbish: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
odd = rubbish | st.sampled_from([10**400, -(10**400), 1e308, -1.0, float("nan"), float("inf")])
fields = {
    "climbs": odd | st.lists(odd | st.tuples(odd, odd).map(list), max_size=60),
    "active": odd, "step": odd, "wait": odd, "tops": odd, "worked": odd,
}  # fmt: skip
files = st.fixed_dictionaries(
    {},
    optional={
        "boot": odd | st.just("a"),
        "clock": odd,
        "wall": odd,
        "links": odd
        | st.dictionaries(st.text(max_size=8), odd | st.fixed_dictionaries({}, optional=fields)),
    },
)


@settings(FAST, max_examples=400)
@given(files, st.floats(0, 1e9), st.floats(-1e10, 1e12))
def test_any_file_gives_ladders_that_can_be_climbed_within_a_day(
    values: dict[str, object], now: float, wall: float
) -> None:
    memory = Memory()
    memory.load = lambda: values  # type: ignore[method-assign]
    log = book(memory, now, wall)

    for link in list(log._links):
        ladder = log.ladder(link)
        assert len(ladder.climbs) <= MOST_CLIMBS
        step, at = rungs.next_step(ladder, now)
        assert 0 <= step < MOST_STEPS
        assert at <= now + max(DAY, LONGEST_REST)
        begun = rungs.begin(ladder, step, now)
        log.keep({link: rungs.ended(begun, now + 1, climbed=True)})
    json.dumps(memory.values, allow_nan=False)


# ---- a device that is started again and again

lives = st.lists(
    st.tuples(
        st.sampled_from([10.0, 300.0, 2000.0, 8000.0]),  # how long it lasts
        st.booleans(),  # whether the machine boots before it
        st.sampled_from(["right", "not set", "set at last"]),  # its wall clock
    ),
    min_size=1,
    max_size=12,
)


@settings(FAST, max_examples=12)
@given(lives, st.sampled_from([1, 3, 20]), st.booleans(), st.booleans())
def test_no_number_of_starts_gives_a_device_more_resets_than_a_day_has(
    lives: list[tuple[float, bool, str]], steps: int, connects: bool, behind: bool
) -> None:
    """Each start whose time nobody knows counts as a quarter of an hour, so twelve as three hours.

    `behind`: the device starts with the clock of its last orderly end, and is never told better.
    """
    memory, true, boot, booted = Memory(), 0.0, 0, 0.0
    taken: list[tuple[float, int]] = []
    for lasts, reboots, clock in lives:
        boot += reboots
        booted = true if reboots else booted
        uptime = true - booted + 10.0
        run = Simulation(
            {"lte": Script(0, rungs=steps, connects=connects, starts_working=False)},
            Policy(check_interval=60.0),
            now=uptime,
        )

        def wall(
            run: Simulation = run, clock: str = clock, up: float = uptime, at: float = true
        ) -> float:
            if behind:
                return TODAY - 30 * DAY + up + run.relative()
            if clock == "not set" or (clock == "set at last" and run.relative() < 400):
                return up + run.relative()
            return TODAY + at + run.relative()

        log = Logbook(
            memory,
            lambda run=run: run.now,
            wall,
            f"boot {boot}",
        )
        run.tracks["lte"] = replace(run.tracks["lte"], ladder=log.ladder("lte"))

        def keep(run: Simulation, _: Decision, log: Logbook = log) -> None:
            log.keep({name: track.ladder for name, track in run.tracks.items()})

        run.observe = keep
        run.run(lasts)
        keep(run, None)  # type: ignore[arg-type]
        taken += [(true + at, step) for at, step in run.repairs["lte"]]
        true += lasts + 5.0
    for step in range(MOST_STEPS):
        times = [at for at, which in taken if which == step]
        allowed = rungs.budget(step)
        for first, last in zip(times, times[allowed:], strict=False):
            assert last - first >= DAY - len(lives) * UNKNOWN


def test_a_wait_of_an_earlier_life_is_bounded() -> None:
    memory = Memory()
    memory.values = {"links": {"wifi:w": {"wait": 1e12, "step": 3}}, "boot": "a", "clock": 0}

    assert book(memory, 10.0).ladder("wifi:w").not_before == LONGEST_REST
    memory.values["links"]["wifi:w"]["wait"] = 0
    assert book(memory, 10.0).ladder("wifi:w").not_before == AT_ONCE
