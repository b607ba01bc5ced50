"""The wall round the guests: its text, and what happens without the program that builds it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from conman_core.errors import SystemFault, ToolMissing
from conman_core.testing.fakes import FakeFinished
from conman_plugins.accesspoint import wall
from conman_plugins.accesspoint.wall import Ports, close_in, open_up, rules
from tests.accesspoint.kit import Core, a_core
from tests.core.machine import run_virtual

OWN = (IPv4Address("10.0.0.1"), IPv4Address("192.0.2.1"))
USUAL, OTHERS = Ports(), Ports(page=40080, names=40053)
FAULTS = [
    ToolMissing("nft", "nftables"),
    SystemFault("conman ends; nft is not started any more"),
    TimeoutError("nft did not end within 5 s and was stopped"),
    FakeFinished(1, "", "Error: Could not process rule: Operation not supported\n"),
]
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=["missing", "end", "hangs", "refuses"])


@pytest.fixture
def core() -> Iterator[Core]:
    with a_core() as made:
        yield made


def build(core: Any, ports: Ports = USUAL) -> None:
    run_virtual(wall.build(core, "ap0", OWN, ports))


# -- the table; what it does is seen in tests/netns


def test_on_the_usual_ports_nothing_is_led_elsewhere() -> None:
    assert "redirect" not in rules("ap0", OWN, USUAL)


def test_what_others_have_is_led_to_our_own() -> None:
    text = rules("ap0", OWN, OTHERS)
    assert [line for line in text.splitlines() if "redirect" in line] == [
        'iifname "ap0" tcp dport 80 redirect to :40080',
        'iifname "ap0" tcp dport 53 redirect to :40053',
        'iifname "ap0" udp dport 53 redirect to :40053',
    ]
    assert rules("ap0", OWN, Ports(page=81)).count("redirect") == 1


def test_every_rule_is_for_the_access_point_alone() -> None:
    text = rules("ap0", OWN, OTHERS)
    for chain in text.split("chain ")[2:]:
        for line in chain.splitlines()[1:]:
            assert line.startswith(('iifname "ap0" ', 'oifname "ap0" ', "}")), line


def test_the_table_is_handed_to_nft_and_taken_away_again(core: Core) -> None:
    build(core)
    run_virtual(wall.tear_down(core))  # type: ignore[arg-type]
    assert [argv for argv, _ in core.ran] == [("nft", "-f", "-")] * 2
    assert core.ran[0][1] == rules("ap0", OWN, USUAL)
    assert core.ran[1][1].endswith("delete table inet conman_accesspoint\n")


@every_fault
def test_without_nft_the_access_point_opens_all_the_same_and_says_what_that_means(
    core: Core, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    core.nft = fault
    build(core)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    said = fault.stderr.strip() if isinstance(fault, FakeFinished) else str(fault)
    assert record.message == (
        f"guests of the access point reach all that this machine offers: {said}"
    )


@every_fault
def test_without_nft_it_does_not_open_where_others_have_its_ports(core: Core, fault: Any) -> None:
    core.nft = fault
    with pytest.raises(SystemFault, match="another program has port 80 or 53"):
        build(core, OTHERS)


@every_fault
def test_taking_it_away_never_fails(core: Core, fault: Any) -> None:
    core.nft = fault
    run_virtual(wall.tear_down(core))  # type: ignore[arg-type]


# -- the kernel


class Kernel:
    def __init__(self, root: Path) -> None:
        self.root = root
        for path, value in (("ipv4/conf/ap0/forwarding", 1), ("ipv6/conf/ap0/disable_ipv6", 0)):
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text(f"{value}\n")

    def now(self) -> list[str]:
        files = ("ipv4/conf/ap0/forwarding", "ipv6/conf/ap0/disable_ipv6")
        return [(self.root / name).read_text().strip() for name in files]


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_the_kernel_passes_nothing_on_and_then_does_what_it_did(kernel: Kernel) -> None:
    before = close_in("ap0", kernel.root)
    assert kernel.now() == ["0", "1"]
    open_up("ap0", before, kernel.root)
    assert kernel.now() == ["1", "0"]


def test_a_kernel_without_ipv6_is_fine(kernel: Kernel) -> None:
    (kernel.root / "ipv6/conf/ap0/disable_ipv6").unlink()
    before = close_in("ap0", kernel.root)
    assert (kernel.root / "ipv4/conf/ap0/forwarding").read_text() == "0"
    open_up("ap0", before, kernel.root)
    assert (kernel.root / "ipv4/conf/ap0/forwarding").read_text() == "1"


def test_a_setting_that_cannot_be_made_is_told_and_the_others_are_as_before(
    kernel: Kernel,
) -> None:
    path = kernel.root / "ipv6/conf/ap0/disable_ipv6"
    path.unlink()
    path.mkdir()
    with pytest.raises(SystemFault, match="disable_ipv6 cannot be set to 1: Is a directory"):
        close_in("ap0", kernel.root)
    assert (kernel.root / "ipv4/conf/ap0/forwarding").read_text() == "1"


@pytest.mark.parametrize("before", [{"../../etc/passwd": "1"}, {"ipv4/conf/{}/rp_filter": "9"}])
def test_nothing_else_is_ever_written(kernel: Kernel, before: dict[str, str]) -> None:
    """The values come from a file."""
    open_up("ap0", before, kernel.root)
    assert kernel.now() == ["1", "0"]
    assert len(list(kernel.root.rglob("*"))) == 8


def test_an_interface_that_is_gone_needs_nothing(kernel: Kernel) -> None:
    open_up("wlan9", {"ipv4/conf/{}/forwarding": "1"}, kernel.root)
