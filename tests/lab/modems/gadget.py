"""A device on the bus: what it says of itself, the functions it has, and its plug."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tests.lab.modems import usbip
from tests.lab.modems.descriptors import IN, INTERRUPT, Description, Endpoint, Interface
from tests.lab.modems.loop import Loop
from tests.lab.modems.usbip import Setup

AGAIN = 0.02  # seconds between looks whether the kernel is done with what was plugged in before


class Function(Protocol):
    """Some interfaces of a device that belong together."""

    interfaces: tuple[Interface, ...]

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        """Answer a request to one of the interfaces; None is a stall."""

    def out(self, endpoint: int, data: bytes) -> None:
        """Take data of the host."""

    def started(self) -> None:
        """The host uses the device, from now on or again."""

    def stopped(self) -> None:
        """The host uses it no more, or it is unplugged."""


class Gadget:
    """A device that can be plugged in, unplugged, and come back as another one."""

    def __init__(self, loop: Loop, port: int) -> None:
        self.loop = loop
        self.port = port
        self.functions: list[Function] = []
        self.description: Description
        self.device: usbip.Device
        self.configured: Callable[[int], object] = lambda value: None
        self._socket: socket.socket | None = None

    @property
    def plugged_in(self) -> bool:
        return self._socket is not None

    def plug_in(self, description: Description, functions: list[Function]) -> None:
        """Show up in the port, as soon as the kernel is done with what was there before."""
        if not usbip.is_free(self.port):
            self.loop.later(AGAIN, lambda: self.plug_in(description, functions))
            return
        self.description, self.functions = description, functions
        self._socket = wire = usbip.attach(self.port)
        handlers = usbip.Handlers(description.get, self._control, self._out, self._configured)
        self.device = usbip.Device(handlers, wire.sendall)
        self.loop.watch(wire, self._readable)

    def unplug(self) -> None:
        """Be gone from the bus."""
        if self._socket:
            self.loop.forget(self._socket)
            self._socket.close()
            self._socket = None
            for function in self.functions:
                function.stopped()

    def send(self, endpoint: int, data: bytes) -> None:
        """Queue data for the host; nothing happens while unplugged."""
        if self._socket:
            self.device.send(endpoint, data)

    def _readable(self) -> None:
        assert self._socket
        try:
            data = self._socket.recv(1 << 18)
            if data:
                self.device.receive(data)
        except (ConnectionError, BrokenPipeError) as error:
            print(f"usb: {error}", file=sys.stderr)
            data = b""
        if not data:  # the kernel has let go of it
            self.unplug()

    def _configured(self, value: int) -> None:
        self.configured(value)
        for function in self.functions:
            if value:
                function.started()
            else:
                function.stopped()

    def _control(self, setup: Setup, data: bytes) -> bytes | None:
        for function in self.functions:
            if setup.subject & 0xFF in {one.number for one in function.interfaces}:
                return function.control(setup, data)
        return None

    def _out(self, endpoint: int, data: bytes) -> None:
        for function in self.functions:
            for interface in function.interfaces:
                if any(one.address == endpoint for one in interface.endpoints):
                    function.out(endpoint, data)
                    return


class Ends(NamedTuple):
    """The endpoints of an interface."""

    into: int  #: the host, bulk
    outof: int  #: the host, bulk
    notify: int  #: the host, interrupt

    def all(self) -> tuple[Endpoint, ...]:
        notify = Endpoint(self.notify, INTERRUPT)
        return notify, Endpoint(self.into), Endpoint(self.outof)

    def data(self) -> tuple[Endpoint, ...]:
        return Endpoint(self.into), Endpoint(self.outof)


def ends(number: int) -> Ends:
    """The endpoints of the interface with a number; no two interfaces share one."""
    return Ends(IN | (1 + 2 * number), 1 + number, IN | (2 + 2 * number))
