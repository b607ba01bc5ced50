"""What the driver asks of the machine, in one place so that a test can have another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conman_plugins.wifi.radio import Radio, stations
from conman_plugins.wifi.rivals import rival


@dataclass(frozen=True, slots=True)
class Machine:
    """The radios of this machine, and who else works them."""

    stations: Callable[[Sequence[str]], list[str]] = stations
    radio: Callable[[str], Radio] = Radio
    rival: Callable[[str], str | None] = rival
