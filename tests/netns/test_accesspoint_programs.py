"""The programs of the access point: the real hostapd, its key, and their ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core import ConnectError
from conman_plugins.accesspoint.hostapd import Hostapd, configuration
from tests.netns.guests import AP, HOSTAPD, WANTED, Place, place
from tests.netns.lan import name_of, wait_for
from tests.netns.namespaces import run

pytestmark = pytest.mark.netns


@pytest.fixture
def world() -> Iterator[Place]:
    with place() as there:
        yield there


@contextlib.contextmanager
def on_the_air(
    there: Place, *, ssid: bytes = b"Box", passphrase: str | None = "key-of-the-box"
) -> Iterator[dict[str, str]]:
    """Run hostapd alone; give what it says of itself."""
    heard: list[str] = []
    made = Hostapd(there.host, AP, joined=str, left=str, ended=heard.append)  # type: ignore[arg-type]
    text = configuration(
        AP,
        ssid=ssid,
        passphrase=passphrase,
        channel=6,
        country="",
        throughput=True,
        folder=made.folder,
    )

    async def status() -> str:
        await made.start(text)
        assert await made.clients() == []
        assert not await made.move(2412), "its driver can do nothing"
        assert made._control
        return await made._control.request("STATUS")

    try:
        lines = (line.partition("=") for line in there.do(status()).splitlines())
        yield {name: value for name, _, value in lines}
    finally:
        there.do(made.stop())
    assert heard == []


def printed(text: str) -> bytes:
    """Read a name as hostapd prints it (printf_encode of wpa_supplicant's common.c)."""
    letters = {"n": b"\n", "r": b"\r", "t": b"\t", "e": b"\x1b", "\\": b"\\", '"': b'"'}

    def decoded(match: re.Match[str]) -> str:
        code = match[1]
        raw = bytes.fromhex(code[1:]) if code[0] == "x" else letters[code]
        return raw.decode("latin-1")

    return re.sub(r"\\(x[0-9a-f]{2}|.)", decoded, text).encode("latin-1")


def programs(there: Place, name: str) -> list[int]:
    pids = map(int, run("ip", "netns", "pids", there.device.name).split())
    return [pid for pid in pids if name_of(pid) == name]


def test_the_key_is_in_no_command_and_in_no_file_that_others_can_read(world: Place) -> None:
    world.open()
    there = world
    secret = (WANTED.passphrase or "").encode()
    (hostapd,) = programs(there, "hostapd")
    for pid in map(int, run("ip", "netns", "pids", there.device.name).split()):
        seen = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert secret not in seen
    holders = [
        path
        for path in there.host.runtime.rglob("*")
        if path.is_file() and secret in path.read_bytes()
    ]
    assert [path.name for path in holders] == [f"{AP}.hostapd.conf"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
    assert str(holders[0]).encode() in Path(f"/proc/{hostapd}/cmdline").read_bytes()


@pytest.mark.parametrize("name", ["hostapd", "dnsmasq"])
def test_the_end_of_a_program_is_told_once(world: Place, name: str) -> None:
    world.open()
    (pid,) = programs(world, name)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: world.guests.fallen)
    assert world.guests.fallen == [f"{name} on {AP} ended"]


ODD = (
    bytes(range(32)),
    b'"quoted" \\ #x\n=y',
    "Caf\u00e9 \U0001f4f6".encode(),
    b"\xff\xfe",
    b" blanks ",
    b"x",
    b'P"x"',
)


def test_hostapd_itself_takes_every_name_as_it_is(world: Place) -> None:
    for ssid in ODD:
        with on_the_air(world, ssid=ssid) as status:
            assert printed(status["ssid[0]"]) == ssid
            assert status["state"] == "ENABLED"


@pytest.mark.parametrize("key", [None, "x" * 63, ' "#\\=;$(x) ', "8letters"])
def test_hostapd_itself_takes_every_key(world: Place, key: str | None) -> None:
    with on_the_air(world, passphrase=key) as status:
        assert status["state"] == "ENABLED"


def test_hostapd_without_a_radio_says_what_it_says(world: Place) -> None:
    world.script.unlink()
    world.script.symlink_to(HOSTAPD)
    with pytest.raises(ConnectError, match=r"hostapd ended at once: .*(?i:nl80211|driver)"):
        world.open()
    assert "10.0.0.1" not in world.kernel()["addresses"]
