"""A device with an access point, a phone that joined it, and the internet behind the device.

Instead of a radio a cable leads to the phone. hostapd is the real one, with its driver "none".
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any, TypeVar

from conman_core.children import Children
from conman_core.errors import ToolMissing
from conman_plugins.accesspoint.opening import Opening
from conman_plugins.accesspoint.page.state import State
from conman_plugins.accesspoint.plan import Plan
from conman_plugins.accesspoint.wanted import Wanted
from tests.accesspoint.kit import Core
from tests.netns.lan import ENTER
from tests.netns.namespaces import Bench, Namespace, bench

T = TypeVar("T")
AP = "ap0"
PAGE, ANSWER = "10.0.0.1", "192.0.2.1"
WANTED = Wanted(b"Box", "key-of-the-box", "", IPv4Interface(f"{PAGE}/24"), IPv4Address(ANSWER))
PLAN = Plan(AP, 0, AP, False, True, frozenset({2412, 2437, 2462}), True)
STATE = State("Box", PAGE, ANSWER, (), True, None, False)
#: the device's address in the network behind it, and that of a machine there
OUTSIDE, INTERNET = "198.51.100.2", "198.51.100.1"
HOSTAPD = str(shutil.which("hostapd"))  #: the real one
WITHOUT_RADIO = """#!/bin/sh
for file; do :; done
sed -i s/^driver=.*/driver=none/ "$file"
exec {hostapd} "$@"
"""
HOOK = '#!/bin/sh\n[ "$reason" != BOUND ] || env >"{file}"\n'
FORWARDED = """
table inet watch {
    chain seen { type filter hook prerouting priority -300;
        ip saddr { 10.0.0.0/24, 192.0.2.0/24 } counter name guests
        meta l4proto { tcp, udp } th dport 53 counter name names
    }
    counter guests { }
    counter names { }
}
"""


class Host(Core):
    """A plugin's context whose programs are real."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.children = Children(None)
        self.missing: set[str] = set()  #: programs that are not installed

    async def run(self, argv: Any, **named: Any) -> Any:
        if argv[0] in self.missing:
            raise ToolMissing(argv[0], argv[0])
        return await self.children.run(argv, **named)

    async def start(self, argv: Any, **named: Any) -> Any:
        return await self.children.start(argv, **named)


class Guests:
    """Hears what happens (opening.Guests)."""

    def __init__(self) -> None:
        self.fallen: list[str] = []
        self.visits = 0

    def came(self, mac: str) -> None: ...
    def went(self, mac: str) -> None: ...
    def look(self) -> None: ...
    def submitted(self, submission: object) -> None: ...

    def seen(self) -> None:
        self.visits += 1

    def fell(self, sentence: str) -> None:
        self.fallen.append(sentence)


class Place:
    """`open` puts the access point on the air; all else is there from the beginning."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        self.device, self.phone = made.namespace("device"), made.namespace("phone")
        self.internet = made.namespace("internet")
        made.cable(self.device, AP, self.phone, "ph0")
        made.cable(self.device, "up0", self.internet, "in0")
        self.device.ip("address", "add", f"{OUTSIDE}/24", "dev", "up0")
        self.internet.ip("address", "add", f"{INTERNET}/24", "dev", "in0")
        self.internet.ip("route", "add", "default", "via", OUTSIDE)
        self.device.ip("route", "add", "default", "via", INTERNET)
        self.device.sysctl("net.ipv4.ip_forward", "1")
        self.device.sysctl("net.ipv6.conf.all.forwarding", "1")
        self.internet.run("nft", "-f", "-", stdin=FORWARDED)
        self.guests = Guests()
        self.host = Host(made.folder / "runtime")
        self.host.runtime.mkdir()
        self.plan = PLAN
        self.script = made.folder / "bin/hostapd"  #: what is started in its place
        self.opening: Opening | None = None
        self._servers: list[socket.socket] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # -- the device

    def open(self, wanted: Wanted = WANTED) -> None:
        """Open the access point with its page, as the plugin does."""
        self.opening = Opening(self.host, wanted, self.plan, self.guests)  # type: ignore[arg-type]
        try:
            self.do(self.opening.open(STATE))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.opening:
            self.do(self.opening.close())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on a loop whose thread, and whose programs, are on the device."""
        if self._loop is None:
            ready = threading.Event()

            def run() -> None:
                self._loop = asyncio.new_event_loop()
                self._loop.call_soon(ready.set)
                self._loop.run_forever()
                self._loop.close()

            self._thread = threading.Thread(target=self.device.call, args=(run,))
            self._thread.start()
            assert ready.wait(10)
        assert self._loop
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def serve(
        self, where: Namespace, address: str, port: int, kind: int = socket.SOCK_STREAM
    ) -> None:
        """Let a program of the machine's own listen; it answers nothing."""

        def listen() -> None:
            made = socket.socket(socket.AF_INET, kind)
            self._servers.append(made)
            made.bind((address, port))
            if kind == socket.SOCK_STREAM:
                made.listen()

        where.call(listen)

    def rules(self) -> str:
        return self.device.run("nft", "list", "ruleset")

    def kernel(self) -> dict[str, str]:
        """What the access point changes on its interface."""
        names = ("ipv4/conf/{}/forwarding", "ipv6/conf/{}/disable_ipv6")

        def read() -> dict[str, str]:
            paths = (Path("/proc/sys/net") / name.format(AP) for name in names)
            return {str(path): path.read_text().strip() for path in paths}

        found = self.device.call(read)
        return found | {"addresses": self.device.ip("-brief", "-4", "address", "show", "dev", AP)}

    # -- the phone

    def join(self) -> dict[str, str]:
        """Get an address by DHCP, as a phone does; return what the server told."""
        told = self.bench.folder / "told"
        hook = self.bench.folder / "hook"
        hook.write_text(HOOK.format(file=told))
        hook.chmod(0o755)
        for folder in ("run", "lib"):
            (self.bench.folder / folder).mkdir(exist_ok=True)
        self.phone.run(
            *("sh", "-ec", ENTER, str(self.bench.folder), "dhcpcd", "-4", "-1", "-p", "--nodelay"),
            *("-A", "-f", "/dev/null", "-o", "domain_name_servers", "-h", "iPhone"),
            *("-c", str(hook), "ph0"),
        )
        lines = (line.partition("=") for line in told.read_text().splitlines())
        return {name: value for name, _, value in lines}

    def settle(self) -> None:
        """Have an address without asking."""
        self.phone.ip("address", "add", "10.0.0.99/24", "dev", "ph0")
        self.phone.ip("route", "add", "default", "via", PAGE)

    def ask(self, *words: str) -> list[str]:
        """Ask for names with `dig`; return status and answers, each as one line."""
        said = self.phone.run("dig", "+time=2", "+tries=1", "+noedns", *words, check=False)
        status = next(
            (line for line in said.splitlines() if "status: " in line), "status: TIMEOUT,"
        )
        answers = [
            " ".join(line.split())
            for line in said.partition("ANSWER SECTION:\n")[2].partition("\n\n")[0].splitlines()
        ]
        return [status.partition("status: ")[2].partition(",")[0], *answers]

    def connect(self, address: str, port: int, limit: float = 1.0) -> str:
        """Connect from the phone: open, refused at once, or silence."""

        def attempt() -> str:
            with socket.socket() as trying:
                trying.settimeout(limit)
                began = time.monotonic()
                code = trying.connect_ex((address, port))
            quick = time.monotonic() - began < limit / 2
            names = {0: "open", errno.ECONNREFUSED: "refused", errno.EAGAIN: "silence"}
            known = names.get(code, errno.errorcode.get(code, str(code)))
            return known if quick or known == "silence" else f"{known}, late"

        return self.phone.call(attempt)

    def fetch(self, address: str, host: str) -> bytes:
        """The beginning of what a web server answers."""
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

        def get() -> bytes:
            with socket.create_connection((address, 80), 5) as web:
                web.sendall(request)
                return web.recv(4096)

        return self.phone.call(get)

    def passed_on(self, counter: str = "guests") -> int:
        """How many packets of guests, or questions for names, have reached the internet."""
        said = self.internet.run("nft", "list", "counter", "inet", "watch", counter)
        return int(said.partition("packets ")[2].split()[0])

    def end(self) -> None:
        self.close()
        for server in self._servers:
            server.close()
        if self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        self.host.children.close()


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Give one; a program called hostapd stands before the real one and takes its radio away."""
    with bench("ap") as made, contextlib.ExitStack() as stack:
        there = Place(made)
        there.script.parent.mkdir()
        there.script.write_text(WITHOUT_RADIO.format(hostapd=HOSTAPD))
        there.script.chmod(0o755)
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{there.script.parent}:{path}"
        stack.callback(os.environ.__setitem__, "PATH", path)
        stack.callback(there.end)
        yield there
