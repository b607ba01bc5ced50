"""What a person is told of a cable: whether there is a signal, and how fast the line is."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core import Link
from conman_core.testing import FakeContext, FakeSysfs
from conman_plugins.ethernet.driver import EthernetDriver

ETH0 = Link("ethernet", "eth0", "eth0")


@pytest.fixture
def machine(tmp_path: Path) -> FakeSysfs:
    return FakeSysfs(tmp_path / "net")


@pytest.fixture
def driver(machine: FakeSysfs) -> EthernetDriver:
    return EthernetDriver(FakeContext(EthernetDriver), machine.inventory)


def details(driver: EthernetDriver) -> dict[str, str]:
    return dict(driver.details(ETH0))


def test_a_line_with_a_signal_has_its_speed(machine, driver):
    machine.add("eth0", files={"speed": "1000", "duplex": "full"})

    assert details(driver) == {"signal": "yes", "speed": "1000 Mbit/s", "duplex": "full"}


@pytest.mark.parametrize(
    "files", [{}, {"speed": "-1", "duplex": "unknown"}, {"speed": "4294967295"}, {"speed": "0"}]
)
def test_what_the_kernel_does_not_know_is_left_out(machine, driver, files):
    machine.add("eth0", files=files)

    assert details(driver) == {"signal": "yes"}


def test_without_a_signal_the_speed_of_before_says_nothing(machine, driver):
    machine.add("eth0", carrier=False, files={"speed": "100", "duplex": "half"})

    assert details(driver) == {"signal": "no"}


def test_while_it_is_down_nobody_knows(machine, driver):
    machine.add("eth0", carrier=None)

    assert details(driver) == {"signal": "not known while eth0 is down"}


def test_one_that_was_unplugged_has_nothing_to_tell(driver):
    assert details(driver) == {}


def test_a_probe_says_of_which_link_the_cable_is_not_in(machine, driver):
    machine.add("eth0")
    machine.add("eth1", carrier=False)
    machine.add("eth2", carrier=None)

    assert [link.note for link in driver.probe()] == ["", "no signal on the cable", ""]
