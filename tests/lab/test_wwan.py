"""conman and a modem that speaks QMI: the kernel's qmi_wwan, the real qmicli and qmi-proxy."""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.lab.modem_device import LONG, ModemDevice, modem_device, settings
from tests.lab.modems.carrier import IPV6_ADDRESSES
from tests.lab.test_modems import pings

pytestmark = pytest.mark.lab
SLOW = 150.0  #: seconds: several tries of the core's


def busy(it: ModemDevice) -> list[str]:
    """The command lines of all programs that run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has just ended
    return found


BY_HAND = """
set -e
ask() { qmicli -p -d /dev/cdc-wdm0 "$@"; }
ask --dms-get-operating-mode
ask --uim-get-card-status
ask --nas-get-serving-system
ask --wda-get-data-format
ip link set wwan0 down
echo Y >/sys/class/net/wwan0/qmi/raw_ip
ip link set wwan0 up
said=$(ask --wds-start-network=apn=internet,ip-type=4 --client-no-release-cid)
cid=$(echo "$said" | sed -n "s/.*CID: '\\(.*\\)'/\\1/p")
said=$(ask --wds-get-current-settings --client-cid=$cid --client-no-release-cid)
ip address add "$(echo "$said" | sed -n 's/.*IPv4 address: //p')/32" dev wwan0
ip route add default dev wwan0
ping -n -c 1 -W 2 1.1.1.1
"""


def last_moment(log: str, pattern: str) -> datetime:
    """When conman logged a line that is so, the last time."""
    lines = [line for line in log.splitlines() if re.search(pattern, line)]
    return datetime.fromisoformat(lines[-1][:23])


@pytest.mark.long
def test_it_is_as_quick_as_the_same_commands_by_hand() -> None:
    """The better of two each, as others use the machine, too."""
    with modem_device("ec25") as it:
        by_hand, conman = [], []
        for _ in range(2):
            begun = time.monotonic()
            it.device.run("sh", "-c", BY_HAND)
            by_hand.append(time.monotonic() - begun)
            it.modem.unplug()
            it.modem.plug_in()
        for _ in range(2):
            daemon = it.run(settings(apn="internet"))
            it.online()
            began = last_moment(daemon.log(), "cdc-wdm0 is connecting$")
            online = last_moment(daemon.log(), "is connected, online")
            conman.append((online - began).total_seconds())
            daemon.stop()
            it.modem.unplug()
            it.modem.plug_in()
        print(f"by hand {by_hand}, conman {conman}: {min(conman) / min(by_hand):.2f}")
        assert min(conman) <= 1.3 * min(by_hand)


@pytest.mark.long
def test_a_modem_gets_the_device_online_and_back_within_5_s_when_the_network_drops_it() -> None:
    with modem_device("ec25") as it:
        it.run(settings(apn="internet"))
        link = it.online()
        (call,) = it.modem.calls()
        assert link["addresses"] == [f"{call['address']}/32"]
        assert link["dns"] == ["8.8.8.8", "9.9.9.9"]
        assert link["metered"]
        assert pings(it.world)
        details = it.details("operator", "IMEI")
        assert details["operator"] == "Lab Mobile"
        assert details["technology"] == "lte"
        assert details["IMEI"] == "860730100000001"
        assert details["signal"] == "-65 dBm"
        dropped = it.modem.drop()
        it.daemon.wait(lambda s: it.link(s, "wwan:cdc-wdm0")["addresses"] != link["addresses"], 10)
        it.online()
        print(f"dropped to online {time.monotonic() - dropped:.1f} s")
        assert time.monotonic() - dropped < 5
        assert "the network has ended the session of wwan0" in it.daemon.log()
        assert len(it.modem.calls()) == 1


def test_a_restart_goes_on_with_the_session_and_a_crash_of_the_proxy_ends_nothing() -> None:
    with modem_device("ec25") as it:
        daemon = it.run(settings(apn="internet"))
        it.online()
        (before,) = it.modem.calls()
        ping = it.device.start("ping", "-n", "-i", "0.2", "1.1.1.1", log="ping.log")
        daemon.kill()
        it.run(settings(apn="internet"))
        it.wait_log("the session of before goes on")
        it.online()
        (after,) = it.modem.calls()
        assert after["address"] == before["address"]
        it.end_proxy()
        it.wait_log("qmi-proxy ended and was started anew")
        (after,) = it.modem.calls()
        assert after["address"] == before["address"]
        dropped = it.modem.drop()
        it.wait_log("the network has ended the session")
        assert time.monotonic() - dropped < 2
        it.world.bench.stop(ping)
        it.online()
        # other settings: the session of before is not what is wanted now
        it.daemon.stop()
        it.run(settings(apn="internet", ip_type="4", user="me", password='q"u,o'))
        it.online()
        assert len(it.modem.calls()) == 1
        assert it.modem.calls()[0]["address"] != after["address"]
        assert not any('q"u,o' in line for line in [it.daemon.log(), *busy(it)])


@pytest.mark.long
def test_why_the_network_does_not_take_the_modem() -> None:
    with modem_device("ec25", registration="denied") as it:
        it.run(settings(apn="internet"))
        sentence = it.failed("REJECTED")
        assert "the network refuses the SIM card (plmn not allowed)" in sentence
        it.modem.registration = "roaming"
        sentence = it.failed("MISCONFIGURED", limit=SLOW)
        assert "abroad in Lab Mobile" in sentence
        assert "roaming = yes in [conman:wwan]" in sentence
        assert it.modem.calls() == []
        it.daemon.stop()
        it.run(settings(apn="internet", roaming="yes"))
        it.online()
        assert it.details("roaming")["roaming"] == "yes"
        it.modem.registration = "searching"
        it.daemon.wait(lambda s: s["uplink"] is None, 20)
        it.modem.registration = "home"
        it.online(limit=SLOW)


@pytest.mark.long
def test_a_network_that_takes_44_s_to_take_the_modem() -> None:
    with modem_device("ec25", registration="slow", registers_after=44.0) as it:
        started = time.monotonic()
        it.run(settings(apn="internet"))
        it.wait_log("connecting: searching for a network")
        it.online(limit=90)
        print(f"online after {time.monotonic() - started:.1f} s")
        assert it.daemon.log().count("connecting: dialling") == 1


@pytest.mark.long
def test_a_wrong_apn_has_its_cause_and_auto_finds_the_right_one() -> None:
    with modem_device("ec25", home="26201", apns=["internet.telekom"]) as it:
        it.run(settings(apn="wrong"))
        assert "the operator refuses APN wrong (unknown APN)" in it.failed("WRONG_APN")
        it.daemon.stop()
        it.run(settings(apn="auto"))
        it.online()
        assert it.modem.calls()[0]["apn"] == "internet.telekom"
        it.modem.change(user="me", password="it")
        it.modem.drop()
        assert it.failed("WRONG_APN", limit=SLOW)
        it.daemon.stop()
        it.run(settings(apn="internet.telekom", user="me", password="that"))
        assert "refuses user and password" in it.failed("WRONG_KEY")
        it.daemon.stop()
        it.run(settings(apn="internet.telekom", user="me", password="it"))
        it.online()


def test_a_card_that_is_missing_or_wants_its_pin() -> None:
    with modem_device("ec25") as it:
        it.modem.sim.present = False
        it.run(settings(apn="internet"))
        assert "insert" in it.failed("NO_SIM")
        it.modem.sim.pin = "47110815"
        it.modem.sim.present = True
        it.device.conman("rescan")
        assert "3 tries left" in it.failed("PIN_REQUIRED")
        it.daemon.stop()
        it.run(settings(apn="internet", pin="11112222"))
        assert "the SIM card refused the PIN" in it.failed("PIN_WRONG")
        assert it.modem.sim.retries == 2
        for _ in range(2):  # no start spends another one
            it.daemon.stop()
            it.run(settings(apn="internet", pin="11112222"))
            assert "which conman leaves to you" in it.failed("PIN_WRONG")
        assert it.modem.sim.retries == 2
        it.modem.sim.retries = 3  # somebody has used a phone
        it.daemon.stop()
        it.run(settings(apn="internet", pin="47110815"))
        it.online()
        log = it.daemon.log() + "".join(busy(it))
        assert "47110815" not in log
        assert "11112222" not in log
        it.modem.unplug()
        it.modem.plug_in()
        it.online(limit=SLOW)
        it.modem.sim.retries = 0
        it.modem.unplug()
        it.modem.plug_in()
        assert "PUK" in it.failed("PIN_WRONG", limit=SLOW)


@pytest.mark.long
def test_pulled_out_in_a_call_and_put_in_again() -> None:
    with modem_device("ec25") as it:
        it.run(settings(apn="internet"))
        it.online()
        pulled = it.modem.unplug()
        it.daemon.wait(lambda s: it.link(s, "wwan:cdc-wdm0")["state"] == "absent", 10)
        print(f"pulled out: noticed in {time.monotonic() - pulled:.1f} s")
        put_in = it.modem.plug_in()
        it.online()
        print(f"put in to online {time.monotonic() - put_in:.1f} s")


@pytest.mark.long
def test_a_modem_that_does_not_answer_is_brought_back() -> None:
    with modem_device("ec25") as it:
        it.modem.hang()
        hung = time.monotonic()
        it.run(settings(apn="internet"))
        assert "does not answer" in it.failed("WEDGED")
        it.online(limit=SLOW)
        print(f"hung to online {time.monotonic() - hung:.1f} s")
        assert time.monotonic() - hung < 90


@pytest.mark.long
def test_rubbish_on_the_control_channel_breaks_nothing() -> None:
    with modem_device("ec25", control="garbage") as it:
        it.run(settings(apn="internet"))
        assert "cdc-wdm0" in it.failed("WEDGED")
        it.modem.control = "fine"
        it.online(limit=SLOW)
        it.modem.control = "garbage"
        it.device.conman("probe", "--deep")
        assert pings(it.world)
        it.modem.control = "fine"
        it.modem.drop()
        it.online()


@pytest.mark.long
def test_a_data_path_that_is_silent_is_noticed_and_mended() -> None:
    with modem_device("ec25") as it:
        it.run(settings(apn="internet"))
        it.online()
        it.device.start("ping", "-n", "-i", "0.5", "1.1.1.1", log="ping.log")
        it.modem.data = "silent"
        silent = time.monotonic()
        it.daemon.wait(lambda s: it.link(s, "wwan:cdc-wdm0")["verdict"] != "online", 60)
        print(f"silence noticed after {time.monotonic() - silent:.1f} s")
        assert time.monotonic() - silent < 15
        it.modem.data = "fine"
        it.online(limit=LONG)


@pytest.mark.long
def test_an_old_modem_with_ethernet_frames_and_a_pin() -> None:
    with modem_device("e392") as it:
        it.modem.sim.pin = "1234"
        it.run(settings(apn="internet", pin="1234"))
        link = it.online()
        assert link["addresses"] == [f"{it.modem.calls()[0]['address']}/24"]
        assert link["gateway"] == "10.64.1.1"
        assert pings(it.world)


@pytest.mark.long
def test_ipv6_beside_ipv4() -> None:
    with modem_device("ec25", ipv6=True) as it:
        it.run(settings(apn="internet", ip_type="4v6"))
        link = it.online()
        assert len(link["addresses"]) == 2
        assert pings(it.world)
        assert pings(it.world, IPV6_ADDRESSES[0])
