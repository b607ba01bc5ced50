"""What the lab's machine consists of. A change here makes `script/lab build` make a new image."""

from __future__ import annotations

import hashlib
from pathlib import Path

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
GUEST = Path(__file__).parent / "guest"

#: Debian packages besides those of `debootstrap --variant=minbase`
PACKAGES = (
    # polkitd, which ModemManager needs, wants a logind: debootstrap resolves no virtual package
    *("systemd-sysv", "libpam-systemd", "dbus", "udev", "kmod", "procps", "strace"),
    *("iproute2", "iputils-ping", "nftables", "tcpdump", "dnsmasq-base", "dhcpcd-base"),
    *("iw", "hostapd", "wpasupplicant", "wireless-regdb", "openssl"),
    *("ppp", "usbutils", "usb-modeswitch", "usb-modeswitch-data", "libqmi-utils"),
    *("modemmanager", "mobile-broadband-provider-info"),
    *("python3", "python3-venv", "linux-base", "ifupdown", "busybox-static"),
)
#: unpacked and never configured: nothing in the lab needs an initramfs of Debian's
KERNEL = "linux-image-amd64"

#: loaded before the root file system is there; what they depend on comes along
BOOT_MODULES = (
    *("virtio_pci", "virtio_blk", "ext4", "crc32c_generic"),
    *("9p", "9pnet_virtio", "virtio_console"),
)

#: folders under kernel/ of the modules that no test can need; half of the kernel's size
UNUSED_MODULES = (
    *("drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/scsi", "drivers/staging"),
    *("drivers/iio", "drivers/hwmon", "drivers/md", "drivers/ata", "drivers/isdn", "drivers/nvme"),
    *("drivers/net/ethernet", "drivers/input", "drivers/mtd", "drivers/platform", "drivers/edac"),
    *("drivers/target", "drivers/firewire", "drivers/thunderbolt", "drivers/video", "sound"),
    *("fs/xfs", "fs/btrfs", "fs/ocfs2", "fs/gfs2", "fs/ceph", "fs/f2fs", "fs/nfs", "fs/nfsd"),
    *("fs/cifs", "fs/ksmbd", "fs/dlm", "fs/afs", "fs/jfs", "fs/reiserfs", "fs/ubifs", "fs/nilfs2"),
    *(
        "net/sctp",
        "net/ceph",
        "net/rds",
        "net/tipc",
        "net/dccp",
        "net/batman-adv",
        "net/openvswitch",
    ),
)
UNUSED_PATHS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
#: scsi itself is needed for the CD-ROM that some modems pretend to be
KEPT_MODULES = tuple(
    f"drivers/scsi/{name}.ko" for name in ("scsi_mod", "scsi_common", "sr_mod", "sd_mod", "sg")
)


def fingerprint(*sources: Path) -> str:
    """16 hexadecimal digits that change with the recipe or with the code that builds from it."""
    digest = hashlib.sha256()
    for source in sorted({Path(__file__), GUEST / "initrd-init", *sources}):
        content = source.read_bytes()
        digest.update(f"{source.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
