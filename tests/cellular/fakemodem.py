"""A modem that speaks QMI without a kernel: qmicli's texts and qmi-proxy's socket in one process.

What is said in QMI is the lab's modem's (tests/lab/modems); qmicli's texts are in qmitexts.py.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conman_core.driver import LinkDriver
from conman_core.testing import FakeContext, Fault
from conman_core.testing.fakes import Call, FakeFinished
from conman_plugins.cellular.line import Line
from conman_plugins.cellular.ports import Ports
from conman_plugins.cellular.usb import Usb
from conman_plugins.cellular.wwanmachine import Machine
from tests.cellular.qmitexts import ANSWERS, declined
from tests.lab.modems import qmi_data, qmux, sim
from tests.lab.modems.loop import Loop
from tests.lab.modems.qmi import OK, Qmi
from tests.lab.modems.qmux import DMS, NAS, UIM, WDA, WDS, Message
from tests.lab.modems.state import Modem

MODERN, OLD = (WDS, DMS, NAS, UIM, WDA), (WDS, DMS, NAS)
_PROXY_OPEN = 0xFF00
_TOOLS = {Fault.TOOL_MISSING, Fault.TOOL_HANGS, Fault.TOOL_FAILS, Fault.TOOL_BABBLES}


class FakeModem:
    """The modem, its SIM card, and the machine that it is plugged into."""

    def __init__(
        self, folder: Path, *, services: tuple[int, ...] = MODERN, **settings: Any
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._card = folder / "card.json"
        self.insert()
        self._loop = Loop()
        self.modem = Modem(self._loop, 1, self._card, **settings)
        self.qmi = Qmi(self.modem, services, self._tell)
        self.qmi.raw_ip_only = self.qmi.raw_ip = WDA in services
        qmi_data.connect(self.qmi)
        self.modem.reboot = self.modem.power_on
        self.usb = FakeUsb(folder / "sys")
        self.questions: list[str] = []  #: what qmicli was asked, oldest first
        self.proxied: list[Message] = []  #: what came through the proxy
        self.dumb: set[str] = set()  #: questions that are declined as unknown
        self.locked = False
        self._ends: list[socket.socket] = []
        self._asking: socket.socket
        self._asked = 0

    def insert(self, **card: Any) -> None:
        """Put a card in."""
        sim.write(self._card, sim.remembered(sim.Sim(**card)))
        if hasattr(self, "modem"):
            self.modem.reload_card()

    @property
    def machine(self) -> Machine:
        """What the driver asks of the machine."""
        return Machine(
            Ports(Usb(self.usb.root)),
            self.open_line,
            lambda _, up: self.usb.switched.append(up),
            lambda _: None,
            self.usb.root / "providers.xml",
        )

    # -- qmi-proxy

    async def open_line(self, device: str) -> Line:
        """As qmi-proxy does."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._ends.append(theirs)
        asyncio.get_running_loop().add_reader(theirs, self._serve, theirs)
        reader, writer = await asyncio.open_connection(sock=ours)
        return Line(device, reader, writer)

    def break_lines(self) -> None:
        """End qmi-proxy."""
        for end in self._ends[:]:
            self._close(end)

    async def close(self) -> None:
        """Wait until nobody has a line any more."""
        while self._ends:
            await asyncio.sleep(0)

    def _serve(self, end: socket.socket) -> None:
        data = end.recv(65536)
        if not data:
            self._close(end)
        while data:
            size = int.from_bytes(data[1:3], "little") + 1
            frame, data = data[:size], data[size:]
            if self.modem.settings.control == "fine":
                self._take(end, frame)

    def _close(self, end: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(end)
        self._ends.remove(end)
        end.close()

    def _take(self, end: socket.socket, frame: bytes) -> None:
        request = qmux.unpack(frame)
        self.proxied.append(request)
        self._asking = end
        if (request.service, request.number) == (qmux.CTL, _PROXY_OPEN):
            self.qmi.answer(request, {qmux.RESULT: OK})
        else:
            self.qmi.receive(frame)
            self._loop.turn(0)

    def _tell(self, frame: bytes) -> None:
        indication = qmux.unpack(frame).kind == qmux.INDICATION
        for end in self._ends if indication else [self._asking]:
            end.send(frame)

    # -- qmicli

    def answer(self, argv: Sequence[str]) -> FakeFinished | None:
        """What qmicli prints; None if it hangs."""
        assert argv[:3] == ("qmicli", "--device-open-proxy", "--device=/dev/cdc-wdm0"), argv
        question, _, value = argv[3].removeprefix("--").partition("=")
        self.questions.append(question)
        control = self.modem.settings.control
        if control != "fine":
            return None if control == "silent" else FakeFinished(0, "\x07}{:\n", "")
        if question in self.dumb or self._lacks(question):
            return declined(31, "InvalidServiceType")
        said = ANSWERS[question](self, value, argv[4:])
        self._loop.turn(0)
        return said if isinstance(said, FakeFinished) else FakeFinished(0, said, "")

    def _lacks(self, question: str) -> bool:
        services = {"wda": WDA, "uim": UIM}
        return services.get(question.partition("-")[0], DMS) not in self.qmi.services

    def ask(self, service: int, number: int, tlvs: dict[int, bytes] | None = None) -> Message:
        """Ask the modem something, as qmicli does, with a client of its own."""
        frames: list[Message] = []
        send, self.qmi.send = self.qmi.send, lambda frame: frames.append(qmux.unpack(frame))
        client = self.qmi.allocate(service)
        try:
            self._asked = self._asked % 255 + 1
            request = Message(service, client.number, self._asked, number, tlvs or {})
            self.qmi.receive(request.pack())
        finally:
            self.qmi.release(service, client.number)
            self.qmi.send = send
        return next(frame for frame in frames if frame.kind == qmux.RESPONSE)


class FakeUsb:
    """sysfs with the modem's control port, and what is behind it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.switched: list[bool] = []  #: the interface set up or down
        self._numbers = itertools.count(5)
        self.plug_in()

    def plug_in(self, driver: str = "qmi_wwan", raw_ip: str = "N") -> None:
        """Have the kernel find it, at USB 1-1."""
        device = self.root / "devices/usb1/1-1"
        part = device / "1-1:1.4"
        for folder in ("usbmisc/cdc-wdm0", "net/wwan0/qmi"):
            (part / folder).mkdir(parents=True, exist_ok=True)
        (part / "net/wwan0/qmi/raw_ip").write_text(f"{raw_ip}\n")
        files = {"idVendor": "2c7c", "idProduct": "0125", "manufacturer": "Quectel"}
        files |= {"product": "EC25", "devnum": f"{next(self._numbers)}", "authorized": "1"}
        for name, text in files.items():
            (device / name).write_text(f"{text}\n")
        (part / "bInterfaceNumber").write_text("04\n")
        (part / "bInterfaceClass").write_text("ff\n")
        _link(part / "driver", self.root / f"bus/usb/drivers/{driver}")
        _link(self.root / "class/usbmisc/cdc-wdm0", part / "usbmisc/cdc-wdm0")
        _link(part / "usbmisc/cdc-wdm0/device", part)
        _link(self.root / "class/net/wwan0", part / "net/wwan0")
        _link(part / "net/wwan0/device", part)
        _link(self.root / "bus/usb/devices/1-1", device)

    @property
    def raw_ip(self) -> Path:
        """The file that says how the kernel frames packets."""
        return self.root / "class/net/wwan0/qmi/raw_ip"

    def unplug(self) -> None:
        """Have it gone."""
        for name in ("class/usbmisc/cdc-wdm0", "class/net/wwan0", "bus/usb/devices/1-1"):
            (self.root / name).unlink()


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


class ModemContext(FakeContext):
    """A context in which qmicli asks a `FakeModem`."""

    def __init__(
        self,
        driver: type[LinkDriver] | None,
        modem: FakeModem,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(driver, settings)
        self.modem = modem

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,
        stdin: str | None = None,
        secrets: Sequence[str] = (),
    ) -> FakeFinished:
        if self.fault in _TOOLS or argv[0] != "qmicli":
            return await super().run(argv, timeout=timeout, stdin=stdin, secrets=secrets)
        self.calls.append(Call(tuple(argv), stdin, tuple(secrets)))
        await asyncio.sleep(0)
        said = self.modem.answer(tuple(argv))
        if said is None:
            await self.clock.sleep(timeout)
            raise TimeoutError(f"qmicli did not end within {timeout:g} s")
        return said
