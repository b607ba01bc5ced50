"""Trials of dongles that are routers, and of serial modems, on the lab's emulated USB.

Emulation makes everything slow, so each is held to the bare tools in the same run.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from script.lib.bench.figures import Figure, Run, Trial
from tests.lab.modems.modem import Modem
from tests.lab.modems.world import ModemWorld, modem_world
from tests.netns.device import Daemon
from tests.netns.measure import dhcp_alone

LONG = 90.0
PLUGGED = "[conman]\npriority = hilink\n"
DIALLED = "[conman]\npriority = sakis3g\n\n[conman:sakis3g]\ndialer = pppd\napn = internet\n"
SETTINGS_OF_DISC = 'TargetVendor=0x12d1\nTargetProductList="14db,14dc"\nHuaweiNewMode=1\n'
PEER = """\
{port} 115200 nodetach noauth crtscts modem lock noipdefault nodefaultroute noccp usepeerdns
ip-up-script /bin/true ip-down-script /bin/true
connect "/usr/sbin/chat -f {chat}"
"""
CHAT = """\
ABORT BUSY ABORT 'NO CARRIER' ABORT ERROR TIMEOUT 20
'' ATZ OK 'AT+CGDCONT=1,"IP","internet"' OK 'ATD*99#' CONNECT ''
"""


def plugged(lab: Any, run: Run) -> dict[str, float]:
    """Plug a dongle in that is a CD-ROM first: the bare tools, then conman."""
    del lab, run
    with modem_world(None) as world:
        modem = world.add("hilink", cdrom=True)
        switched = _switch(world, modem)
        world.device.ip("link", "set", modem.interface, "up")
        address = dhcp_alone(world.device, modem.interface)
        modem.unplug()
        there = _plug(modem)
    with modem_world(None) as world:
        daemon = _start(world, PLUGGED)
        modem = world.add("hilink", cdrom=True, plugged_in=False)
        began = modem.plug_in(wait=False)
        _online(daemon)
        took = time.monotonic() - began
    # before there is a disc nobody can do anything
    tools = there + switched + address
    return {"over": took - tools, "conman": took, "tools": tools, "disc": there}


def dialled(lab: Any, run: Run) -> dict[str, float]:
    """Dial with `pppd call` by hand, then have conman do it."""
    del lab, run
    with modem_world("e220") as world:
        by_hand = _call(world)
        world.modem.unplug()
        daemon = _start(world, DIALLED)
        world.modem.plug_in()
        began = time.monotonic()
        _until(daemon, lambda link: link["addresses"])
        first = time.monotonic() - began
        world.modem.drop()
        _until(daemon, lambda link: not link["addresses"])
        world.modem.unplug()
        world.modem.plug_in()
        began = time.monotonic()
        _until(daemon, lambda link: link["addresses"])
        again = time.monotonic() - began
    return {"ratio": again / by_hand, "conman": again, "first": first, "tools": by_hand}


def _plug(modem: Modem) -> float:
    """Plug a disc in; return the seconds until the kernel has it."""
    began = modem.plug_in(wait=False)
    while not modem.disc:
        if time.monotonic() > began + LONG:
            raise AssertionError("there is no disc")
        time.sleep(0.01)
    return time.monotonic() - began


def _switch(world: ModemWorld, modem: Modem) -> float:
    """Switch a disc by hand; return the seconds until there is an interface."""
    file = world.bench.folder / "disc.conf"
    file.write_text(SETTINGS_OF_DISC)
    began = time.monotonic()
    argv = ("usb_modeswitch", "-v", "12d1", "-p", "1f01", "-c", str(file))
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=LONG)
    modem.wait_ready()
    return time.monotonic() - began


def _call(world: ModemWorld) -> float:
    """Dial by hand; return the seconds until there is an address."""
    chat = world.bench.folder / "by-hand.chat"
    chat.write_text(CHAT)
    peer = Path("/etc/ppp/peers/by-hand")
    peer.write_text(PEER.format(port=world.modem.at_port, chat=chat))
    began = time.monotonic()
    process = world.device.start("pppd", "call", "by-hand", log="by-hand.log")
    try:
        while not re.search(r"^local +IP address", world.bench.log("by-hand.log"), re.MULTILINE):
            if time.monotonic() > began + LONG or process.poll() is not None:
                raise AssertionError(f"no address: {world.bench.log('by-hand.log')}")
            time.sleep(0.01)
        return time.monotonic() - began
    finally:
        world.bench.stop(process)
        peer.unlink()


def _start(world: ModemWorld, settings: str) -> Daemon:
    daemon = world.device.run_conman(settings)
    daemon.wait(lambda status: all(each["state"] for each in status["drivers"]), LONG)
    return daemon


def _online(daemon: Daemon) -> None:
    daemon.wait(lambda status: status["state"] == "online", LONG)


def _until(daemon: Daemon, so: Callable[[dict[str, Any]], object]) -> None:
    daemon.wait(lambda status: any(so(link) for link in status["links"]), LONG)


TRIALS = {
    trial.name: trial
    for trial in (
        Trial(
            "hilink-plug",
            "a router dongle that is a CD-ROM first, from the plug to verified online",
            (
                Figure("over", "over usb_modeswitch and DHCP by themselves", "s", 1.0),
                Figure("conman", "conman", "s"),
                Figure("tools", "the kernel, usb_modeswitch and dhcpcd", "s"),
                Figure("disc", "of it the kernel, until there is a disc", "s"),
            ),
            plugged,
        ),
        Trial(
            "ppp-dial",
            "a serial modem is dialled, from the plug to its address",
            (
                Figure("ratio", "conman that knows the modem, to pppd call", "times", 1.2),
                Figure("conman", "conman that knows the modem", "s"),
                Figure("first", "conman, for the first time", "s"),
                Figure("tools", "pppd call by hand", "s"),
            ),
            dialled,
        ),
    )
}
