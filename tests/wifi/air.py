"""A wpa_supplicant made of memory: it answers on a real control socket, its air is the test's."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conman_core.testing import FakeContext, FakeRunning

FLAGS = {"wpa2": "[WPA2-PSK-CCMP][ESS]", "wpa3": "[WPA2-SAE-CCMP][ESS]", "open": "[ESS]"}
FLAGS |= {"transition": "[WPA2-PSK+SAE-CCMP][ESS]"}


@dataclass
class AccessPoint:
    """One in the air. `silent`: it never answers; `status`: it refuses with this code."""

    ssid: bytes
    key: str | None = None
    security: str = "wpa2"
    frequency: int = 2412
    signal: int = -50
    silent: bool = False
    status: int = 0
    hidden: bool = False
    bssid: str = "02:00:00:00:01:00"

    def psk(self) -> str:
        """The key as wpa_supplicant gets it."""
        assert self.key is not None
        return hashlib.pbkdf2_hmac("sha1", self.key.encode(), self.ssid, 4096, 32).hex()


@dataclass
class Air:
    """What is in sight, and every command that wpa_supplicant got."""

    access_points: list[AccessPoint] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    scans_fail: bool = False
    deaf: bool = False  #: it does not answer at all
    running: FakeWpa | None = None
    starts: int = 0

    def supply(self, context: FakeContext) -> FakeContext:
        """Make a context whose wpa_supplicant lives in this air."""
        context.programs["wpa_supplicant"] = lambda program: FakeWpa(self, program).attach()
        return context

    def count(self, command: str) -> int:
        """Tell how often a command was given."""
        return sum(given.split(" ")[0] == command for given in self.commands)


class FakeWpa:
    """One run of the program."""

    def __init__(self, air: Air, program: FakeRunning) -> None:
        self.air = air
        self.program = program
        air.running = self
        air.starts += 1
        settings = Path(program.argv[program.argv.index("-c") + 1]).read_text()
        found = re.search(r"DIR=(\S+)", settings)
        assert found
        self.settings = settings
        self.path = Path(found[1]) / program.argv[program.argv.index("-i") + 1]
        self.networks: dict[int, dict[str, str]] = {}
        self.watchers: set[str] = set()
        self.joined: AccessPoint | None = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def attach(self) -> None:
        """Begin to answer."""
        self.socket.bind(str(self.path))
        self.inode = self.path.stat().st_ino
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket.fileno(), self._read)
        self._task = loop.create_task(self._until_end(loop), name="driver:air")

    async def _until_end(self, loop: asyncio.AbstractEventLoop) -> None:
        await self.program.wait()
        loop.remove_reader(self.socket.fileno())
        self.socket.close()
        if self.path.exists() and self.path.stat().st_ino == self.inode:
            self.path.unlink()

    def tell(self, event: str) -> None:
        """Announce something to whoever attached."""
        for watcher in self.watchers:
            try:
                self.socket.sendto(f"<3>{event}".encode(), watcher)
            except OSError:
                continue

    def drop(self, reason: int = 3) -> None:
        """Lose the network that is joined."""
        bssid = self.joined.bssid if self.joined else "02:00:00:00:01:00"
        self.joined = None
        self.tell(f"CTRL-EVENT-DISCONNECTED bssid={bssid} reason={reason}")

    def _read(self) -> None:
        data, sender = self.socket.recvfrom(8192)
        command = data.decode()
        self.air.commands.append(command)
        if self.air.deaf:
            return
        name, _, rest = command.partition(" ")
        handler: Callable[[str], str] = getattr(self, f"_{name.lower()}", lambda _: "OK")
        if name == "ATTACH":
            self.watchers.add(sender)
        reply = handler(rest)
        self.socket.sendto(f"{reply}\n".encode(), sender)

    def _ping(self, _: str) -> str:
        return "PONG"

    def _terminate(self, _: str) -> str:
        self._later(lambda: self.program.end(0))
        return "OK"

    def _scan(self, rest: str) -> str:
        if self.air.scans_fail:
            self._later(lambda: self.tell("CTRL-EVENT-SCAN-FAILED ret=-16"))
        else:
            found = re.search(r"freq=(\S+)", rest)
            self.channels = {int(f) for f in found[1].split(",")} if found else None
            self.asked = {bytes.fromhex(each) for each in re.findall(r"ssid (\S+)", rest)}
            self._later(lambda: self.tell("CTRL-EVENT-SCAN-RESULTS "))
        return "OK"

    def _bss(self, rest: str) -> str:
        entries = []
        for number, point in enumerate(self.air.access_points):
            if self.channels is not None and point.frequency not in self.channels:
                continue
            shown = "" if point.hidden and point.ssid not in self.asked else escaped(point.ssid)
            entries.append(
                f"id={number}\nbssid={point.bssid}\nfreq={point.frequency}\nlevel={point.signal}\n"
                f"age=0\nflags={FLAGS[point.security]}\nssid={shown}\n====\n"
            )
        first = int(rest.partition("RANGE=")[2].split("-")[0] or 0)
        return "".join(e for e in entries if int(e.split("\n")[0][3:]) >= first)

    def _add_network(self, _: str) -> str:
        number = max(self.networks, default=-1) + 1
        self.networks[number] = {}
        return str(number)

    def _set_network(self, rest: str) -> str:
        number, name, value = rest.split(" ", 2)
        self.networks[int(number)][name] = value
        return "OK"

    def _remove_network(self, rest: str) -> str:
        if rest == "all":
            self.networks.clear()
        else:
            self.networks.pop(int(rest), None)
        return "OK"

    def _disconnect(self, _: str) -> str:
        self.joined = None
        return "OK"

    def _select_network(self, rest: str) -> str:
        self._later(lambda: self._join(int(rest)))
        return "OK"

    def _join(self, number: int) -> None:
        network = self.networks.get(number)
        if network is None:
            return
        ssid = bytes.fromhex(network["ssid"])
        point = next((each for each in self.air.access_points if each.ssid == ssid), None)
        if point is None or point.silent:
            return
        if point.status:
            self.tell(f"CTRL-EVENT-ASSOC-REJECT bssid={point.bssid} status_code={point.status}")
        elif point.key is not None and not self._right(network, point):
            self.tell(
                f'CTRL-EVENT-SSID-TEMP-DISABLED id={number} ssid="{escaped(ssid)}" '
                "auth_failures=1 duration=10 reason=WRONG_KEY"
            )
        else:
            self.joined = point
            self.tell(f"CTRL-EVENT-CONNECTED - Connection to {point.bssid} completed [id={number}]")

    def _right(self, network: dict[str, str], point: AccessPoint) -> bool:
        assert point.key is not None
        return network.get("psk") == point.psk() or (
            network.get("sae_password") == point.key.encode().hex()
        )

    def _status(self, _: str) -> str:
        if not self.joined:
            return "wpa_state=DISCONNECTED"
        return f"bssid={self.joined.bssid}\nfreq={self.joined.frequency}\nkey_mgmt=WPA2-PSK"

    def _signal_poll(self, _: str) -> str:
        return "RSSI=-52\nLINKSPEED=65"

    def _later(self, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(lambda: what() if self.program.running else None)


def escaped(ssid: bytes) -> str:
    """As wpa_supplicant prints an SSID."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in ssid)
