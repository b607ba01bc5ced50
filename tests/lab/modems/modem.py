"""A modem as a test has it: what is wrong with it, its plug, its names on the device."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.lab.modems import sim as cards
from tests.lab.modems import usbip
from tests.lab.modems.fork import end
from tests.lab.modems.models import MODELS
from tests.lab.modems.process import Spec, launch
from tests.lab.modems.sim import Sim
from tests.lab.modems.state import Settings

if TYPE_CHECKING:
    from tests.lab.modems.world import ModemWorld

T = TypeVar("T")
LIMIT = 20.0
DEVICES = Path("/sys/bus/usb/devices")


class Card:
    """The SIM card. What is set here is as if another card were put in, with the power on."""

    def __init__(self, file: Path, changed: Callable[[], object]) -> None:
        object.__setattr__(self, "_file", file)
        object.__setattr__(self, "_changed", changed)
        cards.write(file, asdict(Sim()))

    def __getattr__(self, name: str) -> Any:
        return cards.read(self._file)[name]

    def __setattr__(self, name: str, value: object) -> None:
        known = cards.read(self._file)
        if name not in known:
            raise AttributeError(name)
        cards.write(self._file, known | {name: value})
        self._changed()


class Modem:
    """One modem. Every name of tests/lab/modems/state.py, Settings, can be read and set here."""

    def __init__(
        self,
        world: ModemWorld,
        model: str,
        number: int,
        host: str,
        tunnel: str,
        *,
        cdrom: bool,
        settings: dict[str, Any],
    ) -> None:
        folder = world.bench.folder / f"modem{number}"
        folder.mkdir()
        self.__dict__["_settings"] = asdict(Settings(**settings))
        self._world = world
        self.number = number
        self.model = MODELS[model]
        self.log_file = world.bench.folder / f"modem{number}.log"
        self._spec = Spec(model, number, number - 1, host, tunnel, folder, {}, cdrom)
        self._pid = 0
        self._commands: socket.socket | None = None
        self.sim = Card(folder / "card.json", lambda: self._do("card"))

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_settings"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._settings:
            self.change(**{name: value})
        else:
            super().__setattr__(name, value)

    # -- what is wrong with it --------------------------------------------------------------------

    def change(self, **settings: Any) -> None:
        """Change several settings at once."""
        self._settings.update(settings)
        self._do("set", settings=settings)

    def drop(self, reason: tuple[int, int] | None = None) -> float:
        """Let the network end the session, for a (type, reason) of QMI's; return when."""
        moment = time.monotonic()
        self._do("drop", reason=reason)
        return moment

    def hang(self, until: str = "usb") -> float:
        """Let its firmware hang until the host configures it anew, or (`power`) until it is pulled.

        Returns the moment on CLOCK_MONOTONIC, like every fault here.
        """
        moment = time.monotonic()
        self._do("hang", until=until)
        return moment

    def state(self) -> dict[str, Any]:
        """What the modem itself has to say: registration, mode, sim, disc, calls."""
        found: dict[str, Any] = self._do("state")
        return found

    def calls(self) -> list[dict[str, Any]]:
        """The sessions that are up: address, gateway, apn, tx and rx (packets, bytes)."""
        return list(self.state()["calls"].values())

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # -- its plug ---------------------------------------------------------------------------------

    @property
    def plugged_in(self) -> bool:
        return bool(self._pid)

    def plug_in(self, *, wait: bool = True) -> float:
        """Plug it in, switched on; return when. Waits until all of its names are there."""
        if self.plugged_in:
            raise RuntimeError("it is plugged in")
        self._wait(lambda: usbip.is_free(self._spec.port), "the port is not free")
        moment = time.monotonic()
        spec = self._spec.__class__(
            **{
                **{name: getattr(self._spec, name) for name in self._spec.__slots__},
                "settings": dict(self._settings),
            }
        )
        self._pid, self._commands = launch(spec, self.log_file)
        if wait:
            self.wait_ready(disc=spec.cdrom)
        return moment

    def unplug(self) -> float:
        """Pull it out; return when. Waits until its names are gone."""
        place = DEVICES / (self.where or "none")
        moment = time.monotonic()
        self._kill()
        self._wait(lambda: not place.exists(), "the kernel does not let go of it")
        return moment

    def close(self) -> None:
        """Pull it out if it is in, and wait until the kernel is done with it."""
        if self.plugged_in:
            self.unplug()
        self._wait(lambda: usbip.is_free(self._spec.port), "the kernel does not let go of it")

    def wait_ready(self, *, disc: bool = False) -> None:
        """Wait until its drivers have bound and its interface is on the device."""
        what = "no disc" if disc else "its drivers have not bound"
        # where udev runs the disc may be switched before anybody has seen it
        self._wait(lambda: (disc and self.disc) or self._complete(), what)

    @property
    def disc(self) -> str:
        """Such as /dev/sr0, as long as it pretends to be a CD-ROM; else empty."""
        found = self._below("*/host*/target*/*/block/sr*")
        return f"/dev/{found[0].name}" if found else ""

    def _complete(self) -> bool:
        if len(self.terminals) < len(self.model.terminals):
            return False
        if self.model.control and not self.control_device:
            return False
        return not self.model.network or bool(self.interface)

    # -- its names --------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        """Its place on the bus, such as 1-1; empty while it is not there."""
        return usbip.where(self._spec.port)

    @property
    def terminals(self) -> list[str]:
        """Its serial ports, such as /dev/ttyUSB0, in their order."""
        found = {path.name for path in (*self._below("*/ttyUSB*"), *self._below("*/tty/ttyACM*"))}
        return [f"/dev/{name}" for name in sorted(found)]

    @property
    def at_port(self) -> str:
        """The serial port that takes calls."""
        return self.terminals[self.model.at_port]

    @property
    def control_device(self) -> str:
        """Such as /dev/cdc-wdm0; empty if it has none."""
        found = self._below("*/usbmisc/cdc-wdm*")
        return f"/dev/{found[0].name}" if found else ""

    @property
    def interface(self) -> str:
        """Its network interface, such as wwan0; empty if it is not on the device."""
        mover = self._world.mover
        if not mover:
            found = self._below("*/net/*")
            return found[0].name if found else ""
        name = mover.names.get(self.where, "")
        there = self._world.device.call(socket.if_nameindex) if name else []
        return name if any(name == other for _, other in there) else ""

    def _below(self, pattern: str) -> list[Path]:
        where = self.where
        with contextlib.suppress(FileNotFoundError):  # it leaves while it is looked at
            return sorted((DEVICES / where).glob(f"{where}:{pattern}")) if where else []
        return []

    # -- its process ------------------------------------------------------------------------------

    def _do(self, what: str, **words: Any) -> Any:
        if not self._commands:
            return None  # it will know when it is plugged in
        self._commands.send(json.dumps({"do": what, **words}).encode())
        ready, _, _ = select.select([self._commands], [], [], LIMIT)
        said = b""
        with contextlib.suppress(ConnectionResetError):
            said = self._commands.recv(1 << 16) if ready else b""
        if not said:
            raise RuntimeError(f"the modem does not answer\n{self.log()}")
        answer = json.loads(said)
        if "error" in answer:
            raise RuntimeError(f"{what}: {answer['error']}")
        return answer["ok"]

    def _kill(self) -> None:
        end(self._pid)
        self._pid = 0
        if self._commands:
            self._commands.close()
            self._commands = None

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"modem {self.number}: {what}\n{self.log()}")
            time.sleep(0.01)
