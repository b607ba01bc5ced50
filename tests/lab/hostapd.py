"""Settings of an access point, as hostapd.conf(5) has them."""

from __future__ import annotations

import dataclasses
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HIGHEST_2GHZ = 14


@dataclass(frozen=True, slots=True)
class Settings:
    """What a network is."""

    ssid: bytes = b""
    key: str | None = None
    security: str = "open"
    channel: int = 1
    hidden: bool = False
    country: str = "GB"
    users: tuple[tuple[str, str], ...] = ()  #: name and password, for `enterprise`

    def replaced(self, **changes: Any) -> Settings:
        """The same network but for some things."""
        return dataclasses.replace(self, **changes)

    def file(self, interface: str, control: Path, folder: Path) -> str:
        """The text of hostapd's file; certificates are made in `folder`. Raises ValueError."""
        if not 1 <= len(self.ssid) <= 32:
            raise ValueError(f"an SSID has 1 to 32 bytes, this has {len(self.ssid)}")
        lines = [
            f"interface={interface}",
            f"ctrl_interface={control}",
            "driver=nl80211",
            f"ssid2={self.ssid.hex()}",
            f"channel={self.channel}",
            f"hw_mode={'g' if self.channel <= HIGHEST_2GHZ else 'a'}",
            f"country_code={self.country}",
            "ieee80211d=1",
            "ieee80211n=1",
            "wmm_enabled=1",
            f"ignore_broadcast_ssid={int(self.hidden)}",
            *self._security(folder),
        ]
        return "\n".join(lines) + "\n"

    def _security(self, folder: Path) -> list[str]:
        if self.security == "open":
            return []
        if self.security == "owe":
            return ["wpa=2", "wpa_key_mgmt=OWE", "rsn_pairwise=CCMP", "ieee80211w=2"]
        if self.security == "enterprise":
            return self._enterprise(folder)
        if not self.key:
            raise ValueError(f"{self.security} needs a key")
        raw = len(self.key) == 64
        psk = f"{'wpa_psk' if raw else 'wpa_passphrase'}={self.key}"
        rsn = ["wpa=2", "rsn_pairwise=CCMP"]
        known = {
            "wpa": ["wpa=1", "wpa_key_mgmt=WPA-PSK", "wpa_pairwise=TKIP", psk],
            "wpa2": [*rsn, "wpa_key_mgmt=WPA-PSK", psk],
            "wpa3": [*rsn, "wpa_key_mgmt=SAE", "ieee80211w=2", f"sae_password={self.key}"],
            "transition": [*rsn, "wpa_key_mgmt=WPA-PSK SAE", "ieee80211w=1", psk],
        }
        if self.security not in known:
            raise ValueError(f"unknown security: {self.security}")
        return known[self.security]

    def _enterprise(self, folder: Path) -> list[str]:
        certificate, key = folder / "eap.pem", folder / "eap.key"
        if not certificate.exists():
            words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650"
            files = ["-subj", "/CN=lab", "-keyout", str(key), "-out", str(certificate)]
            subprocess.run(
                ["openssl", *words.split(), *files], check=True, capture_output=True, timeout=60
            )
        users = folder / "eap-users"
        second = [f'"{name}" MSCHAPV2 "{password}" [2]' for name, password in self.users]
        users.write_text("\n".join(["* PEAP", *second]) + "\n")
        return [
            *("wpa=2", "wpa_key_mgmt=WPA-EAP", "rsn_pairwise=CCMP", "ieee8021x=1", "eap_server=1"),
            *(f"eap_user_file={users}", f"server_cert={certificate}", f"private_key={key}"),
        ]
