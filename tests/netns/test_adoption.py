"""What is found on an interface is described as it is, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.ledger import Ledger
from conman_core.model import Connection, Family
from conman_core.net.adoption import Adoption, _servers
from conman_core.net.netlink import Netlink
from conman_core.net.resolver import Resolver
from conman_core.network import Network
from tests.netns.namespaces import Namespace, bench

pytestmark = pytest.mark.netns


@pytest.fixture
def host() -> Iterator[Namespace]:
    with bench() as made:
        host, other = made.namespace("host"), made.namespace("other")
        made.cable(host, "eth0", other, "eth0")
        yield host


def found(host: Namespace, resolv_conf: Path) -> Connection | None:
    def look() -> Connection | None:
        with Netlink() as netlink:
            return Adoption(netlink, resolv_conf).found_on("eth0", netlink.link("eth0").index)

    return host.call(look)


def test_an_address_without_a_default_route_is_no_uplink(host: Namespace, tmp_path: Path) -> None:
    assert found(host, tmp_path / "none") is None
    host.ip("addr", "add", "10.9.0.2/24", "dev", "eth0")
    assert found(host, tmp_path / "none") is None


def test_the_best_default_route_and_the_files_servers_are_taken(
    host: Namespace, tmp_path: Path
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# comment\nsearch home\nnameserver 10.9.0.1\nnameserver nonsense\n")
    host.ip("addr", "add", "10.9.0.2/24", "dev", "eth0", "valid_lft", "500", "preferred_lft", "500")
    for gateway, metric in (("10.9.0.7", "700"), ("10.9.0.1", "100")):
        host.ip("route", "add", "default", "via", gateway, "metric", metric)

    connection = found(host, file)
    assert connection is not None
    assert connection.addresses[0].interface == ip_interface("10.9.0.2/24")
    assert 490 < (connection.addresses[0].valid or 0) <= 500
    assert connection.gateways == {Family.IPV4: ip_address("10.9.0.1")}
    assert connection.dns == (ip_address("10.9.0.1"),)


def test_the_files_servers_belong_to_the_interface_that_carries_the_traffic(
    host: Namespace, tmp_path: Path
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 10.9.0.1\n")
    host.bench.cable(host, "eth1", host.bench.namespaces[1], "eth1")
    for number, metric in ((0, "400"), (1, "100")):
        host.ip("addr", "add", f"10.9.{number}.2/24", "dev", f"eth{number}")
        via = f"10.9.{number}.1"
        host.ip("route", "add", "default", "via", via, "dev", f"eth{number}", "metric", metric)

    def look() -> list[Connection | None]:
        ledger = Ledger(tmp_path / "ledger.json")
        network = Network(ledger, Resolver(file, ledger), resolv_conf=file)
        uplink = network.found("eth1")
        assert uplink is not None
        network.configure(uplink, 10_000)  # as every link that is not verified yet
        standby = network.found("eth0")
        network.close()
        return [uplink, standby]

    dns = [connection and connection.dns for connection in host.call(look)]
    assert dns == [(ip_address("10.9.0.1"),), ()]


def test_a_route_without_a_gateway_is_on_link(host: Namespace, tmp_path: Path) -> None:
    host.ip("addr", "add", "10.9.0.2/24", "dev", "eth0")
    host.ip("route", "add", "default", "dev", "eth0")

    connection = found(host, tmp_path / "none")
    assert connection is not None
    assert connection.gateways == {Family.IPV4: None}


@given(st.binary(max_size=200))
def test_any_resolver_file_gives_addresses_or_none(content: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        assert isinstance(_servers(Path(file.name)), tuple)
