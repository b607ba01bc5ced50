"""dnsmasq as a child: its settings, and each way in which it fails. Its answers: tests/netns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core import ConnectError, Reason
from conman_core.errors import ToolMissing
from conman_core.testing import FakeRunning
from conman_plugins.accesspoint import dnsmasq
from conman_plugins.accesspoint.dnsmasq import Dnsmasq, configuration
from tests.accesspoint.kit import Core, a_core, turns
from tests.core.machine import run_virtual

PAGE, ANSWER = IPv4Interface("10.0.0.1/24"), IPv4Address("192.0.2.1")


@pytest.fixture
def core() -> Iterator[Core]:
    with a_core() as made:
        made.programs["dnsmasq"] = works
        yield made


def works(program: FakeRunning) -> None:
    program.say("dnsmasq: started, version 2.90 cachesize 150")


def says_and_ends(*lines: str) -> Callable[[FakeRunning], None]:
    def does(program: FakeRunning) -> None:
        for line in lines:
            program.say(line)
        program.end(2)

    return does


def made(core: Core, ended: list[str] | None = None) -> Dnsmasq:
    return Dnsmasq(core, "ap0", (ended if ended is not None else []).append)  # type: ignore[arg-type]


def failure(core: Core) -> ConnectError:
    async def start() -> None:
        await made(core).start(PAGE, ANSWER)

    with pytest.raises(ConnectError) as caught:
        run_virtual(start())
    assert core.running == []
    return caught.value


@settings(max_examples=50)
@given(st.integers(1, 254), st.integers(1, 223), st.booleans())
def test_the_addresses_for_phones_are_in_the_network_and_none_is_the_devices(
    host: int, network: int, other: bool
) -> None:
    address = IPv4Interface(f"{network}.0.{int(other)}.{host}/24")
    with a_core() as core:
        text = configuration("ap0", address=address, answer=ANSWER, port=53, folder=core.runtime)
    line = next(line for line in text.splitlines() if line.startswith("dhcp-range="))
    first, last, mask, _ = line.partition("=")[2].split(",")
    low, high = IPv4Address(first), IPv4Address(last)
    assert mask == "255.255.255.0"
    assert address.network.network_address < low <= high < address.network.broadcast_address
    assert not low <= address.ip <= high
    assert int(high) - int(low) >= 125


def test_its_settings_are_in_a_file_for_root_alone(core: Core) -> None:
    run_virtual(made(core).start(PAGE, ANSWER, 5353))
    (program,) = core.started
    file = core.runtime / "ap0.dnsmasq.conf"
    assert program.argv == ("dnsmasq", f"--conf-file={file}")
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text().splitlines()
    assert {"interface=ap0", "port=5353", "address=/#/192.0.2.1", "local=/#/"} <= set(text)


def test_leases_of_another_time_are_forgotten(core: Core) -> None:
    (core.runtime / "dnsmasq.leases").write_text("1 02:00:00:00:00:01 10.0.0.9 * *\n")
    run_virtual(made(core).start(PAGE, ANSWER))
    assert not (core.runtime / "dnsmasq.leases").exists()


def test_it_has_begun_when_it_says_so(core: Core) -> None:
    core.programs["dnsmasq"] = lambda program: None

    async def story() -> None:
        starting = asyncio.create_task(made(core).start(PAGE, ANSWER))
        await asyncio.sleep(1)
        assert not starting.done()
        works(core.started[0])
        await starting

    run_virtual(story())


def test_one_that_is_not_installed_says_what_to_install(core: Core) -> None:
    del core.programs["dnsmasq"]

    async def start() -> None:
        await made(core).start(PAGE, ANSWER)

    with pytest.raises(ToolMissing, match="dnsmasq is not installed; install it"):
        run_virtual(start())


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((), "dnsmasq ended at once"),
        (
            ("dnsmasq: warning: no upstream", "dnsmasq: unknown interface: failed to bind"),
            "dnsmasq ended at once: dnsmasq: unknown interface: failed to bind",
        ),
        (
            ("dnsmasq: failed to bind DHCP server socket: Address already in use",),
            "another DHCP server has port 67 of all interfaces; let it listen on its own ones only,"
            " or phones get no address; find it with: ss -lnup sport = :67",
        ),
    ],
    ids=["silent", "with a reason", "a rival"],
)
def test_one_that_ends_at_once_is_told_with_what_it_said(
    core: Core, lines: tuple[str, ...], sentence: str
) -> None:
    core.programs["dnsmasq"] = says_and_ends(*lines)
    error = failure(core)
    assert (error.reason, error.sentence) == (Reason.BROKEN, sentence)


def test_one_that_hangs_is_ended(core: Core) -> None:
    core.programs["dnsmasq"] = lambda program: None
    assert failure(core).sentence == f"dnsmasq did not begin within {dnsmasq.START_LIMIT:g} s"


def test_a_folder_that_cannot_be_written_is_told(core: Core) -> None:
    (core.runtime / "ap0.dnsmasq.conf").mkdir()

    async def start() -> None:
        await made(core).start(PAGE, ANSWER)

    with pytest.raises(OSError, match=r"cannot write .*ap0\.dnsmasq\.conf"):
        run_virtual(start())
    assert core.running == []


def test_its_end_is_told_once_and_not_if_it_was_stopped(core: Core) -> None:
    async def story() -> None:
        ended: list[str] = []
        one = made(core, ended)
        await one.start(PAGE, ANSWER)
        core.started[0].say("dnsmasq: error: out of memory")
        core.started[0].end(-9)
        await turns(5)
        assert ended == ["dnsmasq on ap0 ended: dnsmasq: error: out of memory"]
        two = made(core, ended)
        await two.start(PAGE, ANSWER)
        await two.stop()
        await turns(5)
        assert len(ended) == 1

    run_virtual(story())
    assert core.running == []


@pytest.mark.parametrize("when", range(12))
def test_cancelled_at_any_moment_it_does_not_run(core: Core, when: int) -> None:
    core.programs["dnsmasq"] = lambda program: None

    async def story() -> None:
        starting = asyncio.create_task(made(core).start(PAGE, ANSWER))
        await turns(when)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    run_virtual(story())
    assert core.running == []
