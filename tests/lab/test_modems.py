"""The lab's modems against the real programs: qmicli, pppd, dhcpcd, usb_modeswitch, ModemManager.

What these programs take for a modem, and for what is wrong with one, drivers will, too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.modems import qmux
from tests.lab.modems.carrier import IPV6_ADDRESSES
from tests.lab.modems.modem import Modem
from tests.lab.modems.qmux import CTL, NAS, WDS, Message
from tests.lab.modems.world import ModemWorld, modem_world

pytestmark = [pytest.mark.lab, pytest.mark.long]
LIMIT = 20.0
CDROMEJECT = 0x5309  # linux/cdrom.h


def wait_for(condition: Callable[[], object], what: str, limit: float = LIMIT) -> float:
    """Wait until something is so; return when."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic()


def on(world: ModemWorld, *argv: str, limit: float = 15) -> subprocess.CompletedProcess[str]:
    """Run a program on the device; the exit code is the caller's to judge."""
    return subprocess.run(
        ["ip", "netns", "exec", world.device.name, "timeout", f"{limit:g}", *argv],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def pings(world: ModemWorld, address: str = "1.1.1.1", *options: str) -> bool:
    done = on(world, "ping", "-n", "-c", "1", "-W", "2", *options, address)
    return done.returncode == 0


class Qmicli:
    """The real program, on the device, through its proxy."""

    def __init__(self, world: ModemWorld, modem: Modem | None = None) -> None:
        self.world = world
        self.device = (modem or world.modem).control_device

    def __call__(self, *words: str, fails: bool = False, limit: float = 15) -> str:
        argv = ("qmicli", "-p", "-d", self.device, *words)
        done = on(self.world, *argv, limit=limit)
        assert bool(done.returncode) is fails, f"{words}: {done.returncode}\n{done.stdout}"
        return done.stdout


def test_qmicli_takes_it_for_a_modem_and_sees_what_is_wrong_with_card_and_network() -> None:
    with modem_world("ec25", internet=False) as world:
        modem, qmicli = world.modem, Qmicli(world)
        assert len(modem.terminals) == 4
        assert "IMEI: '860730100000001'" in qmicli("--dms-get-ids")
        assert "Mode: 'online'" in qmicli("--dms-get-operating-mode")
        assert "Link layer protocol: 'raw-ip'" in qmicli("--wda-get-data-format")
        assert "ICCID: '8930012345678901234'" in qmicli("--dms-uim-get-iccid")
        assert "RSRP: '-95 dBm'" in qmicli("--nas-get-signal-info")
        assert "MCC: '202'" in qmicli("--nas-get-home-network")

        for registration, words in (
            ("home", ("'registered'", "Roaming status: 'off'", "Description: 'Lab Mobile'")),
            ("roaming", ("'registered'", "Roaming status: 'on'", "MCC: '222'")),
            ("searching", ("'not-registered-searching'", "PS: 'detached'")),
            ("denied", ("'registration-denied'", "PS: 'detached'")),
        ):
            modem.registration = registration
            said = qmicli("--nas-get-serving-system")
            assert all(word in said for word in words), said
        said = qmicli("--nas-get-system-info")
        assert "Forbidden: 'yes'" in said
        assert "plmn-not-allowed" in said

        modem.sim.pin = "1234"
        said = qmicli("--uim-get-card-status")
        assert "'pin1-or-upin-pin-required'" in said
        assert "PIN1 retries: '3'" in said
        said = qmicli("--uim-verify-pin=PIN1,9999", fails=True)
        assert "IncorrectPin" in said
        assert modem.sim.retries == 2
        assert "Verify: 2" in qmicli("--dms-uim-get-pin-status")
        qmicli("--dms-uim-verify-pin=PIN,1234")
        assert "Application state: 'ready'" in qmicli("--uim-get-card-status")
        modem.sim.retries = 0
        assert "'puk1-or-upin-puk-required'" in qmicli("--uim-get-card-status")
        qmicli("--uim-unblock-pin=PIN1,12345678,4321")
        assert (modem.sim.pin, modem.state()["sim"]) == ("4321", "ready")
        modem.sim.present = False
        assert "Card state: 'absent'" in qmicli("--uim-get-card-status")


def test_a_control_channel_that_is_silent_or_mad_keeps_qmicli_waiting() -> None:
    with modem_world("ec25", internet=False) as world:
        modem, qmicli = world.modem, Qmicli(world)
        qmicli("--dms-set-operating-mode=low-power")
        assert modem.state()["mode"] == "low-power"
        assert "'not-registered'" in qmicli("--nas-get-serving-system")
        for how in ("silent", "garbage"):
            modem.control = how
            qmicli("--dms-get-ids", fails=True, limit=3)
        modem.control = "fine"
        qmicli("--dms-set-operating-mode=online")
        assert modem.state()["registration"] == "home"


class Follower:
    """A client of the proxy's that hears what happens to sessions, and to the registration."""

    def __init__(self, world: ModemWorld, control: str) -> None:
        self.socket = world.device.call(lambda: socket.socket(socket.AF_UNIX))
        world.device.call(lambda: self.socket.connect("\0qmi-proxy"))
        self.socket.settimeout(LIMIT)
        self._buffer = b""
        self.ask(CTL, 0, 0xFF00, {1: control.encode()})

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def client(self, service: int) -> int:
        return self.ask(CTL, 0, 0x0022, {1: bytes([service])}).u8(1, 1)

    def ask(self, service: int, client: int, number: int, tlvs: dict[int, bytes]) -> Message:
        """Ask, and return the answer."""
        self.socket.sendall(Message(service, client, 1, number, tlvs).pack())
        return self.next(number, qmux.RESPONSE)

    def next(self, number: int, kind: int = qmux.INDICATION) -> Message:
        """The next message of a number; others are passed over."""
        while True:
            while len(self._buffer) < 3 or len(self._buffer) <= self._length():
                self._buffer += self.socket.recv(4096)
            length = self._length() + 1
            said, self._buffer = qmux.unpack(self._buffer[:length]), self._buffer[length:]
            if (said.number, said.kind) == (number, kind):
                return said

    def _length(self) -> int:
        return int.from_bytes(self._buffer[1:3], "little")


def raw_ip(world: ModemWorld, interface: str) -> None:
    """Let the kernel send packets without frames."""
    script = f"echo Y >/sys/class/net/{interface}/qmi/raw_ip && ip link set {interface} up"
    done = on(world, "sh", "-c", script)
    assert not done.returncode, done.stdout


def start(qmicli: Qmicli, family: int = 4) -> tuple[str, str]:
    """Start a session; its handle and the client that has it."""
    said = qmicli(f"--wds-start-network=apn=internet,ip-type={family}", "--client-no-release-cid")
    handle = re.search(r"Packet data handle: '(\d+)'", said)
    client = re.search(r"CID: '(\d+)'", said)
    assert handle, said
    assert client, said
    return handle[1], client[1]


def address(qmicli: Qmicli, client: str) -> str:
    said = qmicli("--wds-get-current-settings", f"--client-cid={client}", "--client-no-release-cid")
    found = re.search(r"IPv4 address: ([\d.]+)", said)
    assert found, said
    for words in ("IPv4 primary DNS: 8.8.8.8", "MTU: 1500", "IPv4 gateway address: 10.64.1.1"):
        assert words in said
    return found[1]


def use(world: ModemWorld, interface: str, own: str) -> None:
    world.device.ip("address", "replace", f"{own}/32", "dev", interface)
    world.device.ip("route", "replace", "default", "dev", interface)


def test_a_session_in_raw_ip_carries_packets_until_the_network_or_somebody_ends_it() -> None:
    with contextlib.ExitStack() as stack:
        world = stack.enter_context(modem_world("ec25", ipv6=True))
        modem, qmicli = world.modem, Qmicli(world)
        raw_ip(world, modem.interface)
        said = qmicli("--wds-start-network=apn=wrong,ip-type=4", fails=True)
        assert "unknown-apn" in said, said
        _, client = start(qmicli)
        follower = stack.enter_context(Follower(world, modem.control_device))
        follower.client(WDS)
        nas = follower.client(NAS)
        follower.ask(NAS, nas, 0x0003, {0x13: b"\1"})
        own = address(qmicli, client)
        use(world, modem.interface, own)
        assert pings(world)
        assert pings(world, "8.8.8.8", "-s", "1400")
        world.device.ip("address", "add", "10.64.1.99/32", "dev", modem.interface)
        assert not pings(world, "1.1.1.1", "-I", "10.64.1.99")
        (call,) = modem.calls()
        assert call["tx"][0] == 2
        keep = (f"--client-cid={client}", "--client-no-release-cid")
        assert "TX packets OK: 2" in qmicli("--wds-get-packet-statistics", *keep)

        modem.data = "silent"
        assert not pings(world)
        assert "'connected'" in qmicli("--wds-get-packet-service-status", *keep)
        modem.data = "fine"
        assert pings(world)

        dropped = modem.drop((6, 38))
        said_ = follower.next(0x0022)
        assert time.monotonic() - dropped < 2
        assert said_.u8(1) == 1
        assert said_.tlvs[0x11] == struct.pack("<Hh", 6, 38)
        assert "'disconnected'" in qmicli("--wds-get-packet-service-status", *keep)
        assert not pings(world)
        modem.registration = "denied"
        assert follower.next(0x0024).u8(1) == 3
        modem.registration = "home"
        handle, client = start(qmicli, family=6)
        (call,) = modem.calls()
        world.device.ip("-6", "address", "add", call["address"], "dev", modem.interface, "nodad")
        world.device.ip("-6", "route", "add", "default", "dev", modem.interface)
        assert pings(world, IPV6_ADDRESSES[0])
        qmicli(f"--wds-stop-network={handle}", f"--client-cid={client}")
        assert modem.calls() == []


def test_pulled_out_in_a_call_everything_of_it_is_gone_and_comes_back() -> None:
    with modem_world("ec25", internet=False) as world:
        modem, qmicli = world.modem, Qmicli(world)
        modem.sim.pin = "1234"
        qmicli("--uim-verify-pin=PIN1,1234")
        start(qmicli)
        names = [modem.control_device, *modem.terminals]
        modem.unplug()
        assert not any(Path(name).exists() for name in names)
        assert modem.interface == ""
        modem.plug_in()
        assert (modem.calls(), modem.state()["sim"]) == ([], "pin")
        # firmware that hangs comes back when the host configures it anew
        modem.hang()
        qmicli("--dms-get-ids", fails=True, limit=3)
        authorized = Path(f"/sys/bus/usb/devices/{modem.where}/authorized")
        authorized.write_text("0")
        authorized.write_text("1")
        modem.wait_ready()
        Qmicli(world)("--dms-get-ids")
        # and a reset makes it leave the bus for a while
        Qmicli(world)("--dms-set-operating-mode=offline")
        Qmicli(world)("--dms-set-operating-mode=reset")
        wait_for(lambda: not modem.where, "it left the bus")
        modem.wait_ready()
        assert modem.state()["mode"] == "online"


def test_an_older_modem_with_frames_and_dhcp() -> None:
    with modem_world("e392") as world:
        modem, qmicli = world.modem, Qmicli(world)
        assert "InvalidServiceType" in qmicli("--uim-get-card-status", fails=True)
        assert "Status: disabled" in qmicli("--dms-uim-get-pin-status")
        _, client = start(qmicli)
        own = address(qmicli, client)
        interface = modem.interface
        world.device.ip("link", "set", interface, "up")
        said = world.device.run("dhcpcd", "-4", "-1", "-A", "--nodelay", "-t", "10", interface)
        assert f"leased {own}" in said or own in world.device.ip("address", "show", interface)
        assert pings(world)
        assert pings(world, "10.64.1.1")


CHAT = (
    "ABORT BUSY ABORT 'NO CARRIER' ABORT ERROR TIMEOUT 3 '' ATZ OK '{init}' OK 'ATD*99#' CONNECT ''"
)
LOST, DIAL_FAILED, NOT_WHO_IT_SAYS = 16, 8, 19  # exit codes of pppd


class Dial:
    """The real pppd with chat, on the device."""

    def __init__(self, world: ModemWorld, *options: str, apn: str = "internet") -> None:
        self.world = world
        self.name = f"pppd{time.monotonic_ns()}.log"
        chat = CHAT.format(init=f'AT+CGDCONT=1,"IP","{apn}"')
        script = world.bench.folder / "chat"
        script.write_text(chat)
        self.process = world.device.start(
            *("pppd", world.modem.at_port, "115200", "nodetach", "noauth", "crtscts", "modem"),
            *("noipdefault", "nodefaultroute", "noccp", "debug", "lcp-max-configure", "5"),
            *("connect", f"/usr/sbin/chat -v -f {script}", *options),
            log=self.name,
        )

    def log(self) -> str:
        return self.world.bench.log(self.name)

    def wait_up(self) -> str:
        """Wait for the address; return it."""
        found: list[str] = []

        def up() -> bool:
            assert self.process.poll() is None, f"{self.log()}\n{self.world.modem.log()}"
            found[:] = re.findall(r"^local +IP address ([\d.]+)", self.log(), re.MULTILINE)
            return bool(found)

        try:
            wait_for(up, "PPP is up")
        except AssertionError:
            pytest.fail(f"no address\n{self.log()}\n{self.world.modem.log()}")
        return found[-1]

    def wait_end(self, limit: float = LIMIT) -> int:
        """Wait for the end; return the exit code."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            pytest.fail(f"pppd goes on\n{self.log()}\n{self.world.modem.log()}")


def test_pppd_dials_and_each_end_of_a_call_shows() -> None:
    with modem_world("e220") as world:
        modem = world.modem
        call = Dial(world)
        own = call.wait_up()
        assert modem.calls()[0]["address"] == own
        world.device.ip("route", "replace", "default", "dev", "ppp0")
        assert pings(world)
        assert pings(world, "8.8.8.8", "-s", "1400")
        dropped = modem.drop()
        assert call.wait_end() == LOST
        assert time.monotonic() - dropped < 5
        modem.dial = "busy"
        assert Dial(world).wait_end() == DIAL_FAILED
        modem.dial = "fine"
        call = Dial(world)
        call.wait_up()
        modem.unplug()
        assert call.wait_end() == LOST


def test_a_serial_modem_that_says_little_and_asks_who_it_is() -> None:
    """A standard port; it tells nobody that the call has ended; the carrier wants a password."""
    who: dict[str, Any] = {"user": "me", "password": "it"}
    with modem_world("acm", carrier_detect=False, **who) as world:
        modem = world.modem
        assert modem.terminals == ["/dev/ttyACM0"]
        wrong = Dial(world, "user", "me", "password", "wrong")
        assert wrong.wait_end() == NOT_WHO_IT_SAYS
        echo = ("lcp-echo-interval", "1", "lcp-echo-failure", "2")
        call = Dial(world, *echo, "user", "me", "password", "it")
        call.wait_up()
        modem.data = "silent"
        assert call.wait_end() == LOST
        assert "No response to 2 echo-requests" in call.log()


def eject(disc: str) -> None:
    """What the program of that name does."""
    device = os.open(disc, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(device, CDROMEJECT)
    finally:
        os.close(device)


@contextlib.contextmanager
def udev(world: ModemWorld) -> Iterator[None]:
    """Run udev in the machine, with its rules."""
    world.bench.start(["/lib/systemd/systemd-udevd"], "udev.log")
    wait_for(lambda: Path("/run/udev/control").exists(), "udev listens")
    yield
    subprocess.run(["udevadm", "settle"], check=False, timeout=20)


def test_usb_modeswitch_makes_a_router_of_a_disc() -> None:
    with modem_world(None) as world, udev(world):
        started = time.monotonic()
        modem = world.add("hilink", cdrom=True)
        switched = wait_for(lambda: not modem.state()["disc"], "usb_modeswitch has switched it")
        modem.wait_ready()
        print(f"disc to switch {switched - started:.1f} s")
        interface = modem.interface
        assert interface == "eth0"
        assert world.device.mac(interface) == "0c:5b:8f:27:9a:64"
        world.device.ip("link", "set", interface, "up")
        world.device.run("dhcpcd", "-4", "-1", "-A", "--nodelay", "-t", "10", interface)
        assert "192.168.8.1" in world.device.ip("route", "show", "default")
        assert pings(world)
        assert "<ConnectionStatus>901<" in page(world, "/api/monitoring/status")
        assert "<Numeric>20201<" in page(world, "/api/net/current-plmn")
        modem.registration = "denied"
        assert not pings(world)
        assert pings(world, "192.168.8.1")
        assert "<ConnectionStatus>902<" in page(world, "/api/monitoring/status")


def page(world: ModemWorld, path: str) -> str:
    """Ask the dongle's pages, with a session."""

    def get(what: str, cookie: str) -> str:
        with socket.create_connection(("192.168.8.1", 80), 5) as asking:
            head = f"GET {what} HTTP/1.1\r\nHost: 192.168.8.1\r\nCookie: {cookie}\r\n\r\n"
            asking.sendall(head.encode())
            return b"".join(iter(lambda: asking.recv(65536), b"")).decode()

    def both() -> str:
        said = get("/api/webserver/SesTokInfo", "")
        return get(path, said.partition("<SesInfo>")[2].partition("<")[0])

    return world.device.call(both)


def test_a_router_that_speaks_rndis_and_a_disc_that_is_ejected() -> None:
    with modem_world("rndis") as world:
        interface = world.modem.interface
        driver = Path(f"/sys/bus/usb/devices/{world.modem.where}:1.0/driver").resolve()
        assert driver.name == "rndis_host"
        world.device.ip("link", "set", interface, "up")
        said = on(world, "busybox", "udhcpc", "-n", "-q", "-f", "-i", interface, "-s", "/bin/true")
        assert "lease of 192.168.8." in said.stdout, said.stdout
        other = world.add("e220", cdrom=True)
        assert other.terminals == []
        eject(other.disc)
        other.wait_ready()
        assert len(other.terminals) == 2


class Manager:
    """The real ModemManager, in the machine's own namespace, with D-Bus and udev."""

    def __init__(self, world: ModemWorld) -> None:
        self.world = world
        world.bench.start(["dbus-daemon", "--system", "--nofork", "--nopidfile"], "dbus.log")
        bus = Path("/run/dbus/system_bus_socket")
        wait_for(bus.exists, "D-Bus listens")
        world.bench.start(["ModemManager", "--debug"], "mm.log")
        wait_for(lambda: "modems" in self.ask("-L", check=False).lower(), "ModemManager answers")

    def ask(self, *words: str, check: bool = True) -> str:
        argv = ["mmcli", "--timeout=60", *words]
        done = subprocess.run(
            argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert not check or not done.returncode, f"{words}: {done.stdout}\n{self.log()[-3000:]}"
        return done.stdout

    def log(self) -> str:
        return self.world.bench.log("mm.log")


def test_modemmanager_takes_it_for_a_modem() -> None:
    with modem_world(None, move=False, internet=False) as world, udev(world):
        manager = Manager(world)
        started = time.monotonic()
        modem = world.add("ec25")
        wait_for(lambda: "Quectel" in manager.ask("-L", check=False), "it is exported", 60)
        print(f"exported after {time.monotonic() - started:.1f} s")
        said = manager.ask("-m", "any")
        assert "imei: 860730100000001" in said
        manager.ask("-m", "any", "--simple-connect=apn=internet")
        assert modem.calls()[0]["apn"] == "internet"
        modem.drop()
        wait_for(lambda: "state: registered" in plain(manager.ask("-m", "any")), "drop noticed")
        modem.sim.pin = "1234"
        wait_for(lambda: "lock: sim-pin" in plain(manager.ask("-m", "any")), "lock noticed")


def plain(text: str) -> str:
    """Without the colours and the padding of mmcli."""
    return re.sub(r" +", " ", re.sub(r"\x1b\[[0-9;]*m", "", text))
