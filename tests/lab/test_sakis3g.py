"""conman with serial modems on the lab's device: the real pppd dials, and every fault has words."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.modems.world import ModemWorld, modem_world
from tests.netns.device import Daemon

pytestmark = pytest.mark.lab

SETTINGS = """\
[conman]
priority = ethernet, wwan, sakis3g

[conman:sakis3g]
dialer = pppd
apn = internet
"""
LONG = 60.0  #: seconds; emulation is slow
#: a program that behaves as sakis3g does, which is no part of the project
PROGRAM = {"PATH": f"{Path(__file__).parent / 'standins'}:{os.environ['PATH']}"}


class SerialDevice:
    """A device with a serial modem, and conman on it."""

    def __init__(self, world: ModemWorld) -> None:
        self.world = world
        self.device = world.device
        self.daemon: Daemon

    def run(
        self, more: str = "", settings: str = SETTINGS, env: dict[str, str] | None = None
    ) -> Daemon:
        self.daemon = self.device.run_conman(settings + more, env)
        return self.daemon

    def link(self, status: dict[str, Any]) -> dict[str, Any]:
        """The record of the modem's link, empty if there is none yet."""
        links = (link for link in status["links"] if link["name"].startswith("sakis3g:"))
        return next(links, {})

    def online(self, limit: float = LONG) -> dict[str, Any]:
        """Wait until the modem carries the traffic and that is verified; return its link."""
        return self.link(
            self.daemon.wait(
                lambda s: (s["uplink"] or "").startswith("sakis3g:") and s["state"] == "online",
                limit,
            )
        )

    def failed(self, reason: str, limit: float = LONG) -> str:
        """Wait until the link has failed for a reason; return the sentence."""
        status = self.daemon.wait(lambda s: self.link(s).get("reason") == reason, limit)
        return str(self.link(status)["sentence"])


@contextmanager
def serial(model: str = "e220", **settings: Any) -> Iterator[SerialDevice]:
    """Give a device that is removed whatever happens."""
    with modem_world(model, **settings) as world:
        yield SerialDevice(world)


def test_a_serial_modem_is_dialled_and_a_restarted_conman_dials_anew() -> None:
    with serial() as it:
        started = time.monotonic()
        it.run()
        link = it.online()
        print(f"started to online {time.monotonic() - started:.1f} s")
        assert link["interface"].startswith("ppp1")
        assert link["metered"]
        assert link["addresses"] == [f"{it.world.modem.calls()[0]['address']}/32"]
        assert sorted(link["dns"]) == ["8.8.8.8", "9.9.9.9"]
        assert list((it.device.folder / "run/conman/drivers/sakis3g").iterdir()) == []
        told = it.device.conman("probe", "--deep").stdout
        for words in ("Lab Mobile", "-65 dBm", "registered"):
            assert words in told, told
        it.daemon.stop()
        it.run()
        it.online()
        assert it.device.run("pgrep", "-xc", "pppd").strip() == "1"


@pytest.mark.long
def test_each_dial_that_fails_says_why_and_the_next_one_works() -> None:
    with serial(apns=["other"]) as it:
        modem = it.world.modem
        it.run()
        sentence = it.failed("WRONG_APN")
        assert "did not take the call (NO CARRIER) with internet" in sentence
        assert "set apn in [conman:sakis3g]" in sentence
        modem.change(apns=["internet"], dial="busy")
        assert "the network is busy (BUSY)" in it.failed("TIMEOUT")
        modem.dial = "fine"
        it.online()


@pytest.mark.long
def test_the_network_ends_the_call_with_and_without_a_word_of_the_port() -> None:
    with serial() as it:
        modem = it.world.modem
        it.run()
        it.online()
        dropped = modem.drop()
        it.daemon.wait(lambda s: s["state"] != "online", LONG)
        noticed = time.monotonic() - dropped
        it.online()
        print(f"dropped to noticed {noticed:.1f} s, to online {time.monotonic() - dropped:.1f} s")
        assert "the network ended the call" in it.daemon.log()
        modem.carrier_detect = False
        dropped = modem.drop()
        it.daemon.wait(lambda s: s["state"] != "online", LONG)
        noticed = time.monotonic() - dropped
        it.online()
        print(f"no carrier: noticed {noticed:.1f} s, online {time.monotonic() - dropped:.1f} s")


@pytest.mark.long
def test_a_silent_line_is_noticed_and_dialled_anew() -> None:
    with serial("acm", carrier_detect=False) as it:
        it.run()
        it.online()
        it.world.modem.data = "silent"
        began = time.monotonic()
        it.daemon.wait(lambda s: s["state"] != "online", LONG)
        print(f"silent to noticed {time.monotonic() - began:.1f} s")
        it.failed("TIMEOUT", 2 * LONG)
        it.world.modem.data = "fine"
        it.online()


@pytest.mark.long
def test_pulled_out_in_a_call_and_plugged_in_again() -> None:
    with serial() as it:
        it.run()
        it.online()
        pulled = it.world.modem.unplug()
        it.daemon.wait(lambda s: s["state"] == "offline", LONG)
        print(f"pulled to offline {time.monotonic() - pulled:.1f} s")
        plugged = it.world.modem.plug_in()
        it.online()
        print(f"plugged to online {time.monotonic() - plugged:.1f} s")


@pytest.mark.long
def test_a_modem_that_registers_slowly_is_waited_for() -> None:
    with serial(registration="slow") as it:
        started = time.monotonic()
        it.run()
        it.online(2 * LONG)
        assert time.monotonic() - started > 40
        assert "searching for a network" in it.daemon.log()


@pytest.mark.long
def test_a_modem_that_talks_rubbish_hangs_and_works_when_it_comes_to_its_senses() -> None:
    with serial(control="garbage") as it:
        it.run()
        assert "no port of the modem answers" in it.failed("WEDGED")
        it.world.modem.control = "fine"
        it.online(2 * LONG)


@pytest.mark.long
def test_a_modem_whose_firmware_hangs_is_brought_back_by_the_ladder() -> None:
    with serial() as it:
        it.run()
        it.online()
        hung = it.world.modem.hang()
        it.daemon.wait(lambda s: s["state"] != "online", LONG)
        noticed = time.monotonic() - hung
        it.online(200)
        print(f"hung to noticed {noticed:.1f} s, to back {time.monotonic() - hung:.1f} s")


@pytest.mark.long
def test_a_pin_is_tried_once_and_the_right_one_for_another_card_works() -> None:
    with serial(registration="home") as it:
        modem = it.world.modem
        modem.sim.pin = "9999"
        it.run("pin = 1234\n")
        assert "the SIM card refused the PIN" in it.failed("PIN_WRONG")
        it.daemon.stop()
        it.run("pin = 1234\n")
        it.failed("PIN_WRONG")
        assert modem.sim.retries == 2
        modem.sim.iccid = "8930012345678905678"
        modem.sim.retries = 3
        modem.sim.pin = "1234"
        it.online()
        assert "1234" not in it.daemon.log()


@pytest.mark.long
@pytest.mark.parametrize(
    ("card", "reason"),
    [({"present": False}, "NO_SIM"), ({"pin": "1", "retries": 0}, "PIN_WRONG")],
)
def test_a_card_that_is_missing_or_blocked_is_told(card: dict[str, Any], reason: str) -> None:
    with serial() as it:
        for name, value in card.items():
            setattr(it.world.modem.sim, name, value)
        it.run()
        it.failed(reason)


@pytest.mark.long
def test_abroad_nothing_is_dialled_unless_the_user_says_so() -> None:
    with serial(registration="roaming") as it:
        it.run()
        assert "write roaming = yes" in it.failed("MISCONFIGURED")
        assert it.world.modem.calls() == []
        it.daemon.stop()
        it.run("roaming = yes\n")
        it.online()


@pytest.mark.long
def test_an_operator_that_asks_who_it_is_gets_a_password_that_nobody_else_sees() -> None:
    who: dict[str, Any] = {"user": "me", "password": "s3cret"}
    with serial("acm", **who) as it:
        it.run("user = me\npassword = wrong\n")
        assert "correct user and password in [conman:sakis3g]" in it.failed("WRONG_KEY")
        it.daemon.stop()
        it.run("user = me\npassword = s3cret\n")
        it.online()
        everybody = it.device.run("sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null || true")
        assert "pppd" in everybody
        assert "s3cret" not in everybody
        assert "s3cret" not in it.daemon.log()


@pytest.mark.long
def test_a_modem_that_speaks_qmi_too_is_used_once() -> None:
    settings = SETTINGS + "\n[conman:wwan]\napn = internet\n"
    with serial("ec25") as it:
        it.run(settings=settings)
        refused = it.daemon.wait(lambda s: "is used as wwan:" in str(it.link(s)), LONG)
        assert it.link(refused)["role"] == "none"
        it.daemon.stop()
        it.run(settings=settings.replace("wwan, sakis3g", "sakis3g, wwan"))
        it.online()


@pytest.mark.long
def test_the_program_sakis3g_dials_and_no_other_pppd_is_touched() -> None:
    with serial() as it:
        it.run(settings=SETTINGS.replace("pppd", "sakis3g"), env=PROGRAM)
        link = it.online(2 * LONG)
        assert link["interface"].startswith("ppp1")
        assert sorted(link["dns"]) == ["8.8.8.8", "9.9.9.9"]
        dropped = it.world.modem.drop()
        it.daemon.wait(lambda s: s["state"] != "online", LONG)
        it.online(2 * LONG)
        print(f"dropped to online {time.monotonic() - dropped:.1f} s")
        it.world.modem.apns = ["other"]
        it.world.modem.drop()
        assert "sakis3g could not connect" in it.failed("TIMEOUT")  # as it has worked before
        folder = it.device.folder / "run/conman/drivers/sakis3g"
        assert not (folder / "forbidden").exists()
