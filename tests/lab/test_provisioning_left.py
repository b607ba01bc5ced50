"""What real radios say of phones that are there, and what a killed access point leaves."""

from __future__ import annotations

import time

import pytest

from tests.lab.test_provisioning import AP, AP_KEY, ASKS, Provisioning, it

__all__ = ["it"]
pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(240)]


def ends(it: Provisioning) -> str:
    return str(it.daemon.status()["provisioning"]["ends"])


def test_a_person_at_the_page_is_known_by_the_frames_of_the_phone(it: Provisioning) -> None:
    it.run(ASKS)
    it.asking()
    it.person.joins(AP, AP_KEY)
    joined = ends(it)
    time.sleep(2.0)  # so that the end has another time, were it put off
    it.person.reads("Connect")
    deadline = time.monotonic() + 20
    while ends(it) <= joined:
        assert time.monotonic() < deadline, "the page's word was not believed"
        time.sleep(0.2)


def test_other_settings_open_it_again_at_once(it: Provisioning) -> None:
    it.run(ASKS)
    it.asking()
    other = ASKS.replace("[conman:accesspoint]\n", "[conman:accesspoint]\nssid = Other\n")
    (it.device.folder / "run/setup.cfg").write_text(other)
    assert it.device.conman("rescan", limit=60).returncode == 0
    it.daemon.wait(lambda s: (s["provisioning"] or {}).get("ssid") == "Other", 30)
    it.person.joins(b"Other", AP_KEY)


def test_release_takes_a_killed_access_point_down(it: Provisioning) -> None:
    it.run(ASKS)
    it.asking()
    assert "type AP" in it.device.run("iw", "dev")
    it.daemon.kill()
    assert "conman_accesspoint" in it.device.run("nft", "list", "tables")
    done = it.device.conman("release", limit=60)
    assert "removed the access point that was left on" in done.stdout, done.stderr
    assert "ended hostapd" in done.stdout
    assert "type AP" not in it.device.run("iw", "dev")
    assert "conman_accesspoint" not in it.device.run("nft", "list", "tables")
    assert "10.0.0.1" not in it.device.ip("addr")
