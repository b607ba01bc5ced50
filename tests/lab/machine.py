"""The lab's machine: one emulated computer, its console, and the channel to what runs inside."""

from __future__ import annotations

import base64
import contextlib
import json
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab import image
from tests.lab.cache import ROOT, LabError
from tests.lab.wheels import install_conman, install_dependencies, make_disk

BOOT_LIMIT = 240.0  # seconds to the first word of the server inside; 12 on two quiet processors
SILENCE_LIMIT = 60.0  # seconds without a sign of life, once it runs: there is one a second
TAIL = 3000  # characters of the console in an error
COMMAND_LINE = (
    "console=ttyS0 net.ifnames=0 quiet loglevel=3 mitigations=off oops=panic panic=-1 audit=0"
    " nmi_watchdog=0 nowatchdog tsc=reliable no_timer_check random.trust_cpu=on"
)


class MachineDied(LabError):
    """The machine ended or hangs; the text has the end of its console."""


@dataclass
class Answer:
    """How a request ended."""

    code: int
    timed_out: bool
    leaked: list[str]  #: "PID: COMMAND LINE" of processes that had to be killed
    output: str = ""
    reports: list[dict[str, Any]] = field(default_factory=list)


class Machine:
    """One boot. Close it: nothing of it stays but what was written to `folder`."""

    def __init__(
        self,
        *,
        init: str = "",
        memory: int = 1024,
        options: str = "",
        qemu: tuple[str, ...] = (),
        out: Path | None = None,
    ) -> None:
        """Start it; `wait_ready` waits for it.

        `init="systemd"` boots Debian's own way. `options` are added to the kernel's command line,
        `qemu` to the emulator's; `out` is the folder that is writable as /out. Raises LabError.
        """
        if why := image.missing():
            raise LabError(why)
        self.folder = Path(tempfile.mkdtemp(prefix="conman-lab-"))
        self.out = out or self.folder / "out"  #: /out inside
        self.out.mkdir(exist_ok=True)
        self.console_file = self.folder / "console"
        self.ours, theirs = socket.socketpair()
        self.buffer = b""
        self.numbers = 0
        words = [COMMAND_LINE, options]
        if init:
            words.append(f"lab.init={init}")
        with theirs:
            argv = [
                *command(self.folder, self.out, " ".join(words), memory),
                *("-serial", f"file:{self.console_file}"),
                *("-chardev", f"socket,id=channel,fd={theirs.fileno()}"),
                *("-device", "virtserialport,chardev=channel,name=lab"),
                *qemu,
            ]
            self.process = subprocess.Popen(
                argv,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def console(self) -> str:
        """What the machine has said on its console, the end of it."""
        with contextlib.suppress(FileNotFoundError):
            return self.console_file.read_text(errors="replace")[-TAIL:]
        return ""

    def wait_ready(self) -> None:
        """Wait for the server inside. Raises MachineDied."""
        deadline = time.monotonic() + BOOT_LIMIT
        while "hello" not in self._receive(deadline, silence=BOOT_LIMIT):
            pass

    def request(self, hear: Callable[[bytes], object] | None = None, **words: Any) -> Answer:
        """Have a request done, as tests/lab/guest/serve.py describes them. Raises MachineDied.

        `hear` is called with what the job prints, as it comes.
        """
        self.numbers += 1
        self.ours.sendall(json.dumps({"id": self.numbers} | words).encode() + b"\n")
        limit = float(words.get("limit", 600.0))
        deadline = time.monotonic() + limit + 60.0
        output = b""
        reports: list[dict[str, Any]] = []
        while True:
            message = self._receive(deadline)
            if message.get("id") != self.numbers:
                continue
            if "output" in message:
                data = base64.b64decode(message["output"])
                output += data
                if hear:
                    hear(data)
            elif "report" in message:
                reports.append(message["report"])
            else:
                text = output.decode(errors="replace")
                found = message["timed_out"], message["leaked"], text, reports
                return Answer(int(message["exit"]), *found)

    def _receive(self, deadline: float, silence: float | None = None) -> dict[str, Any]:
        """Return the next message of the server, for which there are `silence` seconds."""
        silence = SILENCE_LIMIT if silence is None else silence
        while b"\n" not in self.buffer:
            now = time.monotonic()
            limit = min(deadline - now, silence)
            ready, _, _ = select.select([self.ours], [], [], max(0.0, limit))
            if not ready:
                how = "hangs" if limit == silence else "did not answer in time"
                raise self._died(how)
            data = b""
            with contextlib.suppress(ConnectionResetError):
                data = self.ours.recv(1 << 20)
            if not data:
                self.process.wait(10)
                raise self._died("ended")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _died(self, how: str) -> MachineDied:
        said = ""
        if self.process.poll() is not None and self.process.stdout:
            said = self.process.stdout.read().decode(errors="replace")
        return MachineDied(
            f"the lab's machine {how}; the end of its console:\n{said}{self.console()}"
        )

    def close(self) -> None:
        """End it at once and remove its folder."""
        self.ours.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def command(folder: Path, out: Path, append: str, memory: int) -> list[str]:
    """The emulator's argv, but for console and channel. Makes the disks up to date."""
    found = image.image()
    disks = [found.disk, install_dependencies(), install_conman()]
    disks.append(make_disk(ROOT / "tests", folder / "tests.img"))
    argv = ["setpriv", "--pdeathsig", "KILL"]  # ends with its owner, however that ends
    argv += ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu64,+rdrand"]
    argv += ["-smp", "2", "-m", str(memory), "-nodefaults", "-display", "none", "-no-reboot"]
    argv += ["-kernel", str(found.kernel), "-initrd", str(found.initrd), "-append", append]
    for disk in disks:
        argv += ["-drive", f"file={disk},if=virtio,format=raw,snapshot=on,cache=unsafe"]
    share = f"local,path={ROOT},mount_tag=src,security_model=none,readonly=on,multidevs=remap"
    argv += ["-virtfs", share]
    argv += ["-virtfs", f"local,path={out},mount_tag=out,security_model=none"]
    argv += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
    return argv
