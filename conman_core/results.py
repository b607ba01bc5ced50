"""Checks of what driver code returned: data from a stranger, until it has passed here. Pure.

Each check returns a clean copy, or raises ValueError with what is wrong; it may run on the
driver's own lane only, as even looking at a stranger's object may hang.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface
from typing import Any

from conman_core.lane import one_line
from conman_core.model import (
    Address,
    Choice,
    Connection,
    ConnectionChanged,
    DriverEvent,
    Family,
    FormField,
    Link,
    Lost,
    ProbeAgain,
    Reason,
    Retry,
    Specificity,
    StaticRoute,
    Unavailable,
)

_DEVICE = re.compile(r"[^\s,\x00-\x1f\x7f]{1,64}")  # `priority` is split at commas
_MOST = 256  #: more entries than this in one answer is a fault, not a machine
_MTU = range(68, 65536)  # RFC 791 section 3.2: every host forwards 68; the 16-bit length ends it


def _refuse(what: str, value: Any, wanted: str) -> ValueError:
    try:
        shown = one_line(repr(value))
    except Exception:  # noqa: BLE001 - a stranger's __repr__
        shown = f"an unprintable {type(value).__name__}"
    return ValueError(f"{what} is {shown}, not {wanted}")


def _many(what: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise _refuse(what, value, "a list or tuple")
    if len(value) > _MOST:
        raise ValueError(f"{what} has {len(value)} entries, more than {_MOST}")
    return tuple(value)


def _is(what: str, value: Any, kind: type, wanted: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _refuse(what, value, wanted)


def _interface(what: str, value: Any) -> None:
    # net/core/dev.c dev_valid_name: IFNAMSIZ is 16 with the final NUL; no '/', ':' or blanks
    if not isinstance(value, str) or not re.fullmatch(r"[^\s/:\x00-\x1f\x7f]{1,15}", value):
        raise _refuse(what, value, "the name of a network interface")
    if value in {".", ".."}:
        raise _refuse(what, value, "the name of a network interface")


def _sentence(what: str, reason: Any, sentence: Any) -> None:
    _is(f"{what}.reason", reason, Reason, "a Reason")
    if not isinstance(sentence, str) or not sentence.strip():
        raise _refuse(f"{what}.sentence", sentence, "a sentence for people")


def check_result(driver: str, method: str, args: tuple[Any, ...], value: Any) -> Any:
    """Check what any method of the contract returned when called with `args`."""
    match method:
        case "probe":
            return check_probe(driver, value)
        case "connect":
            return check_connection(value, args[0].interface)
        case "details":
            return check_details(value)
        case "form":
            return check_form(value)
        case "recover" | "alternative" | "lend":
            _is("the answer", value, bool, "True or False")
            return value
    return None


def check_failure(reason: Any, sentence: Any) -> None:
    """Check the two parts of a ConnectError."""
    _sentence("ConnectError", reason, sentence)


def check_probe(driver: str, value: Any) -> tuple[Link, ...] | Unavailable:
    """Check what `probe` returned; `driver` is the entry point's name."""
    if type(value) is Unavailable:
        _sentence("Unavailable", value.reason, value.sentence)
        return value
    links = _many("the answer", value)
    seen = set()
    for link in links:
        if type(link) is not Link:
            raise _refuse("a link", link, "a Link")
        if link.driver != driver:
            raise _refuse("Link.driver", link.driver, f"{driver!r}, the driver's entry-point name")
        if not isinstance(link.device, str) or not _DEVICE.fullmatch(link.device):
            raise _refuse("Link.device", link.device, "a short name without blanks and commas")
        if link.device in seen:
            raise ValueError(f"device {link.device} is offered twice")
        seen.add(link.device)
        if link.interface is not None:
            _interface("Link.interface", link.interface)
        _is("Link.preference", link.preference, int, "a whole number")
        _is("Link.specificity", link.specificity, Specificity, "a Specificity")
        _is("Link.metered", link.metered, bool, "True or False")
        _is("Link.note", link.note, str, "text")
        _is("Link.hardware", link.hardware, str, "text")
    return links


def check_connection(value: Any, interface: str | None) -> Connection:
    """Check what `connect` returned, for a link with this interface (None: had none before)."""
    if type(value) is not Connection:
        raise _refuse("the answer", value, "a Connection")
    _interface("Connection.interface", value.interface)
    if interface is not None and value.interface != interface:
        raise _refuse("Connection.interface", value.interface, f"{interface!r}, the link's own")
    addresses = _many("Connection.addresses", value.addresses)
    for address in addresses:
        _address(address)
    gateways = _gateways(value.gateways)
    dns = _many("Connection.dns", value.dns)
    for server in dns:
        _host("a DNS server", server)
    routes = _many("Connection.routes", value.routes)
    for route in routes:
        if type(route) is not StaticRoute:
            raise _refuse("a route", route, "a StaticRoute")
        _is("StaticRoute.network", route.network, IPv4Network, "an IPv4Network")
        if route.gateway is not None:
            _is("StaticRoute.gateway", route.gateway, IPv4Address, "an IPv4Address or None")
    if value.mtu is not None:
        _is("Connection.mtu", value.mtu, int, "a number of bytes or None")
        if value.mtu not in _MTU:
            raise _refuse("Connection.mtu", value.mtu, f"between {_MTU[0]} and {_MTU[-1]}")
    _is("Connection.metered", value.metered, bool, "True or False")
    return replace(value, addresses=addresses, gateways=gateways, dns=dns, routes=routes)


def _address(value: Any) -> None:
    if type(value) is not Address:
        raise _refuse("an address", value, "an Address")
    if not isinstance(value.interface, (IPv4Interface, IPv6Interface)):
        raise _refuse("Address.interface", value.interface, "an IPv4Interface or IPv6Interface")
    _host("Address.interface", value.interface.ip)
    for name in ("valid", "preferred"):
        seconds = getattr(value, name)
        if seconds is None:
            continue
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise _refuse(f"Address.{name}", seconds, "a number of seconds or None")
        if not math.isfinite(seconds) or seconds < 0:
            raise _refuse(f"Address.{name}", seconds, "a number of seconds or None")


def _host(what: str, value: Any) -> None:
    if not isinstance(value, (IPv4Address, IPv6Address)):
        raise _refuse(what, value, "an IPv4Address or IPv6Address")
    if value.is_unspecified or value.is_multicast or value.is_loopback:
        raise ValueError(f"{what} is {value}, not the address of a host on a network")


def _gateways(value: Any) -> dict[Family, Any]:
    if not isinstance(value, Mapping):
        raise _refuse("Connection.gateways", value, "a mapping of Family to address or None")
    clean = dict(value)
    for family, gateway in clean.items():
        _is("a key of Connection.gateways", family, Family, "a Family")
        if gateway is not None:
            _host("a gateway", gateway)
            if gateway.version != family:
                raise _refuse("a gateway", gateway, f"an address of {family.name}")
    return clean


def check_details(value: Any) -> dict[str, str]:
    """Check what `details` returned."""
    if not isinstance(value, Mapping) or len(value) > _MOST:
        raise _refuse("the answer", value, "a mapping of names to texts")
    clean = dict(value)
    for name, text in clean.items():
        _is("a name of a detail", name, str, "text")
        _is("a detail", text, str, "text")
    return clean


def check_form(value: Any) -> tuple[FormField, ...]:
    """Check what `form` returned."""
    fields = _many("the answer", value)
    for item in fields:
        if type(item) is not FormField:
            raise _refuse("a field", item, "a FormField")
        for name in ("name", "label", "kind"):
            _is(f"FormField.{name}", getattr(item, name), str, "text")
        for choice in _many("FormField.choices", item.choices):
            _choice(choice)
        _is("FormField.required", item.required, bool, "True or False")
    return fields


def _choice(value: Any) -> None:
    if type(value) is not Choice:
        raise _refuse("a choice", value, "a Choice")
    _is("Choice.value", value.value, str, "text")
    _is("Choice.protected", value.protected, bool, "True or False")
    for name, largest in (("strength", 100), ("frequency", 1_000_000)):
        number = getattr(value, name)
        if number is not None and (type(number) is not int or not 0 <= number <= largest):
            raise _refuse(f"Choice.{name}", number, f"a whole number from 0 to {largest}, or None")


def check_event(driver: str, value: Any) -> DriverEvent:
    """Check one event of a driver's `events`."""
    if isinstance(value, ProbeAgain):
        _is("ProbeAgain.sentence", value.sentence, str, "text")
        return value
    if not isinstance(value, (Lost, Retry, ConnectionChanged)):
        raise _refuse("an event", value, "Lost, Retry, ConnectionChanged or ProbeAgain")
    event: Lost | Retry | ConnectionChanged = value
    if not isinstance(event.link, str) or not event.link.startswith(f"{driver}:"):
        raise _refuse("the event's link", event.link, f"the name of a link of {driver}")
    if isinstance(event, Lost):
        _sentence("Lost", event.reason, event.sentence)
    elif isinstance(event, Retry):
        _is("Retry.sentence", event.sentence, str, "text")
    else:
        return ConnectionChanged(event.link, check_connection(event.connection, None))
    return event
