"""Dongles that show themselves as a CD-ROM until somebody switches them.

udev does it where usb-modeswitch is installed and udev runs; else it is done here, with the same
program and the same list of devices (/etc/usb_modeswitch.d, /usr/share/usb_modeswitch).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conman_core import ConnectError, DriverContext, Reason
from conman_core.errors import SystemFault, ToolMissing
from conman_core.tools import find_tool
from conman_plugins.cellular.usb import Usb, UsbDevice

TOOL = "usb_modeswitch"
LIMIT = 30.0  #: seconds: it waits for the dongle, and for what becomes of it
UDEV_LIMIT = 10.0  #: seconds that udev has for it before conman does it
AGAIN = (60.0, 300.0, 1800.0)  #: seconds after a switch that failed; the last repeats

_LARGEST = 1 << 18  #: bytes of a file
_FOLDERS = ("etc/usb_modeswitch.d", "usr/share/usb_modeswitch")
_PACK = "usr/share/usb_modeswitch/configPack.tar.gz"
_RULES = "lib/udev/rules.d/40-usb_modeswitch.rules"
#: vendors whose discs are dongles even where that list is not installed: Huawei, ZTE, Alcatel
_KNOWN = frozenset({0x12D1, 0x19D2, 0x1BBB})


@dataclass(slots=True)
class _Tried:
    """When a dongle is to be switched next, and how often that has failed."""

    next: float
    failures: int = 0


class Plugged:
    """Which plugging-in of a dongle was dealt with. All drivers share one, on their threads.

    USB gives a device's number to another one only after more than a hundred others.
    """

    _MOST = 100

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int], _Tried] = {}

    def due(self, device: UsbDevice, now: float) -> float:
        """Return when it may be tried: in the past, or never if it was done or is being done."""
        with self._lock:
            return self._seen.get((device.place, device.number), _Tried(now)).next

    def first(self, device: UsbDevice, now: float) -> bool:
        """Tell whether it is to be tried now; then nobody else does."""
        key = (device.place, device.number)
        with self._lock:
            tried = self._seen.setdefault(key, _Tried(now))
            if now < tried.next:
                return False
            tried.next = math.inf
            while len(self._seen) > self._MOST:
                del self._seen[next(iter(self._seen))]
            return True

    def failed(self, device: UsbDevice, now: float) -> None:
        """Have it tried again later."""
        with self._lock:
            tried = self._seen.setdefault((device.place, device.number), _Tried(now))
            tried.next = now + AGAIN[min(tried.failures, len(AGAIN) - 1)]
            tried.failures += 1


ALL = Plugged()


class Switcher:
    """Finds discs that are dongles, and switches them. `root` is the machine's /."""

    def __init__(
        self, context: DriverContext, usb: Usb, *, root: Path = Path("/"), plugged: Plugged = ALL
    ) -> None:
        self._context = context
        self._usb = usb
        self._root = root
        self._plugged = plugged

    def discs(self) -> list[UsbDevice]:
        """Return the dongles that still show themselves as a CD-ROM. Reads only."""
        return [each for each in self._usb.devices() if each.is_disc and self._is_dongle(each)]

    def why(self, disc: UsbDevice) -> tuple[Reason, str]:
        """Return why a disc is no link yet, and what to do."""
        shown = f"{disc.name} ({disc.ids}, USB {disc.place}) still shows itself as a CD-ROM"
        try:
            find_tool(TOOL)
        except ToolMissing as missing:
            return Reason.NO_TOOL, f"{shown}: {missing}"
        return Reason.NO_DEVICE, f"{shown} and is switched; if it stays so, plug it in again"

    async def switch_all(self) -> float | None:
        """Switch every disc that is due. Raises nothing.

        Return in how many seconds to come again because of one that failed, None if there is none.
        """
        now = self._context.now
        for disc in self.discs():
            if self._plugged.due(disc, now()) > now():
                continue
            if self._udev_does_it():
                await self._context.sleep(UDEV_LIMIT)
            if self._usb.at(disc.place) != disc or not self._plugged.first(disc, now()):
                continue
            done = False
            try:
                await self._switch(disc)
                done = True
            except (ConnectError, SystemFault, OSError) as error:
                self._context.log.warning("%s at USB %s: %s", disc.name, disc.place, error)
            finally:
                if not done:
                    self._plugged.failed(disc, now())
        waits = [self._plugged.due(disc, now()) - now() for disc in self.discs()]
        return min((max(wait, 0.0) for wait in waits if wait < math.inf), default=None)

    async def _switch(self, disc: UsbDevice) -> None:
        """Raises ConnectError, ToolMissing, SystemFault, OSError."""
        find_tool(TOOL)  # its absence is what to tell first
        settings = self.settings(disc)
        if settings is None:
            sentence = (
                f"usb_modeswitch does not know {disc.ids}; install its list of devices with:"
                " apt install usb-modeswitch-data"
            )
            raise ConnectError(Reason.NO_TOOL, sentence)
        file = self._context.runtime / f"modeswitch-{disc.place}"
        file.write_text(settings)
        argv = [TOOL, "-v", f"{disc.vendor:04x}", "-p", f"{disc.product:04x}"]
        argv += ["-b", str(disc.bus), "-g", str(disc.number), "-c", str(file)]
        self._context.log.info("%s at USB %s is a CD-ROM: it is switched", disc.name, disc.place)
        try:
            done = await self._context.run(argv, timeout=LIMIT)
        except TimeoutError as error:
            raise ConnectError(Reason.WEDGED, str(error)) from None
        finally:
            file.unlink(missing_ok=True)
        if done.returncode:
            said = " ".join(f"{done.stdout} {done.stderr}".split())[-300:]
            raise ConnectError(Reason.WEDGED, f"usb_modeswitch failed: {said}")

    def _is_dongle(self, disc: UsbDevice) -> bool:
        """Tell a dongle from a memory stick; cheap, as sticks stay where they are."""
        if disc.maker == "Android":
            return False
        if disc.vendor in _KNOWN:
            return True
        words = f'ATTR{{idVendor}}=="{disc.ids[:4]}", ATTR{{idProduct}}=="{disc.ids[5:]}"'
        rules = [text for at in ("", "usr") if (text := _read(self._root / at / _RULES))]
        if rules and not any(words in text for text in rules):
            return any(True for _ in self._files(disc.ids))
        return self.settings(disc) is not None

    def _udev_does_it(self) -> bool:
        listens = (self._root / "run/udev/control").exists()
        return listens and any((self._root / at / _RULES).exists() for at in ("", "usr"))

    def settings(self, disc: UsbDevice) -> str | None:
        """Return what usb_modeswitch's list has for a device, None if it has nothing."""
        found: dict[str, str] = {}
        for name, text in self._entries(disc.ids):
            found.setdefault(name, text)
        said = {"uMa": disc.maker, "uPr": disc.model}  # an entry may be for one maker or model
        for name, text in found.items():
            mark, _, value = name[len(disc.ids) + 1 :].partition("=")
            if mark and value in said.get(mark, "").replace(" ", "_"):
                return text
        return found.get(disc.ids)

    def _entries(self, ids: str) -> Iterator[tuple[str, str]]:
        for file in self._files(ids):
            if (text := _read(file)) is not None:
                yield file.name, text
        yield from _packed(self._root / _PACK, ids)

    def _files(self, ids: str) -> Iterator[Path]:
        for folder in _FOLDERS:
            yield from sorted((self._root / folder).glob(f"{ids}*"))


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode(errors="replace")
    except OSError:
        return None


def _packed(pack: Path, ids: str) -> Iterator[tuple[str, str]]:
    """Yield a device's entries of the packed list; none if it cannot be read."""
    import tarfile

    try:
        with tarfile.open(pack, "r:gz") as archive:
            for member in archive:
                if member.isfile() and (member.name == ids or member.name.startswith(f"{ids}:")):
                    file = archive.extractfile(member)
                    data = file.read(_LARGEST) if file else b""
                    yield member.name, data.decode(errors="replace")
    except (OSError, EOFError, tarfile.TarError):
        return
