"""The process that is a modem: forked by a test, plugged in until it is killed."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.modems.cdrom import Cdrom
from tests.lab.modems.descriptors import Description
from tests.lab.modems.fork import fork
from tests.lab.modems.gadget import Function, Gadget
from tests.lab.modems.loop import Loop
from tests.lab.modems.models import MODELS, Parts
from tests.lab.modems.peer import Place
from tests.lab.modems.state import REGULAR_DEACTIVATION, Modem

FAREWELL = 0.5  # seconds from the answer to a reset until the modem leaves the bus
PATIENCE = 1.0  # seconds from the wish for the modem until the disc is gone


@dataclass(frozen=True, slots=True)
class Spec:
    """What a process has to be."""

    model: str
    number: int  #: of the modem in its world, from 1
    port: int
    namespace: str
    tunnel: str
    folder: Path
    settings: dict[str, Any]
    cdrom: bool = False


class Process:
    """One modem, and the test that commands it."""

    def __init__(self, spec: Spec, commands: socket.socket) -> None:
        self.spec = spec
        self.commands = commands
        self.model = MODELS[spec.model]
        self.loop = Loop()
        self.hung = ""  #: what ends it: usb or power
        card = spec.folder / "card.json"
        self.modem = Modem(self.loop, spec.number, card, **spec.settings)
        self.modem.reboot = self.reboot
        self.gadget = Gadget(self.loop, spec.port)
        self.gadget.configured = self.configured
        self.disc = spec.cdrom
        self.description = self._describe(self.model.ids)
        place = Place(spec.namespace, spec.folder)
        place.prepare()
        parts = Parts(self.gadget, self.modem, spec.namespace, spec.tunnel, place, self.description)
        self.functions = self.model.build(parts, self.model)
        self.description.interfaces = tuple(
            interface for function in self.functions for interface in function.interfaces
        )
        self.loop.watch(commands, self._command)
        self.plug_in()

    def _describe(self, ids: tuple[int, int]) -> Description:
        maker, name, _ = self.model.about
        return Description(*ids, (), maker, name, f"LAB{self.spec.number}")

    def plug_in(self) -> None:
        """Show up as a CD-ROM or as a modem."""
        if not self.disc:
            self.gadget.plug_in(self.description, self.functions)
            return
        functions: list[Function] = [Cdrom(self.gadget, 0, self.switch)]
        description = self._describe(self.model.cdrom)
        description.interfaces = functions[0].interfaces
        self.gadget.plug_in(description, functions)

    def switch(self) -> None:
        """Somebody wants the modem in place of the disc."""
        if self.disc:
            self.disc = False
            self.loop.later(PATIENCE, self._again)

    def reboot(self) -> None:
        """Start anew, as after AT+CFUN=1,1; a CD-ROM it is then again if it was one."""
        self.loop.later(FAREWELL, self._leave)

    def _leave(self) -> None:
        self.gadget.unplug()
        self.disc = self.spec.cdrom
        self.modem.power_on()
        self.loop.later(self.modem.settings.reboot_time, self.plug_in)

    def _again(self) -> None:
        self.gadget.unplug()
        self.plug_in()

    def configured(self, value: int) -> None:
        """The host has looked at the device, or let go of it: some firmware comes back by that."""
        if self.hung == "usb":
            self._hang("")

    def _hang(self, until: str) -> None:
        self.hung = until
        self.gadget.device.silent = bool(until)
        how = "silent" if until else "fine"
        self.modem.change(control=how, data=how)

    # -- commands ---------------------------------------------------------------------------------

    def _command(self) -> None:
        line = self.commands.recv(1 << 16)
        if not line:
            self.loop.close()
            return
        try:
            answer: dict[str, Any] = {"ok": self._obey(json.loads(line))}
        except (ValueError, KeyError, OSError) as error:
            answer = {"error": repr(error)}
        self.commands.send(json.dumps(answer).encode())

    def _obey(self, command: dict[str, Any]) -> Any:
        what = command["do"]
        if what == "set":
            self.modem.change(**command["settings"])
        elif what == "card":
            self.modem.reload_card()
        elif what == "drop":
            reason = command.get("reason") or REGULAR_DEACTIVATION
            self.modem.end_calls((reason[0], reason[1]))
        elif what == "hang":
            self._hang(command["until"])
        elif what != "state":
            raise ValueError(f"no such command: {what}")
        return self.state()

    def state(self) -> dict[str, Any]:
        modem = self.modem
        return {
            "registration": modem.registration,
            "mode": modem.mode,
            "sim": modem.sim.state,
            "disc": self.disc,
            "calls": {
                str(family): {
                    "address": call.address,
                    "gateway": call.gateway,
                    "apn": call.apn,
                    **call.counts,
                }
                for family, call in modem.calls.items()
            },
        }


def launch(spec: Spec, log: Path) -> tuple[int, socket.socket]:
    """Fork a modem; return its pid and the socket for its commands."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def live() -> None:
        ours.close()
        Process(spec, theirs).loop.run()

    with theirs:
        return fork(live, log), ours
