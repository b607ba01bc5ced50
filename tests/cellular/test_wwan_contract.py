"""The wwan driver keeps the contract that strangers' drivers must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core.testing import DriverContract
from conman_plugins.cellular.wwan import WwanDriver
from tests.cellular.fakemodem import OLD, FakeModem, ModemContext

POWER = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]


class TestModem(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> WwanDriver:
        modem = FakeModem(tmp_path)
        context = ModemContext(WwanDriver, modem, {"apn": "internet"})
        context.expect(POWER, always=True)
        return WwanDriver(context, modem.machine)


class TestOldModemWithAPin(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> WwanDriver:
        modem = FakeModem(tmp_path, services=OLD)
        modem.insert(pin="1234")
        context = ModemContext(WwanDriver, modem, {"apn": "internet", "pin": "1234"})
        context.expect(POWER, missing=True, always=True)
        return WwanDriver(context, modem.machine)
