"""A lamp in sysfs: it blinks while somebody is waited for, and is on while the device is online.

Documentation/leds/leds-class.rst and ledtrig-timer of the kernel: `trigger` lists all triggers,
the present one in brackets; `timer` adds `delay_on` and `delay_off`, in milliseconds.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

CLASS = Path("/sys/class/leds")
_ON, _OFF = 200, 800  #: milliseconds

#: what each lamp did before conman used it, trigger and brightness; as long as the process lives
_before: dict[Path, tuple[str, str]] = {}


class Led:
    """One lamp; without a name nothing happens. What is wrong with it is logged once."""

    _complained: set[Path] = set()  # noqa: RUF012 - of all objects: each use makes one

    def __init__(self, name: str, log: logging.Logger) -> None:
        self._folder = (CLASS / name) if name else None  # an absolute path stays as it is
        self._log = log

    def waiting(self) -> None:
        """Blink."""
        self._do(("trigger", "timer"), ("delay_on", str(_ON)), ("delay_off", str(_OFF)))

    def steady(self) -> None:
        """Be on."""
        brightest = self._read("max_brightness") or "1"
        self._do(("trigger", "none"), ("brightness", brightest))

    def restore(self) -> None:
        """Do what it did before; nothing if it was never used."""
        if self._folder not in _before:
            return
        trigger, brightness = _before[self._folder]
        # the end of a trigger puts the lamp out (led_trigger_remove), so brightness comes last
        lit = (("brightness", brightness),) if trigger == "none" else ()
        self._do(("trigger", trigger), *lit)
        _before.pop(self._folder, None)

    def _do(self, *values: tuple[str, str]) -> None:
        if self._folder is None:
            return
        if self._folder not in _before:
            present = re.search(r"\[([^]]+)\]", self._read("trigger"))
            brightness = self._read("brightness") or "0"
            _before[self._folder] = present[1] if present else "none", brightness
        try:
            for name, value in values:
                (self._folder / name).write_text(value)
        except OSError as error:
            if self._folder not in self._complained:
                self._complained.add(self._folder)
                known = ", ".join(sorted(path.name for path in CLASS.glob("*"))) or "none"
                why = error.strerror
                self._log.warning(
                    "the lamp %s cannot be used: %s; there are: %s", self._folder, why, known
                )

    def _read(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            return (self._folder / name).read_text().strip()
        except OSError:  # said when it is written to
            return ""
