"""The QMI side of a modem: its clients, and whom a message is for. What services say is besides."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab.modems import qmux
from tests.lab.modems.qmux import CTL, INDICATION, RESPONSE, RESULT, Message, QmiError, Tlvs
from tests.lab.modems.state import Modem

MOST_CLIENTS = 16  # of a service; real modems have so few, and clients that are left behind stay
OK = struct.pack("<HH", 0, 0)


@dataclass
class Client:
    """Somebody whom a service knows by a number."""

    service: int
    number: int
    family: int = 4  #: of its session (WDS)
    handle: int = 0  #: of the session it has started
    events: set[int] = field(default_factory=set)  #: what it has registered for


Handler = Callable[["Qmi", Client, Message], Tlvs]
HANDLERS: dict[tuple[int, int], Handler] = {}


def handles(service: int, number: int) -> Callable[[Handler], Handler]:
    """Make a function the answer to a message."""

    def register(handler: Handler) -> Handler:
        HANDLERS[service, number] = handler
        return handler

    return register


class Qmi:
    """The services of a modem. `send` gets the frames for the host."""

    def __init__(self, modem: Modem, services: tuple[int, ...], send: Callable[[bytes], object]):
        self.modem = modem
        self.services = services
        self.clients: dict[tuple[int, int], Client] = {}
        self.released: list[Callable[[Client], object]] = []
        self.raw_ip = True  #: what the host was told of the data
        self.raw_ip_only = True
        self.model = ("Lab", "Modem", "1.0")
        self.send = send
        self._last: dict[int, int] = {}
        self._handle = 0

    def receive(self, frame: bytes) -> None:
        """Take a frame of the host's; what is no frame gets no answer."""
        try:
            request = qmux.unpack(frame)
        except ValueError:
            return
        client = Client(CTL, 0)
        try:
            if request.service != CTL:
                client = self._client(request)
            handler = HANDLERS.get((request.service, request.number))
            if handler is None:
                raise QmiError(qmux.INVALID_COMMAND)
            tlvs = {RESULT: OK} | handler(self, client, request)
        except QmiError as error:
            tlvs = {RESULT: struct.pack("<HH", 1, error.code)} | error.tlvs
        self.answer(request, tlvs)

    def answer(self, request: Message, tlvs: Tlvs) -> None:
        """Answer a request."""
        head = request.service, request.client, request.transaction, request.number
        self.send(Message(*head, tlvs, RESPONSE).pack())

    def indicate(self, client: Client, number: int, tlvs: Tlvs) -> None:
        """Tell a client something it has not asked."""
        self.send(Message(client.service, client.number, 0, number, tlvs, INDICATION).pack())

    def of(self, service: int) -> list[Client]:
        """The clients of a service."""
        return [client for client in self.clients.values() if client.service == service]

    def next_handle(self) -> int:
        """A number for a session."""
        self._handle += 1
        return 0x8700_0000 + self._handle

    def reset(self) -> None:
        """Let everybody go, as when the cable is pulled."""
        for service, number in list(self.clients):
            self.release(service, number)

    def _client(self, request: Message) -> Client:
        found = self.clients.get((request.service, request.client))
        if not found:
            raise QmiError(qmux.INVALID_CLIENT)
        return found

    def allocate(self, service: int) -> Client:
        """Take somebody on. Raises QmiError."""
        if service not in self.services:
            raise QmiError(qmux.INVALID_SERVICE)
        if len(self.of(service)) >= MOST_CLIENTS:
            raise QmiError(qmux.EXHAUSTED)
        number = self._last.get(service, 0)
        while not number or (service, number) in self.clients:
            number = number % 254 + 1
        self._last[service] = number
        client = self.clients[service, number] = Client(service, number)
        return client

    def release(self, service: int, number: int) -> None:
        """Let somebody go, with all it had. Raises QmiError."""
        client = self.clients.pop((service, number), None)
        if not client:
            raise QmiError(qmux.INVALID_CLIENT)
        for action in self.released:
            action(client)


@handles(CTL, 0x0020)
def set_instance_id(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: struct.pack("<H", request.u8(0x01))}


@handles(CTL, 0x0021)
def get_version_info(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    versions = [struct.pack("<BHH", service, 1, 25) for service in (CTL, *qmi.services)]
    return {0x01: bytes([len(versions)]) + b"".join(versions)}


@handles(CTL, 0x0022)
def allocate_client(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    made = qmi.allocate(request.u8(0x01))
    return {0x01: bytes([made.service, made.number])}


@handles(CTL, 0x0023)
def release_client(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    service, number = request.u8(0x01), request.u8(0x01, 1)
    qmi.release(service, number)
    return {0x01: bytes([service, number])}


@handles(CTL, 0x0026)
def set_data_format(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """How data of old modems is agreed on: 1 is 802.3, 2 is raw-ip."""
    wanted = request.u16(0x10) if 0x10 in request.tlvs else 1
    qmi.raw_ip = qmi.raw_ip_only or wanted == 2
    return {0x10: struct.pack("<H", 2 if qmi.raw_ip else 1)}


@handles(CTL, 0x0027)
def sync(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Forget every client, as when the host has just started."""
    qmi.reset()
    return {}
