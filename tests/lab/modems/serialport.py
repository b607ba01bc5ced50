"""The USB function of a serial port: as `option` knows them, or as a standard ACM one."""

from __future__ import annotations

import struct
import time

from tests.lab.modems import at_commands
from tests.lab.modems.at import Terminal
from tests.lab.modems.descriptors import (
    INTERRUPT,
    Endpoint,
    Interface,
    cdc_acm,
    cdc_header,
    cdc_union,
)
from tests.lab.modems.gadget import Gadget, ends
from tests.lab.modems.peer import Peer, Place
from tests.lab.modems.state import REGULAR_DEACTIVATION, Call, Modem
from tests.lab.modems.usbip import Setup

#: CDC requests (PSTN 1.2, 6.3) and the notification of the line's state
SET_LINE_CODING, GET_LINE_CODING, SET_LINE_STATE = 0x20, 0x21, 0x22
SERIAL_STATE, CARRIER, READY = 0x20, 0x01, 0x02
DTR = 0x01
MOST_WAITING = 64
LINE_CODING = struct.pack("<IBBB", 115200, 0, 0, 8)

assert at_commands.ASK  # loaded: the terminal finds them by name


class SerialPort:
    """One port; with a `modem` it speaks AT, else it says nothing."""

    def __init__(
        self,
        gadget: Gadget,
        number: int,
        kind: tuple[int, int, int] = (0xFF, 0, 0),
        *,
        notify: bool = True,
    ) -> None:
        self.gadget = gadget
        self.number = number
        self.ends = ends(number)
        points = self.ends.all() if notify else self.ends.data()
        self.interfaces: tuple[Interface, ...] = (Interface(number, kind, points),)
        self.notifies = notify
        self.terminal: Terminal | None = None
        self.peer: Peer | None = None
        self._ready = False

    def speak(self, modem: Modem, model: tuple[str, ...], place: Place) -> SerialPort:
        """Take AT commands, and calls."""
        self.modem, self.place = modem, place
        self.terminal = Terminal(modem, self._write, model)
        self.terminal.connect = self._connect
        self.terminal.pass_on = self._pass_on
        self.terminal.hang_up = self._hang_up
        modem.listeners.append(self._changed)
        return self

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.request == SET_LINE_STATE:
            self._line_state(bool(setup.value & DTR))
            return b""
        if setup.request == GET_LINE_CODING:
            return LINE_CODING
        return b"" if setup.request == SET_LINE_CODING else None

    def out(self, endpoint: int, data: bytes) -> None:
        if self.terminal:
            self.terminal.feed(data, time.monotonic())

    def started(self) -> None:
        self._notify(carrier=False)

    def stopped(self) -> None:
        self._end_call()
        self._ready = False

    def _line_state(self, ready: bool) -> None:
        """DTR that falls ends a call (AT&D2)."""
        if self._ready and not ready and self.terminal and self.terminal.call:
            self._end_call()
        self._ready = ready

    def _write(self, data: bytes) -> None:
        self.gadget.send(self.ends.into, data)

    def _notify(self, *, carrier: bool) -> None:
        if self.notifies:
            state = READY | (CARRIER if carrier else 0)
            head = struct.pack(
                "<BBHHHH", 0xA1, SERIAL_STATE, 0, self.interfaces[0].number, 2, state
            )
            self.gadget.send(self.ends.notify, head)

    # -- calls ------------------------------------------------------------------------------------

    def _connect(self, call: Call) -> None:
        self.peer = Peer(self.gadget.loop, self.place, call, self.modem.settings)
        self.peer.deliver = self._deliver
        self.peer.has_room = lambda: self.gadget.device.queued(self.ends.into) < MOST_WAITING
        self.peer.ended = lambda: self.modem.hang_up(4, REGULAR_DEACTIVATION)
        self._notify(carrier=True)

    def _pass_on(self, data: bytes) -> None:
        call = self.modem.calls.get(4)
        if self.peer and self.modem.settings.data != "silent":
            if call:
                call.count("tx", len(data))
            self.peer.feed(data)

    def _deliver(self, data: bytes) -> None:
        call = self.modem.calls.get(4)
        if self.modem.settings.data != "silent" and self.terminal and self.terminal.online:
            if call:
                call.count("rx", len(data))
            self._write(data)

    def _end_call(self) -> None:
        """End the call here, without a word."""
        if self.terminal and self.terminal.call:
            self.terminal.call, self.terminal.online = None, False
            self._hang_up()

    def _hang_up(self) -> None:
        if self.peer:
            self.peer.close()
            self.peer = None
            self.modem.hang_up(4)
            self._lost()

    def _changed(self, what: str) -> None:
        terminal = self.terminal
        if not terminal:
            return
        terminal.report(what)
        if what == "call" and terminal.call and self.modem.calls.get(4) is not terminal.call:
            if self.peer:
                self.peer.close()
                self.peer = None
            terminal.ended()
            self._lost()

    def _lost(self) -> None:
        """Tell that there is no carrier any more, where the modem does."""
        if self.modem.settings.carrier_detect:
            self._notify(carrier=False)


class AcmPort(SerialPort):
    """A standard port: interface `number` for control, the next one for data."""

    def __init__(self, gadget: Gadget, number: int) -> None:
        super().__init__(gadget, number)
        data = number + 1
        extra = cdc_header() + cdc_acm(data) + cdc_union(number, data)
        notify = (Endpoint(self.ends.notify, INTERRUPT),)
        self.interfaces = (
            Interface(number, (2, 2, 1), notify, extra),
            Interface(data, (10, 0, 0), self.ends.data()),
        )
