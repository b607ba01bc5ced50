"""What tests of a modem without a kernel have in common: the modem, its card, and time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.modems import sim
from tests.lab.modems.loop import Loop
from tests.lab.modems.state import Modem


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    sim.write(path, sim.remembered(sim.Sim()))
    return path


@pytest.fixture
def modem(card: Path) -> Modem:
    return Modem(Loop(), 1, card)


def insert(modem: Modem, card: Path, **what: Any) -> None:
    """Put another card in."""
    sim.write(card, sim.remembered(sim.Sim(**what)))
    modem.reload_card()


def until(modem: Modem, condition: Callable[[], object]) -> None:
    """Let the modem's time pass."""
    for _ in range(100):
        if condition():
            return
        modem.loop.turn(0.1)
    pytest.fail("it did not come true")
