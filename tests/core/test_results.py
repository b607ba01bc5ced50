"""What a driver returned is a stranger's data until it has been checked."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from ipaddress import IPv4Network, ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.model import (
    Address,
    Connection,
    ConnectionChanged,
    Family,
    FormField,
    Link,
    Lost,
    ProbeAgain,
    Reason,
    Retry,
    StaticRoute,
    Unavailable,
)
from conman_core.results import check_event, check_result

LINK = Link("acme", "eth0", "eth0")
GOOD = Connection(
    interface="eth0",
    addresses=(Address(ip_interface("192.0.2.5/24"), 3600.0, 1800),),
    gateways={Family.IPV4: ip_address("192.0.2.1"), Family.IPV6: None},
    dns=(ip_address("192.0.2.1"), ip_address("fe80::1")),
    routes=(StaticRoute(IPv4Network("198.51.100.0/24"), None),),
    mtu=1480,
    metered=True,
)


class Evil:
    """Raises at every look."""

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("repr")

    def __eq__(self, other):
        raise RuntimeError("eq")

    __hash__ = None


RUBBISH = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.builds(object),
    st.sampled_from([Link, LINK, GOOD, Reason.LOST, ip_interface("0.0.0.0/0")]),
)


def probe(value):
    return check_result("acme", "probe", (), value)


def connect(value, link=LINK):
    return check_result("acme", "connect", (link,), value)


def test_good_results_pass_unchanged():
    missing = Unavailable(Reason.NO_DEVICE, "plug it in")

    assert probe([LINK]) == (LINK,)
    assert probe(missing) is missing
    assert connect(GOOD) == GOOD
    assert connect(Connection("ppp0"), Link("acme", "ttyUSB0")) == Connection("ppp0")
    assert check_result("acme", "details", (LINK,), {"signal": "-70 dBm"}) == {"signal": "-70 dBm"}
    assert check_result("acme", "form", (), [FormField("key", "Key", "secret")])
    assert check_result("acme", "recover", (LINK, 0), False) is False
    assert check_result("acme", "disconnect", (LINK,), "whatever") is None


def test_lists_become_tuples_and_mappings_are_copied():
    gateways = dict(GOOD.gateways)
    loose = replace(GOOD, addresses=list(GOOD.addresses), dns=list(GOOD.dns), gateways=gateways)

    checked = connect(loose)
    gateways.clear()

    assert checked == GOOD


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([Link("ethernet", "eth0")], "'ethernet', not 'acme', the driver's entry-point name"),
        ([Link("acme", "a"), Link("acme", "a")], "device a is offered twice"),
        ([Link("acme", "")], "Link.device"),
        ([Link("acme", "two words")], "Link.device"),
        ([Link("acme", "a,b")], "Link.device"),
        ([Link("acme", "a", "a/b")], "name of a network interface"),
        ([Link("acme", "a", "sixteen-letters-")], "name of a network interface"),
        ([Link("acme", "a", preference="high")], "Link.preference"),
        ([Link("acme", "a", preference=True)], "Link.preference"),
        ([Link("acme", "a", specificity=1)], "Link.specificity"),
        ([Link("acme", "a", metered="no")], "Link.metered"),
        ([Link("acme", "a", note=None)], "Link.note"),
        ([Link("acme", "a", hardware=None)], "Link.hardware"),
        (Unavailable("because", "x"), "not a Reason"),
        (Unavailable(Reason.LOST, "  "), "not a sentence"),
        ("eth0", "not a list or tuple"),
        (None, "not a list or tuple"),
        ([Link("acme", str(n)) for n in range(300)], "300 entries"),
        ([Evil()], "unprintable Evil"),
    ],
)
def test_rubbish_from_probe_is_refused_and_named(value, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        probe(value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"interface": "eth1"}, "'eth1', not 'eth0', the link's own"),
        ({"interface": None}, "name of a network interface"),
        ({"addresses": None}, "Connection.addresses"),
        ({"addresses": ("192.0.2.5/24",)}, "not an Address"),
        ({"addresses": (Address("192.0.2.5/24"),)}, "Address.interface"),
        ({"addresses": (Address(ip_interface("0.0.0.0/0")),)}, "0.0.0.0"),
        ({"addresses": (Address(ip_interface("224.0.0.1/4")),)}, "224.0.0.1"),
        ({"addresses": (Address(ip_interface("127.0.0.1/8")),)}, "127.0.0.1"),
        ({"addresses": (Address(ip_interface("192.0.2.5/24"), float("nan")),)}, "Address.valid"),
        ({"addresses": (Address(ip_interface("192.0.2.5/24"), 9, -1),)}, "Address.preferred"),
        ({"gateways": {4: None}}, "not a Family"),
        ({"gateways": {Family.IPV6: ip_address("192.0.2.1")}}, "an address of IPV6"),
        ({"gateways": {Family.IPV4: "192.0.2.1"}}, "a gateway"),
        ({"gateways": None}, "Connection.gateways"),
        ({"dns": ("8.8.8.8",)}, "a DNS server"),
        ({"dns": "8.8.8.8"}, "Connection.dns"),
        ({"routes": (IPv4Network("10.0.0.0/8"),)}, "not a StaticRoute"),
        ({"routes": (StaticRoute("10.0.0.0/8"),)}, "StaticRoute.network"),
        ({"mtu": 20}, "Connection.mtu"),
        ({"mtu": "1500"}, "Connection.mtu"),
        ({"metered": None}, "Connection.metered"),
    ],
)
def test_rubbish_from_connect_is_refused_and_named(change, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        connect(replace(GOOD, **change))


@given(st.sampled_from([field.name for field in fields(Connection)]), RUBBISH)
def test_any_value_in_any_field_of_a_connection_passes_or_is_refused(name, value):
    try:
        checked = connect(replace(GOOD, **{name: value}))
    except ValueError:
        return
    assert isinstance(checked.addresses, tuple)
    assert checked.interface == "eth0"


@given(
    st.sampled_from(["probe", "connect", "details", "form", "recover", "apply"]),
    st.one_of(RUBBISH, st.lists(RUBBISH, max_size=3)),
)
def test_any_answer_of_any_method_passes_or_is_refused(method, value):
    said = ""
    try:
        check_result("acme", method, (LINK,), value)
    except ValueError as error:
        said = str(error)
    assert len(said) < 600
    assert "\n" not in said


def test_good_events_pass():
    events = [
        Lost("acme:eth0", Reason.LOST, "gone"),
        Retry("acme:eth0", "in sight"),
        ConnectionChanged("acme:eth0", GOOD),
        ProbeAgain("something was plugged in"),
    ]
    assert [check_event("acme", event) for event in events] == events


@pytest.mark.parametrize(
    "event",
    [
        None,
        "lost",
        Lost("wifi:wlan0", Reason.LOST, "gone"),
        Lost("acme:eth0", "LOST", "gone"),
        Lost(None, Reason.LOST, "gone"),
        Retry("acme:eth0", 5),
        ProbeAgain(None),
        ConnectionChanged("acme:eth0", None),
        ConnectionChanged("acme:eth0", replace(GOOD, mtu=-1)),
    ],
)
def test_rubbish_events_are_refused(event):
    with pytest.raises(ValueError, match=r"."):
        check_event("acme", event)
