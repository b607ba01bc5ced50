"""A serial modem in memory: what it answers to AT commands, and a pppd that it connects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conman_core import ConnectError, Link, Reason, Unavailable
from conman_core.testing import FakeContext, FakeRunning, run
from conman_plugins.cellular.at import Reply
from conman_plugins.cellular.modeswitch import Plugged, Switcher
from conman_plugins.cellular.sakis3g import Sakis3gDriver
from conman_plugins.cellular.usb import UsbDevice
from tests.cellular.usbtree import UsbTree, e220

ICCID, IMSI = "8930012345678901234", "202011234567890"
UP = (
    "Using interface ppp10",
    "Connect: ppp10 <--> /dev/ttyUSB0",
    "local  IP address 10.64.1.2",
    "remote IP address 10.64.1.1",
    "primary   DNS address 8.8.8.8",
    "secondary DNS address 9.9.9.9",
    "Script /bin/true started (pid 99)",
)


@dataclass
class FakeModem:
    """A healthy one; a test changes what it likes. `said` are the commands that it got."""

    card: str = "READY"
    pin: str = ""
    left: int | None = 3
    registration: int = 1  #: as in +CREG; 3 is denied, 5 abroad
    silent: frozenset[str] = frozenset()  #: ports that say nothing
    answers: dict[str, Reply] = field(default_factory=dict)
    apns: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: what pppd prints, by APN
    said: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    apn: str = ""

    async def open(self, path: str) -> FakePort:
        self.opened.append(path)
        return FakePort(self, path)

    def answer(self, command: str) -> Reply:
        self.said.append(command)
        if command in self.answers:
            return self.answers[command]
        if command.startswith("AT+CPIN="):
            return self._enter(command.partition("=")[2].strip('"'))
        if command.startswith("AT+CGDCONT=1,"):
            self.apn = command.rpartition(",")[2].strip('"')
            return ok()
        known = {
            "AT+CPIN?": self._card(),
            "AT+CPINR": ok(f"+CPINR: SIM PIN,{self.left},3") if self.left is not None else bad(),
            "AT+CCID": ok(f"+CCID: {ICCID}"),
            "AT+CIMI": ok(IMSI),
            "AT+CREG?": ok(f"+CREG: 1,{self.registration}"),
            "AT+CGREG?": ok(f"+CGREG: 1,{self.registration}"),
            "AT+CSQ": ok("+CSQ: 24,99"),
            "AT+COPS?": ok('+COPS: 0,0,"Lab Mobile",2'),
        }
        if command in known:
            return known[command]
        healthy = ("ATE0", "AT+CMEE=1", "AT+CFUN=", "AT+CREG=1", "AT+CGREG=1")
        return ok() if command.startswith(healthy) else bad()

    def _card(self) -> Reply:
        return Reply((), "+CME ERROR: 10") if self.card == "none" else ok(f"+CPIN: {self.card}")

    def _enter(self, pin: str) -> Reply:
        if pin != self.pin:
            self.left = (self.left or 1) - 1
            return Reply((), "+CME ERROR: 16")
        self.card, self.left = "READY", 3
        return ok()


class FakePort:
    """One of the modem's ports."""

    open_now = 0  #: of all modems

    def __init__(self, modem: FakeModem, path: str) -> None:
        self.heard: list[Callable[[str], None]] = []
        self._modem, self._path = modem, path
        self._open = True
        type(self).open_now += 1

    async def ask(self, command: str, limit: float = 5.0, *, shown: str = "") -> Reply:
        del limit
        assert self._open, "asked after it was closed"
        assert "PIN=" not in command.replace("CPIN=", "PIN=") or shown, "a secret may be logged"
        if self._path.rpartition("/")[2] in self._modem.silent:
            raise ConnectError(Reason.WEDGED, f"{self._path} said nothing")
        return self._modem.answer(command)

    def close(self) -> None:
        type(self).open_now -= self._open
        self._open = False


def ok(*lines: str) -> Reply:
    return Reply(lines, "OK")


def bad() -> Reply:
    return Reply((), "ERROR")


class Desk:
    """A driver on a machine in a folder, with one modem if not said otherwise."""

    def __init__(self, root: Path, modems: Callable[[UsbTree], None] = e220, **more: str) -> None:
        self.root = root
        self.tree = UsbTree(root / "sys")
        modems(self.tree)
        self.modem = FakeModem()
        self.conf = root / "sakis3g.conf"
        settings = {"dialer": "pppd", "apn": "internet"} | {
            key.replace("_", "-"): value for key, value in more.items()
        }
        self.context = FakeContext(Sakis3gDriver, settings)
        self.context.programs["pppd"] = self.pppd
        self.options = ""  #: that pppd was given last
        self.script = ""  #: that chat was given last
        self.busy = False  #: ModemManager has the modem
        self.driver = self.make()

    def make(self) -> Sakis3gDriver:
        """Return a driver, as after a restart."""
        switcher = Switcher(self.context, self.tree.usb, root=self.root, plugged=Plugged())
        return Sakis3gDriver(
            self.context,
            self.tree.usb,
            switcher,
            opener=self.modem.open,
            conf=self.conf,
            in_use=self.must_be_free,
        )

    def must_be_free(self, device: UsbDevice) -> None:
        if self.busy:
            raise ConnectError(Reason.BUSY, f"ModemManager has {device.name}")

    def pppd(self, program: FakeRunning) -> None:
        """Dial: print what the APN leads to, and end if that is no call."""
        file = Path(program.argv[-1])
        self.options = file.read_text()
        script = self.options.partition(" -f ")[2].partition('"')[0]
        self.script = Path(script).read_text()
        assert file.stat().st_mode & 0o777 == 0o600
        lines = self.modem.apns.get(self.modem.apn, UP)
        for line in lines:
            program.say(line)
        if lines is not UP:
            program.end(8)


def link_of(desk: Desk) -> Link:
    (link,) = links_of(desk)
    return link


def links_of(desk: Desk) -> list[Link]:
    found = desk.driver.probe()
    assert not isinstance(found, Unavailable), found
    return list(found)


def failure(desk: Desk) -> ConnectError:
    """What comes of a try to connect, with nothing left behind."""
    before = FakePort.open_now
    with pytest.raises(ConnectError) as raised:
        run(desk.driver.connect(link_of(desk)))
    assert FakePort.open_now == before
    assert not any(program.running for program in desk.context.started)
    return raised.value
