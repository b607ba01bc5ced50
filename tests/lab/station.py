"""A station that is not conman's: somebody's phone, with real wpa_supplicant."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping

from tests.lab.radios import Air
from tests.netns.namespaces import Bench, Namespace

EVENT = "CTRL-EVENT-"
#: MHz of channels 1, 6, 11 and 36: looking at all 40 takes 4 s longer
FREQUENCIES = "2412 2437 2462 5180"


class Station(Namespace):
    """A phone: one radio, wlan0, in a namespace of its own."""

    def __init__(self, bench: Bench, air: Air, role: str = "phone") -> None:
        super().__init__(bench, role)
        bench.namespaces.append(self)
        self.radio = air.radio(self, "wlan0")
        self._process: subprocess.Popen[bytes] | None = None
        self._config = bench.folder / f"{role}-wpa.conf"
        self._log = bench.folder / f"{role}-wpa.log"

    def join(
        self,
        ssid: bytes,
        key: str | None = None,
        network: Mapping[str, str] | None = None,
        *,
        limit: float = 45.0,
    ) -> float:
        """Join a network; return the seconds that it took. Raises AssertionError with the log.

        `network`: more lines of wpa_supplicant's network block, as they are: {"key_mgmt": "SAE"}.
        Without any, a key means WPA2 or WPA3, whatever the access point has.
        """
        started = time.monotonic()
        self.try_to_join(ssid, key, network)
        self.wait_event("CONNECTED", limit)
        return time.monotonic() - started

    def try_to_join(
        self, ssid: bytes, key: str | None = None, network: Mapping[str, str] | None = None
    ) -> None:
        """Start wpa_supplicant for a network and return at once."""
        self.leave()
        lines = {"ssid": ssid.hex(), "scan_ssid": "1", "key_mgmt": "WPA-PSK SAE" if key else "NONE"}
        lines["scan_freq"] = FREQUENCIES
        if key:
            lines |= {"psk": f'"{key}"', "ieee80211w": "1"}
        lines |= network or {}
        block = "\n".join(f"    {name}={value}" for name, value in lines.items())
        # hunting and pecking only is what hostapd offers unless it is told otherwise; 2: both
        self._config.write_text(f"country=GB\nsae_pwe=2\nnetwork={{\n{block}\n}}\n")
        self._log.unlink(missing_ok=True)
        self._process = self.start(
            *("wpa_supplicant", "-D", "nl80211", "-i", "wlan0"),
            *("-c", str(self._config), "-f", str(self._log)),
            log="wpa.out",
        )

    def wait_event(self, name: str, limit: float = 45.0) -> str:
        """Wait until wpa_supplicant has said CTRL-EVENT-`name`, and return that line."""
        deadline = time.monotonic() + limit
        while True:
            for line in self.log().splitlines():
                if EVENT + name in line:
                    return line
            if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                raise AssertionError(f"no {EVENT}{name} within {limit:g} s:\n{self.log()[-3000:]}")
            time.sleep(0.02)

    def address(self, limit: float = 20.0) -> str:
        """Ask for an address by DHCP, set it and the default route, and return it."""
        script = self.bench.folder / "udhcpc"
        script.write_text(
            "#!/bin/sh\n[ $1 = bound ] || exit 0\nip address replace $ip/$mask dev $interface\n"
            "ip route replace default via $router\necho bound $ip\n"
        )
        script.chmod(0o755)
        words = ("busybox", "udhcpc", "-n", "-q", "-f", "-t", str(int(limit)), "-T", "1")
        said = self.run(*words, "-i", "wlan0", "-s", str(script))
        return said.rpartition("bound ")[2].strip()

    def leave(self) -> None:
        """Leave the network."""
        if self._process:
            self.bench.stop(self._process)
            self._process = None

    def log(self) -> str:
        """What wpa_supplicant has said since it was started."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""
