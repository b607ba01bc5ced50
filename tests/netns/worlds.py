"""A machine of its own inside a network namespace: private /run, /etc and process numbers.

Other network managers keep their state in /run and their settings in /etc whatever the network
namespace; in a world they run as they would on a device, and the machine under it stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.netns.namespaces import Bench, Namespace

T = TypeVar("T")
ROOT = Path(__file__).parents[2]

# /sys read-only is how a container says that no udev runs; networkd and NetworkManager believe it
_SETUP = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cp -a /etc/. /mnt
rm -f /mnt/resolv.conf /mnt/NetworkManager/conf.d/* /mnt/network/interfaces.d/*
mount --move /mnt /etc
mount -t tmpfs tmpfs /run
for folder in /var/lib/NetworkManager /var/lib/dhcpcd /etc/systemd/network /lib/systemd/network; do
    if [ -d $folder ]; then mount -t tmpfs tmpfs $folder; fi
done
mkdir -p /run/dbus /run/network /run/dhcpcd /run/systemd/netif/links /run/systemd/netif/leases
chown -R systemd-network: /run/systemd/netif 2>/dev/null || true
mount -o remount,ro,bind /sys
echo ready
exec sleep infinity
"""


def need(program: str, package: str) -> None:
    """Skip the test if a program is missing; fail it if everything must be tested."""
    if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin:/lib/systemd"):
        return
    if os.environ.get("CONMAN_TEST_ALL") == "1":
        pytest.fail(f"{program} is missing: apt install {package}")
    pytest.skip(f"{program} is missing: apt install {package}")


def wait_for(found: Callable[[], T | None], limit: float = 15.0) -> T:
    """Ask again until the answer is true; fail with the last answer when the time is over."""
    deadline = time.monotonic() + limit
    while True:
        answer = found()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"still {answer!r} after {limit} s")
        time.sleep(0.05)


class World:
    """The inside of one namespace. To be closed before its bench."""

    def __init__(self, bench: Bench, host: Namespace) -> None:
        self.bench = bench
        self.host = host
        unshare = ("unshare", "-m", "-p", "--fork", "--kill-child", "--mount-proc")
        self._keeper = host.start(*unshare, "sh", "-c", _SETUP, stdout=subprocess.PIPE)
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"ready\n":
            raise RuntimeError("the world could not be made")
        children = Path(f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children")
        self.pid = int(children.read_text())

    def close(self) -> None:
        """End everything inside at once; process 1 of a world takes no gentler signal."""
        self.bench.stop(self._keeper, signal.SIGKILL)

    def inside(self, *argv: str, network: str | None = None) -> list[str]:
        """Return the command that runs a command inside, or in another network namespace."""
        net = f"--net=/run/netns/{network}" if network else "-n"
        return ["nsenter", "-t", str(self.pid), "-m", "-p", net, "--", *argv]

    def sh(self, script: str, check: bool = True) -> str:
        """Run a shell script inside to its end and return what it printed."""
        done = subprocess.run(
            self.inside("sh", "-c", script), capture_output=True, text=True, timeout=30, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"{script}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, *argv: str, log: str | None = None) -> subprocess.Popen[bytes]:
        """Start a program inside; the bench ends it."""
        return self.bench.start(self.inside(*argv), log)

    def python(self, code: str, *prefix: str, network: str | None = None) -> Any:
        """Run Python code inside, which leaves its answer in `answer`, and return that."""
        code = f"{code}\nimport json; print(json.dumps(answer))"
        argv = [*prefix, sys.executable, "-c", code]
        done = subprocess.run(
            self.inside(*argv, network=network),
            capture_output=True,
            text=True,
            timeout=30,
            cwd=ROOT,
            check=False,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)
