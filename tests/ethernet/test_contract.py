"""The Ethernet driver keeps the contract that strangers' drivers must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core.testing import DriverContract, FakeContext, FakeSysfs
from conman_plugins.ethernet.driver import EthernetDriver


class TestWithDhcp(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> EthernetDriver:
        machine = FakeSysfs(tmp_path / "net")
        machine.add("eth0")
        return EthernetDriver(FakeContext(EthernetDriver), machine.inventory)


class TestWithStaticAddress(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> EthernetDriver:
        machine = FakeSysfs(tmp_path / "net")
        machine.add("eth0")
        settings = {"address": "static", "static-address": "192.0.2.20/24", "gateway": "192.0.2.1"}
        return EthernetDriver(FakeContext(EthernetDriver, settings), machine.inventory)
