"""Another program's route as JSON values and back."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.net.foreignroute import route_from_dict, route_to_dict
from conman_core.net.rtmessage import NextHop, RouteMessage
from conman_core.net.rtrequest import route as request

NAMES = {2: "eth0", 3: "wlan0"}
ROUTE = RouteMessage(
    destination=ip_network("0.0.0.0/0"),
    gateway=ip_address("10.0.0.1"),
    oif=2,
    metric=100,
    protocol=16,
    prefsrc=ip_address("10.0.0.2"),
    options=b"\x08\0\x02\0\x14\x05\0\0",
    expires=7,
)
HOPS = (NextHop(2, ip_address("10.0.0.1"), 256), NextHop(3, None, 1, True))


@pytest.mark.parametrize(
    "route", [ROUTE, replace(ROUTE, gateway=None, oif=None, hops=HOPS, onlink=True)]
)
def test_a_route_survives_a_json_file_and_a_new_number_of_its_interface(
    route: RouteMessage,
) -> None:
    text = json.dumps(route_to_dict(route, NAMES))
    moved = route_from_dict(json.loads(text), {"eth0": 12, "wlan0": 13})
    hops = tuple(replace(hop, oif=hop.oif + 10) for hop in route.hops)
    assert moved == replace(route, oif=route.oif and route.oif + 10, hops=hops)


def test_an_interface_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="no interface eth0"):
        route_from_dict(route_to_dict(ROUTE, NAMES), {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(route_to_dict(ROUTE, NAMES))), JSON))
def test_a_damaged_record_is_refused_or_can_be_asked_of_the_kernel(change: dict[str, Any]) -> None:
    fields = route_to_dict(replace(ROUTE, hops=HOPS), NAMES) | change
    try:
        route = route_from_dict(fields, {"eth0": 2, "wlan0": 3})
    except (ValueError, LookupError):
        return
    request(route)
