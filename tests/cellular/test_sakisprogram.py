"""The program sakis3g is run so that it can do no harm, and the pppd that it starts is ours."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from pathlib import Path
from unittest.mock import ANY

import pytest

from conman_core import ConnectError, Reason
from conman_core.inventory import Inventory
from conman_core.model import IPInterface
from conman_core.testing import FakeContext, run
from conman_plugins.cellular.pppd import Call
from conman_plugins.cellular.sakisprogram import SakisCall, arguments

CALL = Call("/dev/ttyUSB0", user="me", password="s3cret")
ARGV = ["env", ANY, *arguments(CALL, "internet", "12d1:1001", 10, "conman-ttyUSB0")]


class Addresses(Inventory):
    """An interface that has an address."""

    def addresses(self, name: str) -> tuple[IPInterface, ...]:
        assert name == "ppp10"
        return IPv6Interface("fe80::1/64"), IPv4Interface("10.64.1.2/32")


class Desk:
    """A machine in a folder, where a program named pppd runs after a good dial."""

    def __init__(self, root: Path) -> None:
        self.context = FakeContext()
        self.run = root
        self.ends: list[tuple[Reason, str]] = []
        (root / "resolv.conf").write_text("nameserver 8.8.8.8\nnameserver 0.0.0.0\nrubbish\n")
        (root / "pppd").symlink_to(shutil.which("sleep") or "")
        self.pppd: subprocess.Popen[bytes] | None = None

    def dials(self, program: str = "pppd") -> None:
        self.pppd = subprocess.Popen([self.run / program, "60"])
        (self.run / "ppp-conman-ttyUSB0.pid").write_text(f"{self.pppd.pid}\nppp10\n")

    def call(self) -> SakisCall:
        return SakisCall(
            self.context,
            CALL,
            "internet",
            "12d1:1001",
            lambda *why: self.ends.append(why),
            run=self.run,
            dns=self.run / "resolv.conf",
            note=self.run / "sakis3g.3gnet",
            inventory=Addresses(),
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    if made.pppd:
        made.pppd.kill()
        made.pppd.wait(5)


def test_it_is_told_to_leave_routes_and_resolver_alone() -> None:
    words = arguments(CALL, "internet", "12d1:1001", 10, "conman-ttyUSB0")

    assert words[:5] == ["sakis3g", "--console", "--pppd", "--nofix", "connect"]
    assert "disconnect" not in words
    assert "CUSTOM_TTY=/dev/ttyUSB0" in words
    options = words[-1].partition("=")[2].split()
    assert {"nodefaultroute", "ip-up-script", "/bin/true", "noauth"} <= set(options)
    assert "defaultroute" not in options
    assert not any("SIM_PIN" in word for word in words)


def test_what_its_own_options_did_ours_do() -> None:
    words = arguments(CALL, "internet", "", 10, "conman-ttyUSB0")

    assert words[-1].startswith("PPPD_OPTIONS=nodetach modem crtscts lock noipdefault maxfail 1 ")


@pytest.mark.parametrize(("user", "password"), [("me", "s3cret"), ("", ""), ("me", "")])
def test_it_always_gets_user_and_password_for_without_it_does_not_dial(
    user: str, password: str
) -> None:
    words = arguments(Call("/dev/ttyUSB0", user=user, password=password), "internet", "", 10, "n")

    assert {f"APN_USER={user or 'x'}", f"APN_PASS={password or 'x'}"} <= set(words)


def test_a_value_that_it_would_run_is_not_given_to_it(desk: Desk) -> None:
    call = SakisCall(desk.context, Call("/dev/ttyUSB0", user="a$(x)"), "internet", "", print)
    with pytest.raises(ConnectError, match="cannot be given this: the user has") as raised:
        run(call.start())

    assert raised.value.reason is Reason.MISCONFIGURED
    assert desk.context.calls == []


def test_a_dial_gives_what_the_interface_has_and_the_servers_that_pppd_was_told(
    desk: Desk,
) -> None:
    desk.dials()

    async def check() -> None:
        desk.context.expect(ARGV)
        call = desk.call()
        connection = await call.start()
        assert connection.interface == "ppp10"
        assert [str(each.interface) for each in connection.addresses] == ["10.64.1.2/32"]
        assert connection.dns == (IPv4Address("8.8.8.8"),)
        await call.end()
        await call.end()
        assert desk.pppd
        assert desk.pppd.wait(5) == -signal.SIGTERM

    run(check())
    assert desk.ends == []
    home = desk.context.runtime / "home-conman-ttyUSB0"
    assert list(home.iterdir()) == []
    assert desk.context.calls[0].argv[1] == f"HOME={home}"


@pytest.mark.parametrize("code", [0, 95])
def test_what_the_script_notes_for_everybody_is_removed(desk: Desk, code: int) -> None:
    desk.dials()
    note = desk.run / "sakis3g.3gnet"
    note.write_text('APN_PASS="s3cret"\n')
    desk.context.expect(ARGV, returncode=code)

    async def check() -> None:
        call = desk.call()
        with contextlib.suppress(ConnectError):
            await call.start()
        assert not note.exists()
        await call.end()

    run(check())


def test_a_call_that_ends_by_itself_is_told(desk: Desk) -> None:
    desk.dials()

    async def check() -> None:
        desk.context.expect(ARGV)
        call = desk.call()
        await call.start()
        assert desk.pppd
        desk.pppd.kill()
        async with asyncio.timeout(5):
            while not desk.ends:
                await asyncio.sleep(0.01)
        await call.end()

    run(check())
    assert desk.ends == [(Reason.LOST, "the network ended the call")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, Reason.BROKEN),
        (12, Reason.PIN_WRONG),
        (13, Reason.NOT_REGISTERED),
        (95, Reason.WRONG_APN),
        (4, Reason.NO_TOOL),
        (42, Reason.TIMEOUT),
    ],
)
def test_its_exit_codes_have_words(desk: Desk, code: int, reason: Reason) -> None:
    desk.context.expect(ARGV, returncode=code)
    with pytest.raises(ConnectError) as raised:
        run(desk.call().start())
    assert raised.value.reason is reason
    assert raised.value.sentence


def test_a_folder_that_cannot_be_made_is_told(desk: Desk) -> None:
    (desk.context.runtime / "home-conman-ttyUSB0").write_text("")
    with pytest.raises(ConnectError, match="home-conman-ttyUSB0 cannot be written: File exists"):
        run(desk.call().start())


def test_what_a_dial_without_end_has_started_is_ended(desk: Desk) -> None:
    desk.dials()
    desk.context.expect(ARGV, hangs=True)
    with pytest.raises(ConnectError, match="did not end within 120 s"):
        run(desk.call().start())
    assert desk.pppd
    assert desk.pppd.wait(5) == -signal.SIGTERM


def test_another_program_with_that_number_is_left_alone(desk: Desk) -> None:
    (desk.run / "other").symlink_to(shutil.which("sleep") or "")
    desk.dials("other")
    desk.context.expect(ARGV)
    with pytest.raises(ConnectError, match="but no pppd runs"):
        run(desk.call().start())
    assert desk.pppd
    assert desk.pppd.poll() is None
