"""Which radios can be a client, and what switches them off and on."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from conman_core.errors import SystemFault
from conman_core.net import nl80211
from conman_core.testing.sysfs import FakeSysfs
from conman_plugins.wifi.radio import Radio, stations

STATION, AP, MONITOR, P2P_GO = 2, 3, 6, 9


class Machine:
    """A /sys with radios, and the kernel's word about what its interfaces are for."""

    def __init__(self, folder: Path) -> None:
        self.sysfs = folder / "sys"
        self.net = FakeSysfs(self.sysfs / "class/net")
        self.rfkill = folder / "rfkill"
        self.types: dict[int, int] = {}

    def add(self, name: str, phy: int = 0, kind: int | None = STATION, arp_type: int = 1) -> Path:
        """Make an interface of a radio."""
        folder = self.net.add(
            name, driver="brcmfmac", devtype="wlan", arp_type=arp_type, carrier=None
        )
        radio = self.sysfs / f"class/ieee80211/phy{phy}"
        radio.mkdir(parents=True, exist_ok=True)
        (radio / "name").write_text(f"phy{phy}\n")
        (radio / "index").write_text(f"{phy}\n")
        (folder / "phy80211").symlink_to(radio)
        if kind is not None:
            self.types[int((folder / "ifindex").read_text())] = kind
        return folder

    def switch(self, phy: int, number: int, soft: int = 0, hard: int = 0) -> Path:
        """Give a radio a switch."""
        folder = self.sysfs / f"class/ieee80211/phy{phy}/rfkill{number}"
        folder.mkdir()
        (folder / "soft").write_text(f"{soft}\n")
        (folder / "hard").write_text(f"{hard}\n")
        return folder

    def radio(self, name: str) -> Radio:
        return Radio(name, self.sysfs, self.rfkill)

    def stations(self, *wanted: str) -> list[str]:
        return stations(
            wanted, sysfs=self.sysfs, inventory=self.net.inventory, types=lambda: self.types
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# -- which


def test_every_radio_is_a_station_in_the_order_of_names(machine: Machine) -> None:
    machine.add("wlan10", phy=1)
    machine.add("wlan2", phy=0)
    machine.net.add("eth0")
    assert machine.stations() == ["wlan2", "wlan10"]


def test_names_and_patterns_choose_and_order(machine: Machine) -> None:
    machine.add("wlan0", phy=0)
    machine.add("wlan1", phy=1)
    machine.add("wlx00", phy=2)
    assert machine.stations("wlx*", "wlan1") == ["wlx00", "wlan1"]
    assert machine.stations("ra*") == []


def test_what_is_no_client_is_left_out(machine: Machine) -> None:
    machine.add("wlan0")
    machine.add("uap0", kind=AP)
    machine.add("mon0", kind=MONITOR, arp_type=803)
    machine.add("p2p-wlan0-0", kind=P2P_GO)
    machine.net.add("wlan9", devtype="wlan", master="br0", folders=["phy80211"])
    assert machine.stations() == ["wlan0"]
    assert machine.stations("uap0", "mon0") == ["uap0"]


def test_an_access_point_alone_on_its_radio_is_what_a_killed_program_left(
    machine: Machine,
) -> None:
    machine.add("wlan0", phy=0)
    machine.add("wlan1", phy=1, kind=AP)
    assert machine.stations() == ["wlan0", "wlan1"]


def test_without_the_kernels_word_all_are_taken(machine: Machine) -> None:
    machine.add("wlan0", kind=None)
    assert machine.stations() == ["wlan0"]


def test_a_machine_without_a_radio_has_none(machine: Machine) -> None:
    machine.net.add("eth0")
    assert machine.stations() == []


def test_this_machine_is_read_without_complaint() -> None:
    assert isinstance(stations(), list)


# -- one radio


def test_a_radio_that_is_gone_is_neither_blocked_nor_in_a_country(machine: Machine) -> None:
    gone = machine.radio("wlan7")
    assert (gone.blocked(), gone.country()) == (None, "")


def test_only_its_own_switch_blocks_a_radio(machine: Machine) -> None:
    machine.add("wlan0", phy=0)
    machine.add("wlan1", phy=1)
    machine.switch(0, 4, soft=1)
    switch = machine.switch(1, 5)
    assert (machine.radio("wlan0").blocked(), machine.radio("wlan1").blocked()) == ("soft", None)
    (switch / "hard").write_text("1\n")
    assert machine.radio("wlan1").blocked() == "hard"
    (switch / "soft").write_text("1\n")
    assert machine.radio("wlan1").blocked() == "hard"


def test_a_switch_that_is_listed_elsewhere_is_found(machine: Machine) -> None:
    machine.add("wlan0", phy=0)
    machine.add("wlan1", phy=1)
    folder = machine.sysfs / "class/rfkill/rfkill2"
    folder.mkdir(parents=True)
    (folder / "soft").write_text("1\n")
    (folder / "hard").write_text("0\n")
    (folder / "device").symlink_to(machine.sysfs / "class/ieee80211/phy1")
    assert (machine.radio("wlan0").blocked(), machine.radio("wlan1").blocked()) == (None, "soft")


def test_a_radio_is_switched_on_through_sysfs(machine: Machine) -> None:
    machine.add("wlan0")
    switch = machine.switch(0, 4, soft=1)
    machine.radio("wlan0").unblock()
    assert (switch / "soft").read_text() == "0"
    assert machine.radio("wlan0").blocked() is None


def test_where_sysfs_is_read_only_the_device_is_used(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("wlan0")
    machine.switch(0, 4, soft=1)
    machine.rfkill.write_bytes(b"")
    monkeypatch.setattr(Path, "write_text", _read_only)
    with pytest.raises(SystemFault, match="wlan0 stays switched off; try: sudo rfkill unblock"):
        machine.radio("wlan0").unblock()  # the fake device changes nothing
    assert machine.rfkill.read_bytes() == struct.pack("=IBBBB", 4, 1, 2, 0, 0)


def test_why_a_radio_cannot_be_switched_on_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("wlan0")
    machine.switch(0, 4, soft=1)
    monkeypatch.setattr(Path, "write_text", _read_only)
    with pytest.raises(SystemFault, match=r"wlan0 stays switched off: .*No such file"):
        machine.radio("wlan0").unblock()


def test_a_hard_block_is_left_to_people(machine: Machine) -> None:
    machine.add("wlan0")
    machine.switch(0, 4, hard=1)
    machine.radio("wlan0").unblock()
    assert machine.radio("wlan0").blocked() == "hard"


@pytest.mark.parametrize(("content", "country"), [("GB", "GB"), ("00", ""), ("\0junk", "")])
def test_the_country_of_the_kernels_start_counts(
    machine: Machine, content: str, country: str
) -> None:
    machine.add("wlan0")
    hint = machine.sysfs / "module/cfg80211/parameters/ieee80211_regdom"
    hint.parent.mkdir(parents=True)
    hint.write_text(f"{content}\n")
    assert machine.radio("wlan0").country() == country


def test_what_the_kernel_holds_now_counts_more(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("wlan0", phy=3)
    countries = {3: "DE"}
    monkeypatch.setattr(nl80211, "regulatory_country", lambda phy: countries[phy])
    assert machine.radio("wlan0").country() == "DE"


def _read_only(*_: object, **__: object) -> int:
    raise OSError(30, "Read-only file system")
