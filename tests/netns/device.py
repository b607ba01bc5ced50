"""The device of the small internet, and conman running on it.

Programs on the device see a /run, /var/lib and /var/log of its own: dhcpcd keeps its files there
whatever the network namespace, and the machine's own managers and sockets stay out of sight. The
folders belong to the bench, so that a restarted daemon finds what it left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conman_core.client import request
from conman_core.errors import ConmanError
from conman_core.paths import Paths
from tests.netns.namespaces import Bench, Namespace

ROOT = Path(__file__).parents[2]
#: veth links count only when they are named; all else is as conman has it by default
SETTINGS = "[conman]\npriority = ethernet\n\n[conman:ethernet]\ninterfaces = eth0, eth1\n"
PRIVATE = ("run", "var/lib", "var/log")
# /etc/resolv.conf is the namespace's own file here (ip-netns(8)). Where it is a symlink into /run
# it lies below the private /run and has to be mounted again.
ENTER = """
set -e
resolver=$(readlink -f /etc/resolv.conf || true)
for folder in run var/lib var/log; do mount --bind "$0/$folder" "/$folder"; done
case $resolver in /run/*)
    mkdir -p "${resolver%/*}"; touch "$resolver"
    mount --bind "$1" "$resolver";;
esac
shift
exec "$@"
"""


class Device(Namespace):
    """The machine that conman runs on: a namespace with folders and a resolver file of its own."""

    def __init__(self, bench: Bench) -> None:
        self.folder = bench.folder / "device"
        for name in PRIVATE:
            (self.folder / name).mkdir(parents=True)
        (self.folder / "run/dhcpcd").mkdir()
        (self.folder / "var/lib/dhcpcd").mkdir()
        self.resolv_conf = Path(f"/etc/netns/{bench.prefix}-device/resolv.conf")
        self.resolv_conf.parent.mkdir(parents=True)
        self.resolv_conf.write_text("")
        super().__init__(bench, "device")
        bench.namespaces.append(self)
        # The strictest that a distribution sets by itself; conman has to loosen it on uplinks.
        self.sysctl("net.ipv4.conf.default.rp_filter", "1")

    def run(self, *argv: str, check: bool = True, stdin: str | None = None) -> str:
        """Run a program on the device to its end."""
        return super().run(*self._enter(argv), check=check, stdin=stdin)

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on the device; its pid is the program's own."""
        return super().start(*self._enter(argv), **options)

    def mac(self, interface: str) -> str:
        """The hardware address of an interface."""
        found = json.loads(self.ip("-json", "link", "show", "dev", interface))
        return str(found[0]["address"])

    def conman(
        self, *arguments: str, limit: float = 30.0, env: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a conman command on the device; the exit code is the caller's to judge."""
        command = conman_command(*arguments, env=env)
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *self._enter(command)],
            check=False,
            capture_output=True,
            text=True,
            timeout=limit,
            cwd="/",
        )

    def run_conman(self, settings: str = SETTINGS, env: Mapping[str, str] | None = None) -> Daemon:
        """Start `conman run` and return at once; `Daemon.wait` waits for a state."""
        (self.folder / "run/setup.cfg").write_text(settings)
        extra = tuple(f"{name}={value}" for name, value in (env or {}).items())
        command = conman_command("run", "--config", "/run/setup.cfg", env=extra)
        process = self.start(*command, log="conman.log", cwd="/")
        return Daemon(self, process)

    def _enter(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        return ("sh", "-c", ENTER, str(self.folder), str(self.resolv_conf), *argv)


def conman_command(*arguments: str, env: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The argv of a conman command, as on a device that runs it as a service."""
    folders = ("RUNTIME_DIRECTORY=/run/conman", "STATE_DIRECTORY=/var/lib/conman")
    script = Path(sys.executable).with_name("conman")
    if script.exists():
        return ("env", *folders, *env, str(script), *arguments)
    module = ("-m", "conman_core", *arguments)
    return ("env", *folders, f"PYTHONPATH={ROOT}", *env, sys.executable, *module)


class Daemon:
    """A running `conman run`."""

    def __init__(self, device: Device, process: subprocess.Popen[bytes]) -> None:
        self.device = device
        self.process = process
        self.started = time.monotonic()

    def status(self) -> dict[str, Any]:
        """What `conman status --json` says, without the start of a Python. Raises ConmanError."""
        folder = self.device.folder
        return request(Paths(folder / "run/conman", folder / "var/lib/conman"), "status")

    def wait(
        self, predicate: Callable[[dict[str, Any]], object], limit: float = 30.0
    ) -> dict[str, Any]:
        """Wait until the status is as wanted and return it; the error has status and log."""
        deadline = time.monotonic() + limit
        seen: dict[str, Any] | str = "no answer yet"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"conman ended: {self.process.returncode}\n{self.log()[-4000:]}")
            try:
                seen = self.status()
            except ConmanError as error:
                seen = str(error)
            else:
                if predicate(seen):
                    return seen
            time.sleep(0.05)
        raise AssertionError(f"not within {limit:g} s\n{seen}\n{self.log()[-4000:]}")

    def wait_uplink(self, interface: str | None, limit: float = 30.0) -> dict[str, Any]:
        """Wait until the traffic goes through an interface, or through none."""
        uplink = interface and f"ethernet:{interface}"
        return self.wait(lambda status: status["uplink"] == uplink, limit)

    def log(self) -> str:
        """What the daemons of this device have logged so far."""
        return self.device.bench.log("conman.log")

    def stop(self, limit: float = 15.0) -> int:
        """End it as a service manager does (SIGTERM) and return its exit code."""
        return self._end(signal.SIGTERM, limit)

    def kill(self) -> int:
        """Make it crash: SIGKILL, to it alone. What it leaves behind is part of the test."""
        return self._end(signal.SIGKILL, 5.0)

    def _end(self, how: int, limit: float) -> int:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, how)
        return self.process.wait(limit)
