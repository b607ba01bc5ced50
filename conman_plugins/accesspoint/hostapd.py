"""One hostapd as a child: its configuration, its events, and what is asked of it.

Settings: hostapd.conf of hostapd 2.10; replies and events: ctrl_iface_ap.c and wpa_ctrl.h.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conman_core import ConnectError, PluginContext, Reason
from conman_core.driver import Running
from conman_core.errors import ConmanError, ToolMissing
from conman_core.net.hostapctrl import Control, ControlError
from conman_core.store import write_atomic

START_LIMIT = 10.0  #: seconds; some drivers take long, some for ever
_STOP_LIMIT = 3.0
_MOST_CLIENTS = 16
_MAC = re.compile("(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_SPEAKING = re.compile(
    r"could not|cannot|failed|fail|invalid|error|not (?:supported|allowed|found|permitted)|busy",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Client:
    """A phone that joined. `idle` seconds since its last frame, None where that is not known."""

    mac: str
    idle: float | None


def configuration(
    interface: str,
    *,
    ssid: bytes,
    passphrase: str | None,
    channel: int,
    country: str,
    throughput: bool,
    folder: Path,
) -> str:
    """Return the text of a configuration. What may have odd characters is written as hex."""
    lines = [
        f"interface={interface}",
        "driver=nl80211",
        f"ctrl_interface={folder}",
        f"ssid2={ssid.hex()}",
        f"utf8_ssid={int(_is_utf8(ssid))}",
        "hw_mode=g",
        f"channel={channel}",
        f"ieee80211n={int(throughput)}",
        f"wmm_enabled={int(throughput)}",
        "ap_isolate=1",
        f"max_num_sta={_MOST_CLIENTS}",
        "auth_algs=1",
    ]
    if country:
        lines += [f"country_code={country}", "ieee80211d=1"]
    if passphrase is not None:
        # without protected management frames: with them clients cannot join some radios (brcmfmac)
        lines += ["wpa=2", "wpa_key_mgmt=WPA-PSK", "rsn_pairwise=CCMP", "ieee80211w=0"]
        lines.append(f"wpa_passphrase={passphrase}")
    return "\n".join(lines) + "\n"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class Hostapd:
    """`joined` and `left` get a phone's address; `ended` is told why it is off the air."""

    def __init__(
        self,
        context: PluginContext,
        interface: str,
        *,
        joined: Callable[[str], None],
        left: Callable[[str], None],
        ended: Callable[[str], None],
    ) -> None:
        self.interface = interface
        self._context = context
        self._joined, self._left, self._ended = joined, left, ended
        self.folder = context.runtime / "hostapd"
        self._child: Running | None = None
        self._control: Control | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lines: list[str] = []
        self._enabled = asyncio.Event()
        self._stopped = False

    async def start(self, text: str) -> None:
        """Start it; returns when the beacon is on the air. Raises ConnectError, ToolMissing."""
        file = self.folder.parent / f"{self.interface}.hostapd.conf"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(file, text.encode())
        (self.folder / self.interface).unlink(missing_ok=True)  # of one that was killed
        try:
            self._child = await self._context.start(
                ["hostapd", str(file)], name=f"hostapd {self.interface}", on_line=self._line
            )
            await self._on_the_air(self._child)
        except ToolMissing:
            raise
        except (ConmanError, OSError, TimeoutError) as error:
            await self.stop()
            raise ConnectError(Reason.BROKEN, self._complaint(str(error))) from error
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._wait(self._child), name="hostapd's end")

    async def _on_the_air(self, child: Running) -> None:
        ends = asyncio.create_task(child.wait())
        attaches = asyncio.create_task(self._attach())
        try:
            async with asyncio.timeout(START_LIMIT):
                await asyncio.wait({ends, attaches}, return_when=asyncio.FIRST_COMPLETED)
                if attaches.done():
                    attaches.result()
                    raised = asyncio.create_task(self._enabled.wait())
                    try:
                        await asyncio.wait({ends, raised}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        raised.cancel()
        except TimeoutError:
            what = f"hostapd did not get on the air within {START_LIMIT:g} s"
            raise ConnectError(Reason.TIMEOUT, what) from None
        finally:
            for task in (ends, attaches):
                task.cancel()
            await asyncio.gather(ends, attaches, return_exceptions=True)
        if not self._enabled.is_set():
            raise ConnectError(Reason.BROKEN, "hostapd ended at once")

    async def _attach(self) -> None:
        path = self.folder / self.interface
        self._control = await Control.open(path, self._event, program="hostapd")
        if "state=ENABLED" in await self._control.request("STATUS"):
            self._enabled.set()

    async def _wait(self, child: Running) -> None:
        await child.wait()
        if not self._stopped:
            self._ended(self._complaint(f"hostapd on {self.interface} ended"))

    def _line(self, line: str) -> None:
        self._lines = [*self._lines[-20:], line]

    def _event(self, line: str) -> None:
        word, _, rest = re.sub(r"^(?:IFNAME=\S+ )?<\d+>", "", line).partition(" ")
        if word == "AP-ENABLED":
            self._enabled.set()
        elif word in {"AP-DISABLED", "INTERFACE-DISABLED"} and self._watch and not self._stopped:
            self._ended(f"the access point on {self.interface} was switched off ({word})")
        elif word == "AP-STA-CONNECTED" and (mac := _MAC.match(rest)):
            self._joined(mac[0])
        elif word == "AP-STA-DISCONNECTED" and (mac := _MAC.match(rest)):
            self._left(mac[0])

    def _complaint(self, otherwise: str) -> str:
        """Return what it said that explains its failure."""
        said = [line for line in self._lines if _SPEAKING.search(line)]
        return f"{otherwise}: {said[0].strip()}" if said else otherwise

    async def clients(self) -> list[Client] | None:
        """Return the phones that are there; None if it cannot tell."""
        found: list[Client] = []
        control = self._control
        command = "STA-FIRST"
        try:
            while control and len(found) <= _MOST_CLIENTS:
                reply = await control.request(command)
                mac = _MAC.match(reply)
                if not mac:
                    return None if reply.startswith("UNKNOWN COMMAND") else found
                idle = re.search(r"^inactive_msec=(\d{1,12})$", reply, re.MULTILINE)
                found.append(Client(mac[0], int(idle[1]) / 1000 if idle else None))
                command = f"STA-NEXT {mac[0]}"
        except ControlError:
            return None
        return found if control else None

    async def move(self, frequency: int) -> bool:
        """Announce another channel of 2.4 GHz and go there with all phones; False if refused."""
        if self._control is None:
            return False
        try:
            extra = " ht" if "ieee80211n=1" in await self._control.request("STATUS") else ""
            reply = await self._control.request(f"CHAN_SWITCH 5 {frequency}{extra}")
            if not reply.startswith("OK"):
                return False
            async with asyncio.timeout(_STOP_LIMIT):
                while f"freq={frequency}\n" not in await self._control.request("STATUS"):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # five beacons, of 0.1 s each
        except (ControlError, TimeoutError):
            return False
        return True

    async def stop(self) -> None:
        """End it. Never raises."""
        self._stopped = True
        control, self._control = self._control, None
        if control:
            await control.close()
        if self._watch:
            self._watch.cancel()
        if self._child:
            await self._child.stop(_STOP_LIMIT)
