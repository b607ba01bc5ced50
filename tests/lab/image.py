"""Makes the disk that the lab's machine starts from: Debian 12, its kernel, a small initrd."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import recipe
from tests.lab.cache import LabError, cache_folder, give_away, lock, make_folder, tidy

BUILD = "script/lab build"
LIMIT = 1800.0
ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Image:
    """What a machine is started with."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"


def image() -> Image:
    """The image of the current recipe, whether it is there or not."""
    return Image(cache_folder() / f"image-{recipe.fingerprint(Path(__file__))}")


def missing() -> str:
    """Why no machine can be started here, as a sentence with the cure; empty if one can."""
    if not shutil.which("qemu-system-x86_64"):
        return "the lab needs qemu-system-x86_64: apt install qemu-system-x86"
    if not image().disk.exists():
        why = "its recipe has changed" if list(cache_folder().glob("image-*/")) else "not built yet"
        return f"the lab's machine is missing ({why}): sudo {BUILD}"
    if not os.access(image().disk, os.R_OK):
        return f"{image().disk} cannot be read: sudo chmod -R a+rX {cache_folder()}"
    return ""


def build() -> Image:
    """Make the image if it is not there. Raises LabError."""
    wanted = image()
    with lock("image", "waiting for another build"):
        if wanted.disk.exists():
            tidy("image-*", wanted.folder)
            return wanted
        if os.geteuid():
            raise LabError(f"building the image needs root: sudo {BUILD}")
        if not shutil.which("debootstrap", path=ENV["PATH"]):
            raise LabError("debootstrap is missing: apt install debootstrap")
        make_folder(cache_folder())
        with tempfile.TemporaryDirectory(prefix="building-", dir=cache_folder()) as name:
            folder = Path(name)
            _Build(folder).run()
            finished = folder / "image"
            for path in (finished, *finished.iterdir()):
                path.chmod(0o755 if path.is_dir() else 0o644)
                give_away(path)
            finished.rename(wanted.folder)
        tidy("image-*", wanted.folder)
    return wanted


class _Build:
    """The steps. All is under one folder, with the build's output in `log`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.out = folder / "image"
        self.log = folder / "log"
        self.out.mkdir()

    def run(self) -> None:
        steps = (
            ("installing Debian", self.bootstrap),
            ("adding the kernel", self.kernel),
            ("making the initrd", self.initrd),
            ("making the disk", self.disk),
        )
        for label, step in steps:
            started = time.monotonic()
            print(f"  {label}", end=" ", flush=True)
            step()
            print(f"{time.monotonic() - started:.0f} s", flush=True)

    def bootstrap(self) -> None:
        packages = ",".join(recipe.PACKAGES)
        self.call(
            *("debootstrap", "--variant=minbase", f"--include={packages}", recipe.SUITE),
            *(str(self.root), recipe.MIRROR),
        )

    def kernel(self) -> None:
        depends = self.inside("apt-cache", "depends", "--important", recipe.KERNEL)
        package = re.search(r"Depends: (linux-image-\S+)", depends)
        if not package:
            raise LabError(f"{recipe.KERNEL} depends on no kernel:\n{depends}")
        get = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download")
        self.inside("sh", "-c", f"cd /tmp && {' '.join(get)} {package[1]}")
        (file,) = (self.root / "tmp").glob("linux-image-*.deb")
        unpacked = self.root / "tmp/kernel"  # not over /lib, which is a symlink that tar replaces
        self.call("dpkg-deb", "-x", str(file), str(unpacked))
        self.version = package[1].removeprefix("linux-image-")
        shutil.move(unpacked / "lib/modules", self.root / "usr/lib/modules")
        modules = self.root / "usr/lib/modules" / self.version / "kernel"
        for unused in recipe.UNUSED_MODULES:
            for path in (modules / unused).rglob("*.ko"):
                if str(path.relative_to(modules)) not in recipe.KEPT_MODULES:
                    path.unlink()
        self.inside("depmod", self.version)
        packed = (unpacked / f"boot/vmlinuz-{self.version}").read_bytes()
        (self.out / "vmlinux").write_bytes(unpack_kernel(packed))

    def initrd(self) -> None:
        tree = self.root / "initrd"
        for name in ("bin", "modules"):
            (tree / name).mkdir(parents=True)
        shutil.copy(self.root / "bin/busybox", tree / "bin/busybox")
        shutil.copy(recipe.GUEST / "initrd-init", tree / "init")
        (tree / "init").chmod(0o755)
        order: list[str] = []
        for name in recipe.BOOT_MODULES:
            words = ("modprobe", "--show-depends", "--set-version", self.version, name)
            for line in self.inside(*words).splitlines():
                path = Path(line.split()[1]) if line.startswith("insmod") else None
                if path and path.name not in order:
                    shutil.copy(self.root / path.relative_to("/"), tree / "modules" / path.name)
                    order.append(path.name)
        (tree / "modules/order").write_text("".join(f"{name}\n" for name in order))
        self.inside("sh", "-c", "cd /initrd && find . | busybox cpio -o -H newc >/initrd.cpio")
        self.call("gzip", "-1", str(self.root / "initrd.cpio"))
        shutil.move(self.root / "initrd.cpio.gz", self.out / "initrd")
        shutil.rmtree(tree)

    def disk(self) -> None:
        for path in recipe.UNUSED_PATHS:
            shutil.rmtree(self.root / path, ignore_errors=True)
        for path in ("var/cache/apt/archives", "var/lib/apt/lists", "tmp"):
            for entry in (self.root / path).iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").touch()  # the builder's own was there
        (self.root / "etc/hostname").write_text("lab\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost lab\n")
        (self.root / "etc/machine-id").write_text("")
        self.inside("passwd", "-d", "root")
        disk = str(self.out / "root.img")
        self.call("truncate", "-s", "1500M", disk)
        options = ("-q", "-F", "-L", "lab", "-O", "^has_journal,^metadata_csum", "-m", "0")
        self.call("mkfs.ext4", *options, "-d", str(self.root), disk)

    def inside(self, *argv: str) -> str:
        """Run a program of the new system."""
        return self.call("chroot", str(self.root), *argv)

    def call(self, *argv: str) -> str:
        """Run a program to its end, with a dot every other second; its output is in the error."""
        with (
            self.log.open("wb") as log,
            subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=ENV | _proxies()
            ) as process,
        ):
            _wait(process, argv)
        text = self.log.read_text(errors="replace")
        if process.returncode:
            own_log = self.root / "debootstrap/debootstrap.log"
            if argv[0] == "debootstrap" and own_log.exists():
                text += own_log.read_text(errors="replace")
            raise LabError(f"{argv[0]}: exit {process.returncode}\n{text[-3000:]}")
        return text


def unpack_kernel(packed: bytes) -> bytes:
    """Return the ELF file inside a kernel: unpacking itself under emulation takes it 3 s.

    A kernel that is not packed with xz, as Debian 12's is, is returned as it is; it starts as well.
    """
    start = packed.find(b"\xfd7zXZ\0")
    if start < 0:
        return packed
    unpacked = lzma.LZMADecompressor().decompress(packed[start:])
    return unpacked if unpacked.startswith(b"\x7fELF") else packed


def _wait(process: subprocess.Popen[bytes], argv: Sequence[str]) -> None:
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            print(".", end="", flush=True)
        else:
            return
        if time.monotonic() > deadline:
            process.kill()
            raise LabError(f"{' '.join(argv)}: not done within {LIMIT:g} s")


def _proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
