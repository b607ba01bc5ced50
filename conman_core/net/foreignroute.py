"""Another program's route as JSON values, so that it can be put back exactly. Pure.

Interfaces are kept by name: their numbers change when a device is plugged in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from conman_core.model import IPAddress
from conman_core.net.rtmessage import NextHop, RouteMessage

_U8, _U32 = 0xFF, 0xFFFFFFFF
_NUMBERS = {"metric": _U32, "table": _U32, "protocol": _U8, "scope": _U8, "type": _U8}


def route_to_dict(route: RouteMessage, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a route as JSON values. `names` maps interface indexes; KeyError if one is not there.

    Keys: destination, gateway, interface, metric, table, protocol, scope, prefsrc, type, onlink,
    options (hexadecimal), expires (seconds), hops (a list of gateway, interface, weight, onlink).
    """
    return {
        "destination": str(route.destination),
        "gateway": _text(route.gateway),
        "interface": None if route.oif is None else names[route.oif],
        **{name: getattr(route, name) for name in _NUMBERS},
        "prefsrc": _text(route.prefsrc),
        "onlink": route.onlink,
        "options": route.options.hex(),
        "expires": route.expires,
        "hops": [
            {
                "gateway": _text(hop.gateway),
                "interface": names[hop.oif],
                "weight": hop.weight,
                "onlink": hop.onlink,
            }
            for hop in route.hops
        ],
    }


def route_from_dict(fields: Mapping[str, Any], indexes: Mapping[str, int]) -> RouteMessage:
    """Return the route that `route_to_dict` described. `indexes` maps interface names.

    Raises ValueError if the fields make no sense, LookupError if an interface is not there.
    """
    try:
        interface, expires = fields["interface"], fields["expires"]
        numbers = [_number(fields[name], most) for name, most in _NUMBERS.items()]
        metric, table, protocol, scope, kind = numbers
        return RouteMessage(
            destination=ip_network(str(fields["destination"])),
            gateway=_address(fields["gateway"]),
            oif=None if interface is None else _index(interface, indexes),
            metric=metric,
            table=table,
            protocol=protocol,
            scope=scope,
            type=kind,
            prefsrc=_address(fields["prefsrc"]),
            onlink=bool(fields["onlink"]),
            options=bytes.fromhex(fields["options"]),
            expires=None if expires is None else _number(expires, _U32),
            hops=tuple(_hop(hop, indexes) for hop in fields["hops"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a route: {error!r}") from error


def _hop(fields: Mapping[str, Any], indexes: Mapping[str, int]) -> NextHop:
    return NextHop(
        oif=_index(fields["interface"], indexes),
        gateway=_address(fields["gateway"]),
        weight=_number(fields["weight"] - 1, _U8) + 1,
        onlink=bool(fields["onlink"]),
    )


def _index(name: str, indexes: Mapping[str, int]) -> int:
    if name not in indexes:
        raise LookupError(f"there is no interface {name}")
    return indexes[name]


def _number(value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise ValueError(f"{value} is not from 0 to {most}")
    return int(value)


def _text(address: IPAddress | None) -> str | None:
    return None if address is None else str(address)


def _address(text: Any) -> IPAddress | None:
    return None if text is None else ip_address(str(text))
