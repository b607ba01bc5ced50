"""Programs that conman starts: where they are, and what to install when they are not."""

from __future__ import annotations

import os
import shutil

from conman_core.errors import ToolMissing

#: The PATH of a user's shell lacks the folders of system programs (hier(7)).
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"

#: Debian's package of a program, where their names differ.
_PACKAGES = {
    "dhcpcd": "dhcpcd-base",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "mmcli": "modemmanager",
    "nft": "nftables",
    "nmcli": "network-manager",
    "pppd": "ppp",
    "qmicli": "libqmi-utils",
    "resolvconf": "openresolv",
    "resolvectl": "systemd-resolved",
    "sysctl": "procps",
    "systemctl": "systemd",
    "usb_modeswitch": "usb-modeswitch",
    "wpa_cli": "wpasupplicant",
    "wpa_supplicant": "wpasupplicant",
}


def find_tool(program: str) -> str:
    """Return the path of a program, by name or by path. Raises ToolMissing."""
    folders = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"
    found = shutil.which(program, path=folders)
    if found is None:
        name = program.rpartition("/")[2]
        raise ToolMissing(program, _PACKAGES.get(name, name))
    return found
