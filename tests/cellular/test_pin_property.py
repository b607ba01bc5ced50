"""Whatever happens, in whatever order: no PIN costs a card two tries, nor any one of the last two.

Two drivers share the memory; conman ends at any moment; people change settings, PINs and cards.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from conman_core import ConnectError
from conman_plugins.cellular.pin import PinRule

PINS = st.sampled_from(["0000", "1111", "2222", "3333"])
CARDS = st.sampled_from([0, 1])
MOMENTS = st.sampled_from(["before the note", "after it", "after the try", "", "", ""])


class Dead(Exception):
    """conman, or the machine, has just ended."""


class Disk:
    """A shared memory on a disk that may lose its power at the next write."""

    def __init__(self) -> None:
        self.text = "{}"
        self.dies_before_write = 0

    def load(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def save(self, values: Any) -> None:
        self.dies_before_write -= 1
        if self.dies_before_write == 0:
            raise Dead
        self.text = json.dumps(values)

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        values = self.load()
        yield values
        self.save(values)


class Card:
    def __init__(self, number: str) -> None:
        self.number = number
        self.pin = "0000"
        self.left = 3
        self.was_right: set[str] = set()
        self.cost: Counter[str] = Counter()  #: wrong tries of conman's, by value
        self.excused: Counter[str] = Counter()  #: those of them that nobody could note

    def try_pin(self, pin: str) -> bool:
        assert self.left >= 3, "one of the last two tries"
        if pin == self.pin:
            self.was_right.add(pin)
            self.left = 3
            return True
        self.left -= 1
        self.cost[pin] += 1
        return False


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()
        self.cards = [Card("8930012345678901234"), Card("")]
        self.inserted = self.cards[0]
        self.configured = "0000"

    @rule(pin=PINS)
    def somebody_edits_the_settings(self, pin: str) -> None:
        self.configured = pin

    @rule(number=CARDS)
    def somebody_puts_a_card_in(self, number: int) -> None:
        self.inserted = self.cards[number]

    @rule(pin=PINS)
    def somebody_changes_the_pin_with_a_phone(self, pin: str) -> None:
        if self.inserted.left:
            self.inserted.pin, self.inserted.left = pin, 3

    @rule()
    def somebody_enters_the_pin_in_a_phone(self) -> None:
        self.inserted.left = 3

    @rule()
    def somebody_mistypes_in_a_phone(self) -> None:
        self.inserted.left = max(self.inserted.left - 1, 1)

    @rule(driver=st.sampled_from(["wwan", "sakis3g"]), dies=MOMENTS)
    def the_modem_is_switched_on(self, driver: str, dies: str) -> None:
        card, pin = self.inserted, self.configured

        async def attempt() -> bool:
            if dies == "after it":
                raise Dead
            right = card.try_pin(pin)
            if dies == "after the try" and not right and pin in card.was_right:
                card.excused[pin] += 1
            return right

        self.disk.dies_before_write = {"before the note": 1, "after the try": 2}.get(dies, 0)
        rule_ = PinRule(self.disk, f"[conman:{driver}]")
        with contextlib.suppress(ConnectError, Dead):
            asyncio.run(rule_.enter(card.number, pin, card.left, attempt))
        self.disk.dies_before_write = 0

    @invariant()
    def no_value_costs_two_tries(self) -> None:
        """But for one that worked, and whose refusal a power cut kept from being noted."""
        for card in self.cards:
            for pin, cost in card.cost.items():
                assert cost <= 1 + card.excused[pin], f"{pin} cost {cost} tries"


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
