"""What a USB device says of itself (USB 2.0, chapter 9), as data."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

DEVICE, CONFIGURATION, STRING = 1, 2, 3
BULK, INTERRUPT = 2, 3
IN = 0x80
PACKET = 512  # bytes, of a bulk endpoint at high speed
LANGUAGE = 0x0409  # of the strings
CS_INTERFACE = 0x24  # class-specific descriptors of communication devices (CDC 1.2)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One direction of data; `address` has bit 7 set when it leads to the host."""

    address: int
    kind: int = BULK

    def pack(self) -> bytes:
        size, interval = (PACKET, 0) if self.kind == BULK else (64, 5)
        return struct.pack("<BBBBHB", 7, 5, self.address, self.kind, size, interval)


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `extra` are its class-specific descriptors."""

    number: int
    kind: tuple[int, int, int]  #: class, subclass, protocol
    endpoints: tuple[Endpoint, ...]
    extra: bytes = b""
    name: str = ""
    alternate: int = 0

    def pack(self, strings: Strings) -> bytes:
        head = struct.pack(
            "<BBBBBBBBB",
            *(9, 4, self.number, self.alternate, len(self.endpoints), *self.kind),
            strings.index(self.name),
        )
        return head + self.extra + b"".join(endpoint.pack() for endpoint in self.endpoints)


@dataclass
class Strings:
    """The texts of a device, found by their number."""

    texts: list[str] = field(default_factory=list)

    def index(self, text: str) -> int:
        """The number of a text; 0 for none."""
        if not text:
            return 0
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def pack(self, index: int) -> bytes | None:
        """A string descriptor; that of 0 is the list of languages."""
        if index == 0:
            return struct.pack("<BBH", 4, STRING, LANGUAGE)
        if index > len(self.texts):
            return None
        body = self.texts[index - 1].encode("utf-16-le")
        return struct.pack("<BB", 2 + len(body), STRING) + body


@dataclass
class Description:
    """Everything that the host asks a device about itself."""

    vendor: int
    product: int
    interfaces: tuple[Interface, ...]
    maker: str
    model: str
    serial: str
    kind: tuple[int, int, int] = (0, 0, 0)
    strings: Strings = field(default_factory=Strings)

    def get(self, kind: int, index: int) -> bytes | None:
        """The descriptor of a kind, None if there is none (a stall on the bus)."""
        if kind == DEVICE:
            return self.device()
        if kind == CONFIGURATION and index == 0:
            return self.configuration()
        if kind == STRING:
            return self.strings.pack(index)
        return None

    def device(self) -> bytes:
        names = (self.strings.index(text) for text in (self.maker, self.model, self.serial))
        return struct.pack(
            "<BBHBBBBHHHBBBB",
            *(18, DEVICE, 0x0200, *self.kind, 64),
            *(self.vendor, self.product, 0x0318, *names, 1),
        )

    def configuration(self) -> bytes:
        body = b"".join(interface.pack(self.strings) for interface in self.interfaces)
        count = len({interface.number for interface in self.interfaces})
        length = 9 + len(body)
        head = struct.pack("<BBHBBBBB", 9, CONFIGURATION, length, count, 1, 0, 0xA0, 250)
        return head + body


def cdc_header() -> bytes:
    return struct.pack("<BBBH", 5, CS_INTERFACE, 0, 0x0110)


def cdc_union(master: int, slave: int) -> bytes:
    return struct.pack("<BBBBB", 5, CS_INTERFACE, 6, master, slave)


def cdc_ethernet(mac_index: int, segment: int = 1514) -> bytes:
    """`mac_index` is the number of the string that is the address, in 12 digits."""
    return struct.pack("<BBBBIHHB", 13, CS_INTERFACE, 15, mac_index, 0, segment, 0, 0)


def cdc_acm(data: int) -> bytes:
    """Call management and abstract control management of a serial port."""
    return struct.pack("<BBBBB", 5, CS_INTERFACE, 1, 0, data) + struct.pack(
        "<BBBB", 4, CS_INTERFACE, 2, 2
    )
