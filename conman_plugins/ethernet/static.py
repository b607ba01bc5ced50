"""The connection that the settings of `address = static` describe, if they fit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from conman_core import Address, ConnectError, Connection, Family, Reason
from conman_core.model import IPAddress, IPInterface


def faults(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what does not fit together in the settings, with the key that it is about."""
    if settings["address"] != "static":
        for key in ("static-address", "gateway"):
            if settings[key] is not None:
                yield (
                    key,
                    f"{key} = {settings[key]} has no effect without address = static;"
                    f" write that line too, or delete this one",
                )
        return
    yield from _faults_of_address(settings["static-address"], settings["gateway"])
    names = tuple(dict.fromkeys(settings["interfaces"]))
    if len(names) > 1:
        yield (
            "interfaces",
            f"interfaces = {', '.join(names)} does not go with address = static: only one interface"
            f" can have the address; write interfaces = {names[0]}",
        )


def _faults_of_address(
    own: IPInterface | None, gateway: IPAddress | None
) -> Iterator[tuple[str, str]]:
    if own is None:
        yield (
            "address",
            "address = static needs a static-address; write one such as"
            " static-address = 192.168.1.20/24, or write address = dhcp",
        )
    elif not _is_host(own.ip, own):
        yield (
            "static-address",
            f"static-address = {own} is not the address of a host in {own.network};"
            f" write another address of that network",
        )
    elif gateway is None:
        return
    elif gateway.version != own.version:
        yield (
            "gateway",
            f"gateway = {gateway} and static-address = {own} are of two kinds;"
            f" write a gateway of IPv{own.version}",
        )
    elif gateway == own.ip or not _reachable(gateway, own):
        yield (
            "gateway",
            f"gateway = {gateway} cannot be reached from static-address = {own};"
            f" write the router's own address in {own.network}",
        )


def static_connection(name: str, settings: Mapping[str, Any]) -> Connection:
    """Return the connection that the settings describe. Raises ConnectError(MISCONFIGURED)."""
    own: IPInterface | None = settings["static-address"]
    gateway: IPAddress | None = settings["gateway"]
    for _, sentence in _faults_of_address(own, gateway):
        raise misconfigured(sentence)
    assert own is not None  # noqa: S101 - for mypy: that is a fault
    gateways = {} if gateway is None else {Family(gateway.version): gateway}
    return Connection(name, (Address(own),), gateways, settings["dns"])


def _is_host(address: IPAddress, own: IPInterface) -> bool:
    if address.is_unspecified or address.is_multicast or address.is_loopback:
        return False
    network = own.network
    # RFC 3021: a /31 has neither network nor broadcast address, nor has IPv6 (RFC 4291)
    if not isinstance(network, IPv4Network) or network.prefixlen >= 31:
        return True
    return address not in {network.network_address, network.broadcast_address}


def _reachable(gateway: IPAddress, own: IPInterface) -> bool:
    """Whether the gateway is on the link: in the network, or link-local, or nothing else is."""
    alone = own.network.num_addresses == 1
    on_link = alone or gateway.is_link_local or gateway in own.network
    return on_link and _is_host(gateway, own)


def misconfigured(sentence: str) -> ConnectError:
    """Return the error for settings that do not fit."""
    return ConnectError(Reason.MISCONFIGURED, f"{sentence} (section [conman:ethernet])")
