"""Network namespaces with real links, made and removed by tests, the demo and the bench alike.

Every name carries a prefix of its own, and `Bench.close` removes all that has it. Nothing here
touches the machine's own interfaces, routes or resolver file.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

T = TypeVar("T")
CLONE_NEWNET = 0x40000000  # linux/sched.h
_numbers = itertools.count()


def run(*argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a program on the host side and return what it printed."""
    done = subprocess.run(
        argv, check=False, input=stdin, capture_output=True, text=True, timeout=60
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Namespace:
    """One network namespace: a host of the small internet."""

    def __init__(self, bench: Bench, role: str) -> None:
        self.bench = bench
        self.role = role
        self.name = f"{bench.prefix}-{role}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.sysctl("net.ipv6.conf.all.disable_ipv6", "0")

    def ip(self, *words: str, check: bool = True) -> str:
        """Run `ip` in this namespace."""
        return run("ip", "-n", self.name, *words, check=check)

    def run(self, *argv: str, check: bool = True, stdin: str | None = None) -> str:
        """Run a program in this namespace to its end."""
        return run("ip", "netns", "exec", self.name, *argv, check=check, stdin=stdin)

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program in this namespace; the bench ends it, with all of its group."""
        command = ["ip", "netns", "exec", self.name, *argv]
        return self.bench.start(command, **options)

    def sysctl(self, name: str, value: str) -> None:
        """Set a kernel setting of this namespace."""
        self.run("sysctl", "-q", "-w", f"{name}={value}")

    def call(self, function: Callable[[], T]) -> T:
        """Run a function on a thread that is inside this namespace and return its result."""
        result: list[T] = []
        failure: list[BaseException] = []

        def inside() -> None:
            try:
                with Path(f"/run/netns/{self.name}").open() as handle:
                    libc = ctypes.CDLL(None, use_errno=True)
                    if libc.setns(handle.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(function())
            except BaseException as error:  # noqa: BLE001 - handed to the caller below
                failure.append(error)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return result[0]


class Bench:
    """Owns namespaces, processes and a temporary folder, and removes them all."""

    def __init__(self, prefix: str = "cm") -> None:
        self.prefix = f"{prefix}{os.getpid()}n{next(_numbers)}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.prefix}-"))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.namespaces: list[Namespace] = []

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def namespace(self, role: str) -> Namespace:
        """Make a host."""
        host = Namespace(self, role)
        self.namespaces.append(host)
        return host

    def cable(self, left: Namespace, left_name: str, right: Namespace, right_name: str) -> None:
        """Lay a cable: a veth pair with an end in each host, both ends up."""
        run(
            *("ip", "link", "add", left_name, "netns", left.name),
            *("type", "veth", "peer", "name", right_name, "netns", right.name),
        )
        left.ip("link", "set", left_name, "up")
        right.ip("link", "set", right_name, "up")

    def start(
        self, argv: Sequence[str], log: str | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start a process in its own group; its output goes to `folder/log`, or nowhere."""
        with contextlib.ExitStack() as stack:
            output: IO[bytes] | int = subprocess.DEVNULL
            if log:
                output = stack.enter_context((self.folder / log).open("ab"))
            options = {"stdout": output, "stderr": output, "stdin": subprocess.DEVNULL} | options
            process = subprocess.Popen(list(argv), start_new_session=True, **options)
        self.processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> int:
        """End a process of this bench and its group, and wait for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            code = process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait(10)
        for stream in (process.stdout, process.stderr, process.stdin):
            if stream:
                stream.close()
        if process in self.processes:
            self.processes.remove(process)
        return code

    def log(self, name: str) -> str:
        """What a process wrote to its log."""
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """End every process and remove every namespace and file of this bench."""
        for process in reversed(self.processes[:]):
            self.stop(process)
        for host in self.namespaces:
            # whatever a process under test left behind in its namespace
            for pid in run("ip", "netns", "pids", host.name, check=False).split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "del", host.name, check=False)
            shutil.rmtree(f"/etc/netns/{host.name}", ignore_errors=True)
        self.namespaces.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def bench(prefix: str = "cm") -> Iterator[Bench]:
    """Give a bench that is removed whatever happens."""
    made = Bench(prefix)
    try:
        yield made
    finally:
        made.close()
