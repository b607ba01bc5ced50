"""The WiFi driver keeps the contract that strangers' drivers must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core.testing import DriverContract, FakeContext
from conman_plugins.wifi import supplicant
from conman_plugins.wifi.driver import WifiDriver
from conman_plugins.wifi.machine import Machine
from tests.wifi.air import AccessPoint, Air
from tests.wifi.test_driver import KNOWN, FakeRadio


class TestWithAKnownNetworkInSight(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WifiDriver:
        monkeypatch.setattr(supplicant, "_START_LIMIT", 0.2)
        known = tmp_path / "wpa_supplicant.conf"
        known.write_text(KNOWN)
        air = Air([AccessPoint(b"Home", "right-key")])
        context = air.supply(FakeContext(WifiDriver, {"networks": str(known)}))
        machine = Machine(
            stations=lambda _: ["wlan0"],
            radio=lambda _: FakeRadio(),  # type: ignore[arg-type, return-value]
            rival=lambda _: None,
        )
        return WifiDriver(context, machine)
