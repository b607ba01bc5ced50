"""An access point: real hostapd on a radio of a router's, and what can go wrong with it."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.lab.hostapd import Settings
from tests.lab.radios import Radio
from tests.netns.router import Router
from tests.netns.services import wait_ready

LIMIT = 20.0


class AccessPoint:
    """One network in the air, called by its radio's namespace. `router` is what is behind it."""

    def __init__(self, router: Router, radio: Radio) -> None:
        self.router = router
        self.radio = radio
        self.settings = Settings()
        self._process: subprocess.Popen[bytes] | None = None
        self._asleep = False
        folder = router.bench.folder
        self.log_file = folder / f"{router.role}-hostapd.log"
        self._config = folder / f"{router.role}-hostapd.conf"
        self._control = folder / f"{router.role}-hostapd"

    @property
    def bssid(self) -> str:
        return self.radio.mac

    def start(
        self,
        ssid: bytes,
        key: str | None = None,
        *,
        security: str | None = None,
        channel: int = 1,
        hidden: bool = False,
        country: str = "GB",
        users: Mapping[str, str] | None = None,
    ) -> None:
        """Go on the air; returns when hostapd says AP-ENABLED.

        `security`: open, wpa, wpa2, wpa3, transition, owe or enterprise (PEAP with `users`); by
        default wpa2 with a key, open without. `key`: 8 to 63 characters, or 64 hexadecimal digits
        (not for wpa3). Channels above 14 are in the 5 GHz band. Raises ValueError, RuntimeError.
        """
        security = security or ("wpa2" if key else "open")
        self.settings = Settings(
            ssid, key, security, channel, hidden, country, tuple((users or {}).items())
        )
        self._start()

    def change(self, **changes: object) -> None:
        """Restart with other settings, as after a change on the router's page: `key="..."`."""
        self.stop()
        self.settings = self.settings.replaced(**changes)
        self._start()

    def stop(self) -> float:
        """Go off the air in order: stations are sent away. Returns when (CLOCK_MONOTONIC)."""
        moment = time.monotonic()
        self._end(signal.SIGTERM)
        return moment

    def crash(self) -> float:
        """End hostapd without a word to the stations."""
        moment = self.silence()
        self._end(signal.SIGKILL)
        self.restore()
        return moment

    def silence(self) -> float:
        """Go out of everybody's range without a word; return when."""
        return self.radio.air.cut(self.radio)

    def restore(self) -> float:
        """Come back into everybody's range; return when."""
        return self.radio.air.mend(self.radio)

    def stop_answering(self) -> None:
        """Beacons go on, but nobody who wants to join gets an answer."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        self._asleep = True

    def answer(self) -> None:
        """Answer again."""
        if self._asleep and self._process:
            self._process.send_signal(signal.SIGCONT)
        self._asleep = False

    def reject(self, mac: str) -> None:
        """Refuse a station from now on, and send it away."""
        self.control(f"DENY_ACL ADD_MAC {mac}")

    def accept(self, mac: str) -> None:
        """Refuse the station no more."""
        self.control(f"DENY_ACL DEL_MAC {mac}")

    def deauthenticate(self, mac: str) -> None:
        """Send a station away once; it may come back."""
        self.control(f"DEAUTHENTICATE {mac}")

    def stations(self) -> list[str]:
        """The addresses of the stations that are associated."""
        said = self.router.run("iw", "dev", self.radio.interface, "station", "dump")
        return [line.split()[1] for line in said.splitlines() if line.startswith("Station ")]

    def control(self, command: str) -> str:
        """Send a command to hostapd's control socket. Raises RuntimeError unless it is obeyed."""
        name = self._control / f"lab-{time.monotonic_ns()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            asking.bind(str(name))
            try:
                asking.settimeout(5)
                asking.connect(str(self._control / self.radio.interface))
                asking.send(command.encode())
                said = asking.recv(65536).decode(errors="replace")
            finally:
                name.unlink()
        if said.startswith(("FAIL", "UNKNOWN")):
            raise RuntimeError(f"hostapd: {command}: {said.strip()}")
        return said

    def log(self) -> str:
        """What hostapd has said since its last start."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def _start(self) -> None:
        if self._process:
            raise RuntimeError(f"{self.router.role} is on the air")
        folder: Path = self.router.bench.folder
        text = self.settings.file(self.radio.interface, self._control, folder)
        self._config.write_text(text)
        self.log_file.unlink(missing_ok=True)
        argv = ("hostapd", "-f", str(self.log_file), str(self._config))
        self._process = self.router.start(*argv, log=f"{self.router.role}-hostapd.out")
        try:
            wait_ready(self.router, self._process, "hostapd", lambda: "AP-ENABLED" in self.log())
        except RuntimeError as error:
            self._end(signal.SIGKILL)
            raise RuntimeError(f"{error}\n{text}\n{self.log()}") from None

    def _end(self, how: int) -> None:
        self.answer()
        if self._process:
            self.router.bench.stop(self._process, how)
            self._process = None
