"""The real wpa_supplicant, without a radio, as the judge of what it takes."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from tests.netns.namespaces import Bench, bench

_CONTROL = re.compile(rb"(?m)^([ \t\r]*)(ctrl_interface=).*$")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"e": b"\x1b"}


class Oracle:
    """One wpa_supplicant on a cable that leads nowhere, in a namespace of its own."""

    def __init__(self, made: Bench) -> None:
        left, right = made.namespace("sup"), made.namespace("end")
        made.cable(left, "w0", right, "w1")
        self.folder = made.folder
        self.file = made.folder / "known.conf"
        self._header = f"ctrl_interface={made.folder}/ctrl\n".encode()
        self.file.write_bytes(self._header)
        address = made.folder / "global"
        program = shutil.which("wpa_supplicant", path="/usr/sbin:/sbin:/usr/bin")
        assert program, "wpa_supplicant is not installed: apt install wpasupplicant"
        self.process = left.start(
            *(program, "-i", "w0", "-D", "wired", "-c", str(self.file), "-g", str(address)),
            log="wpa.log",
        )
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(10)
        self._socket.bind(str(made.folder / "asks"))
        deadline = time.monotonic() + 10
        while True:
            try:
                self._socket.connect(str(address))
                if self.ask("PING") == b"PONG\n":
                    break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        self._socket.close()

    def ask(self, command: str | bytes) -> bytes:
        """Send a command for the interface and return the reply."""
        text = command if isinstance(command, bytes) else command.encode(errors="surrogateescape")
        self._socket.send(b"IFNAME=w0 " + text)
        return self._socket.recv(65536)

    def takes(self, data: bytes, *, whole: bool = False) -> bool:
        """Tell whether it takes this file; `whole` for one that is not to get a first line."""
        data = _CONTROL.sub(rb"\1\2" + f"{self.folder}/ctrl".encode(), data)
        self.file.write_bytes(data if whole else self._header + data)
        return self.ask("RECONFIGURE") == b"OK\n"

    def networks(self) -> list[int]:
        """The ids of the networks it has."""
        found: list[int] = []
        while True:
            after = f" LAST_ID={found[-1]}" if found else ""
            lines = self.ask("LIST_NETWORKS" + after).split(b"\n")[1:]
            ids = [int(line.split(b"\t")[0]) for line in lines if line]
            if not ids:
                return found
            found += ids

    def value(self, number: int, name: str) -> bytes | None:
        """The value of a variable as it would be written; None if it is not set."""
        reply = self.ask(f"GET_NETWORK {number} {name}")
        return None if reply == b"FAIL\n" else reply

    def ssid(self, number: int) -> bytes:
        """The name of a network, empty if it has none."""
        value = self.value(number, "ssid")
        if value is None:
            return b""
        return value[1:-1] if value.startswith(b'"') else bytes.fromhex(value.decode())

    def secrets(self) -> list[dict[bytes, bytes]]:
        """The psk and the sae_password of each network, as SAVE_CONFIG writes them."""
        assert self.ask("SET update_config 1") == b"OK\n"
        assert self.ask("SAVE_CONFIG") == b"OK\n"
        found = []
        for block in self.file.read_bytes().split(b"\nnetwork={\n")[1:]:
            lines = [line[1:].partition(b"=") for line in block.split(b"\n")]
            found.append({n: v for n, _, v in lines if n in {b"psk", b"sae_password"}})
        return found

    def refuses(self, pairs: list[tuple[str, str]]) -> list[str]:
        """Make a network of (variable, value) pairs and return the variables it refuses."""
        number = self.ask("ADD_NETWORK").decode().strip()
        try:
            return [
                name
                for name, value in pairs
                if self.ask(f"SET_NETWORK {number} {name} {value}") != b"OK\n"
            ]
        finally:
            assert self.ask(f"REMOVE_NETWORK {number}") == b"OK\n"


@contextlib.contextmanager
def oracle() -> Iterator[Oracle]:
    """Give the judge, and remove it."""
    with bench("wo") as made:
        judge = Oracle(made)
        try:
            yield judge
        finally:
            judge.close()


CORPUS = Path(__file__).parent / "corpus"
