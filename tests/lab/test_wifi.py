"""The lab's radios: real hostapd and wpa_supplicant, and what the lab can do to them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.lab.wifi_world import WifiWorld, wifi_world
from tests.netns.worlds import wait_for

pytestmark = pytest.mark.lab

SSID = b"Caf\xc3\xa9 \x01"
KEY = "correct horse"


@pytest.fixture
def world() -> Iterator[WifiWorld]:
    with wifi_world() as made:
        yield made


@pytest.mark.parametrize("security", ["open", "wpa2", "wpa3", "transition"])
def test_a_phone_joins_and_reaches_the_internet(world: WifiWorld, security: str) -> None:
    key = None if security == "open" else KEY
    world.access_point("cafe", SSID, key, security=security)
    phone = world.phone()
    phone.join(SSID, key)
    assert phone.address().startswith("10.77.1.1")
    assert "1 received" in phone.run("ping", "-c1", "-W5", "1.1.1.1")


def test_a_network_that_hides_in_the_5_ghz_band_is_joined(world: WifiWorld) -> None:
    point = world.access_point("cafe", SSID, KEY, hidden=True, channel=36)
    phone = world.phone()
    phone.join(SSID, KEY)
    assert point.stations() == [phone.radio.mac]


def test_a_user_of_an_enterprise_network_joins_with_name_and_password(world: WifiWorld) -> None:
    world.access_point("office", b"Office", security="enterprise", users={"ann": "secret"})
    phone = world.phone()
    peap = {"eap": "PEAP", "phase2": '"auth=MSCHAPV2"'}
    user = {"identity": '"ann"', "password": '"secret"'}
    phone.join(b"Office", network={"key_mgmt": "WPA-EAP", **peap, **user})


def test_a_key_that_was_changed_is_refused(world: WifiWorld) -> None:
    point = world.access_point("cafe", SSID, KEY)
    phone = world.phone()
    phone.join(SSID, KEY)
    point.change(key="another horse")
    assert "reason=WRONG_KEY" in phone.wait_event("SSID-TEMP-DISABLED")


def test_an_access_point_can_fail_to_answer(world: WifiWorld) -> None:
    point = world.access_point("cafe", SSID, KEY)
    phone = world.phone()
    point.stop_answering()
    phone.try_to_join(SSID, KEY)
    wait_for(lambda: "Trying to authenticate" in phone.log(), 20)
    time.sleep(1.5)  # the kernel asks three times, 0.2 s apart
    assert "CTRL-EVENT-CONNECTED" not in phone.log()
    assert "Associated" not in phone.log()
    point.answer()
    phone.wait_event("CONNECTED")


def test_an_access_point_can_refuse_a_station(world: WifiWorld) -> None:
    point = world.access_point("cafe", SSID, KEY)
    phone = world.phone()
    point.reject(phone.radio.mac)
    phone.try_to_join(SSID, KEY)
    assert "status_code=" in phone.wait_event("AUTH-REJECT")
    point.accept(phone.radio.mac)
    phone.join(SSID, KEY)


def test_the_device_gets_an_address_by_dhcpcd(world: WifiWorld) -> None:
    world.access_point("cafe", SSID)
    device = world.device
    device.ip("link", "set", "wlan0", "up")
    device.run("iw", "dev", "wlan0", "connect", "-w", SSID.decode(), "2412")
    device.run("dhcpcd", "-4", "-1", "--noarp", "-t", "20", "wlan0")
    assert "1 received" in device.run("ping", "-c1", "-W5", "1.1.1.1")


def test_silence_ends_all_traffic_without_a_word_and_restore_brings_it_back(
    world: WifiWorld,
) -> None:
    point = world.access_point("cafe", SSID, KEY)
    phone = world.phone()
    phone.join(SSID, KEY)
    phone.address()
    point.silence()
    assert "0 received" in phone.run("ping", "-c1", "-W1", "1.1.1.1", check=False)
    # nobody sent the phone away: its own kernel notices that nothing is acknowledged
    assert "locally_generated=1" in phone.wait_event("DISCONNECTED")
    assert point.stations() == [phone.radio.mac]
    point.restore()
    wait_for(lambda: phone.log().count("CTRL-EVENT-CONNECTED") == 2, 30)
    assert "1 received" in phone.run("ping", "-c1", "-W5", "1.1.1.1")


def test_two_radios_are_parted_and_a_third_hears_both(world: WifiWorld) -> None:
    near = world.access_point("near", b"Near")
    world.access_point("far-off", b"Far", channel=6)
    near_phone, other = world.phone("first"), world.phone("second")
    world.air.cut(near_phone.radio, near.radio)
    other.join(b"Near")
    near_phone.join(b"Far")
    near_phone.try_to_join(b"Near")
    time.sleep(3)  # scans take less than one
    assert "Trying to associate" not in near_phone.log()


def test_a_radio_is_unplugged_and_comes_back_as_it_was(world: WifiWorld) -> None:
    mac = world.device.mac("wlan0")
    world.radio.pull_out()
    assert "wlan0" not in world.device.ip("-br", "link")
    world.radio.plug_in()
    assert world.device.mac("wlan0") == mac == world.radio.mac


def test_a_weak_signal_is_seen_as_weak(world: WifiWorld) -> None:
    point = world.access_point("cafe", SSID)
    world.device.ip("link", "set", "wlan0", "up")
    point.radio.signal(-83)

    def seen() -> str:
        return world.device.run("iw", "dev", "wlan0", "scan", "freq", "2412", check=False)

    assert "signal: -83.00 dBm" in wait_for(lambda: said if "BSS" in (said := seen()) else "")


def test_a_cable_beside_the_radio_leads_to_the_internet_too() -> None:
    with wifi_world(cable=True) as world:
        links = {link["ifname"] for link in json.loads(world.device.ip("-json", "link"))}
        assert links == {"lo", "wlan0", "eth0"}
        world.device.ip("link", "set", "eth0", "up")
        world.device.run("dhcpcd", "-4", "-1", "--noarp", "-t", "20", "eth0")
        assert "1 received" in world.device.run("ping", "-c1", "-W5", "1.1.1.1")


def test_the_medium_gives_each_pair_its_signal_and_its_range(world: WifiWorld) -> None:
    loud = world.access_point("loud", b"Loud")
    faint = world.access_point("faint", b"Faint")
    gone = world.access_point("gone", b"Gone")
    phone = world.phone()
    medium = world.medium()
    for point, signal in ((loud, -40), (faint, -88), (gone, None)):
        medium.set(point.radio.mac, phone.radio.mac, signal)
    phone.ip("link", "set", "wlan0", "up")

    def scan() -> dict[str, str]:
        said = phone.run("iw", "dev", "wlan0", "scan", "freq", "2412", check=False)
        lines = [line.strip().partition(": ")[::2] for line in said.splitlines()]
        signals = [value for name, value in lines if name == "signal"]
        return dict(zip((v for n, v in lines if n == "SSID"), signals, strict=True))

    seen = wait_for(lambda: found if len(found := scan()) >= 2 else None)
    assert seen == {"Loud": "-40.00 dBm", "Faint": "-88.00 dBm"}
    phone.join(b"Faint")
    assert phone.address()
    medium.set(faint.radio.mac, phone.radio.mac, None)
    assert "0 received" in phone.run("ping", "-c1", "-W1", "1.1.1.1", check=False)
