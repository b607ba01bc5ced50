"""A lamp: it blinks, shines, and does in the end what it did before."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_plugins.accesspoint import led
from conman_plugins.accesspoint.led import Led

log = logging.getLogger("accesspoint")
TRIGGERS = ("none", "mmc0", "timer", "heartbeat")


class Lamp:
    """A folder of /sys/class/leds; the kernel puts the present trigger in brackets."""

    def __init__(self, folder: Path, trigger: str = "mmc0", brightness: str = "0") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name, text in (
            ("max_brightness", "255"),
            ("brightness", brightness),
            ("delay_on", "500"),
            ("delay_off", "500"),
        ):
            (folder / name).write_text(f"{text}\n")
        self.show(trigger)

    def show(self, trigger: str) -> None:
        words = (f"[{each}]" if each == trigger else each for each in TRIGGERS)
        (self.folder / "trigger").write_text(" ".join(words) + "\n")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    @property
    def state(self) -> tuple[str, str]:
        """Trigger as it was written last, and brightness."""
        return self.read("trigger"), self.read("brightness")


@pytest.fixture
def leds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(led, "CLASS", tmp_path)
    monkeypatch.setattr(led, "_before", {})
    monkeypatch.setattr(Led, "_complained", set())
    return tmp_path


def test_it_blinks_while_somebody_is_waited_for(leds: Path) -> None:
    lamp = Lamp(leds / "ACT")
    Led("ACT", log).waiting()
    assert lamp.read("trigger") == "timer"
    assert (lamp.read("delay_on"), lamp.read("delay_off")) == ("200", "800")


def test_it_shines_as_brightly_as_it_can_while_the_device_is_online(leds: Path) -> None:
    lamp = Lamp(leds / "ACT")
    Led("ACT", log).steady()
    assert lamp.state == ("none", "255")


@pytest.mark.parametrize(("trigger", "brightness"), [("mmc0", "0"), ("none", "0"), ("none", "128")])
def test_in_the_end_it_does_what_it_did_before(leds: Path, trigger: str, brightness: str) -> None:
    lamp = Lamp(leds / "ACT", trigger, brightness)
    for way in ("waiting", "steady", "waiting"):
        getattr(Led("ACT", log), way)()  # each use makes an object of its own
        lamp.show("none" if way == "steady" else "timer")
        (lamp.folder / "brightness").write_text("255")
    Led("ACT", log).restore()
    assert lamp.read("trigger") == trigger
    if trigger == "none":
        assert lamp.read("brightness") == brightness


def test_one_that_was_never_used_is_left_alone(leds: Path) -> None:
    lamp = Lamp(leds / "ACT")
    before = lamp.state
    Led("ACT", log).restore()
    assert lamp.state == before


def test_after_it_was_put_back_somebody_else_may_change_it(leds: Path) -> None:
    lamp = Lamp(leds / "ACT", "mmc0")
    Led("ACT", log).steady()
    Led("ACT", log).restore()
    lamp.show("heartbeat")
    Led("ACT", log).waiting()
    Led("ACT", log).restore()
    assert lamp.read("trigger") == "heartbeat"


def test_a_whole_path_names_it_too(leds: Path, tmp_path: Path) -> None:
    lamp = Lamp(tmp_path / "elsewhere/green")
    Led(str(lamp.folder), log).steady()
    assert lamp.state == ("none", "255")


def test_without_a_name_nothing_is_touched(leds: Path) -> None:
    lamp = Lamp(leds / "ACT")
    before = lamp.state
    for way in ("waiting", "steady", "restore"):
        getattr(Led("", log), way)()
    assert lamp.state == before


def test_a_lamp_that_is_not_there_is_told_once_with_those_that_are(
    leds: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Lamp(leds / "PWR")
    Lamp(leds / "ACT")
    for _ in range(3):
        Led("led0", log).waiting()
        Led("led0", log).steady()
        Led("led0", log).restore()
    assert caplog.messages == [
        f"the lamp {leds}/led0 cannot be used: No such file or directory; there are: ACT, PWR"
    ]


def test_a_machine_without_lamps_says_that_there_are_none(
    leds: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Led("ACT", log).waiting()
    assert caplog.messages[0].endswith("there are: none")


def test_a_lamp_that_the_kernel_refuses_to_change_is_told(
    leds: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    Lamp(leds / "ACT")

    def refuse(*_: object) -> None:
        raise OSError(22, os.strerror(22))

    monkeypatch.setattr(Path, "write_text", refuse)
    Led("ACT", log).waiting()
    assert "Invalid argument" in caplog.text
