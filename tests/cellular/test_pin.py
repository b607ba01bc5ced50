"""A SIM card is never blocked by conman: each PIN is tried once, and two tries are left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conman_core import ConnectError, Reason
from conman_core.errors import SystemFault
from conman_core.store import SharedStore
from conman_core.testing import FakeContext
from conman_core.testing.fakes import FakeSharedStore
from conman_plugins.cellular.pin import MEMORY, PinRule

CARD, OTHER = "8930012345678901234", "8930012345678905555"
SECTION = "[conman:wwan]"


class Sim:
    """A card in a modem."""

    def __init__(self, pin: str, left: int = 3) -> None:
        self.pin = pin
        self.left = left
        self.tried: list[str] = []

    def enter(self, memory: FakeSharedStore | SharedStore, pin: str, card: str = CARD) -> None:
        """Have a rule of its own try a PIN, as after each start of conman."""

        async def attempt() -> bool:
            self.tried.append(pin)
            self.left = 3 if pin == self.pin else self.left - 1
            return pin == self.pin

        asyncio.run(PinRule(memory, SECTION).enter(card, pin, self.left, attempt))

    def refused(self, memory: FakeSharedStore | SharedStore, pin: str, card: str = CARD) -> str:
        """The sentence of a PIN that was not taken, or not even tried."""
        with pytest.raises(ConnectError) as caught:
            self.enter(memory, pin, card)
        assert caught.value.reason is Reason.PIN_WRONG
        assert pin not in caught.value.sentence
        return caught.value.sentence


@pytest.fixture
def memory() -> FakeSharedStore:
    return FakeContext().shared(MEMORY)


def test_the_right_pin_is_entered_after_every_reboot(memory: FakeSharedStore) -> None:
    card = Sim("1234")
    for _ in range(5):
        card.enter(memory, "1234")
    assert card.tried == ["1234"] * 5


def test_a_wrong_pin_is_never_tried_again(memory: FakeSharedStore) -> None:
    card = Sim("1234")
    said = card.refused(memory, "9999")
    assert "the SIM card refused the PIN" in said
    assert "correct pin in [conman:wwan]" in said
    card.left = 3  # a phone has had it meanwhile
    assert "has refused this PIN before" in card.refused(memory, "9999")
    assert card.tried == ["9999"]


def test_the_last_two_tries_are_left_to_a_person(memory: FakeSharedStore) -> None:
    card = Sim("1234")
    card.refused(memory, "9999")
    said = card.refused(memory, "1234")
    assert "has 2 tries left" in said
    assert "put it into a phone" in said
    assert card.tried == ["9999"]


def test_a_corrected_pin_is_tried_once_the_card_has_all_its_tries(memory: FakeSharedStore) -> None:
    card = Sim("1234")
    card.refused(memory, "9999")
    card.left = 3
    card.enter(memory, "1234")


def test_another_card_has_tries_of_its_own(memory: FakeSharedStore) -> None:
    Sim("1234").refused(memory, "9999")
    Sim("9999").enter(memory, "9999", OTHER)


def test_cards_without_a_number_share_their_tries(memory: FakeSharedStore) -> None:
    Sim("1234").refused(memory, "9999", card="")
    other = Sim("9999")
    other.refused(memory, "9999", card="")
    assert other.tried == []


@pytest.mark.parametrize(("first", "then"), [(CARD, ""), ("", CARD), (CARD, CARD + "F")])
def test_a_card_whose_number_is_read_differently_has_its_tries_no_second_time(
    memory: FakeSharedStore, first: str, then: str
) -> None:
    card = Sim("1234")
    card.refused(memory, "9999", first)
    card.left = 3
    assert "has refused this PIN before" in card.refused(memory, "9999", then)
    assert card.tried == ["9999"]


@pytest.mark.parametrize(("first", "then"), [(CARD, ""), ("", CARD), (CARD, CARD + "F")])
def test_what_it_took_is_entered_all_the_same(
    memory: FakeSharedStore, first: str, then: str
) -> None:
    card = Sim("1234")
    card.enter(memory, "1234", first)
    card.enter(memory, "1234", then)


def test_a_pin_that_was_right_and_is_refused_now_is_not_tried_again(
    memory: FakeSharedStore,
) -> None:
    card = Sim("1234")
    card.enter(memory, "1234")
    card.pin = "4321"
    card.refused(memory, "1234")
    card.left = 3
    card.refused(memory, "1234")
    assert card.tried == ["1234", "1234"]


class PowerCut(Exception):
    """The machine is off."""


def cut(memory: FakeSharedStore, pin: str, left: int = 3) -> None:
    async def attempt() -> bool:
        raise PowerCut

    with pytest.raises(PowerCut):
        asyncio.run(PinRule(memory, SECTION).enter(CARD, pin, left, attempt))


def test_a_power_cut_during_the_first_try_makes_it_no_second_one(memory: FakeSharedStore) -> None:
    cut(memory, "1234")
    card = Sim("1234")
    assert "answer was not heard" in card.refused(memory, "1234")
    assert card.tried == []


def test_a_power_cut_during_a_try_of_what_worked_before_locks_nobody_out(
    memory: FakeSharedStore,
) -> None:
    card = Sim("1234")
    card.enter(memory, "1234")
    for _ in range(3):
        cut(memory, "1234")
    card.enter(memory, "1234")
    assert card.tried == ["1234", "1234"]


def test_no_pin_is_tried_where_the_tries_left_are_not_told(memory: FakeSharedStore) -> None:
    async def attempt() -> bool:
        raise AssertionError("it was tried")

    with pytest.raises(ConnectError, match="does not tell how many tries"):
        asyncio.run(PinRule(memory, SECTION).enter(CARD, "1234", None, attempt))


def test_what_cannot_be_noted_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SystemFault("the disk is full; free some space")

    memory = SharedStore(tmp_path / "pins.json")
    monkeypatch.setattr(memory, "save", full)
    card = Sim("1234")
    with pytest.raises(ConnectError, match="the disk is full"):
        card.enter(memory, "1234")
    assert card.tried == []


def test_it_is_on_disk_before_it_is_tried_and_not_to_be_read_there(tmp_path: Path) -> None:
    memory = SharedStore(tmp_path / "pins.json")
    on_disk = []

    async def attempt() -> bool:
        on_disk.append(memory.path.read_text())
        return True

    asyncio.run(PinRule(memory, SECTION).enter(CARD, "47110815", 3, attempt))
    (before,) = on_disk
    after = memory.path.read_text()
    assert before != after
    for text in (before, after):
        assert CARD in text
        assert "47110815" not in text


@pytest.mark.parametrize(
    "rubbish",
    [{"cards": 3}, {"cards": {CARD: [1]}}, {"salt": 7}, {"cards": None, "salt": "short"}],
)
def test_a_memory_that_holds_rubbish_is_begun_anew(
    memory: FakeSharedStore, rubbish: dict[str, object]
) -> None:
    memory.save(rubbish)
    card = Sim("1234")
    card.refused(memory, "9999")
    card.left = 3
    card.refused(memory, "9999")
    assert card.tried == ["9999"]
