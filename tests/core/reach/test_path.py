"""What a connection offers to ask over, and what is remembered of it between rounds."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

from hypothesis import given
from hypothesis import strategies as st

from conman_core.model import Address, Connection, Family
from conman_core.reach.path import PathMemory, path_of, remember_ping, remember_rtt


def connection(*addresses, dns=(), gateway=None):
    return Connection(
        "eth0",
        tuple(Address(ip_interface(address)) for address in addresses),
        {Family.IPV4: gateway and ip_address(gateway)},
        tuple(ip_address(server) for server in dns),
    )


def test_each_family_has_a_path_of_its_own():
    both = connection("192.168.1.20/24", "2001:db8::20/64", dns=("192.168.1.1", "2001:db8::1"))
    four, six = path_of(both, Family.IPV4), path_of(both, Family.IPV6)
    assert four
    assert str(four.source.ip) == "192.168.1.20"
    assert four.dns == (ip_address("192.168.1.1"),)
    assert six
    assert six.dns == (ip_address("2001:db8::1"),)


def test_without_an_address_that_leads_anywhere_there_is_no_path():
    assert path_of(connection(), Family.IPV4) is None
    assert path_of(connection("169.254.7.7/16"), Family.IPV4) is None


def test_a_resolver_on_the_machine_itself_is_not_one_of_the_links():
    path = path_of(connection("10.0.0.2/24", dns=("127.0.0.53", "0.0.0.0")), Family.IPV4)
    assert path
    assert path.dns == ()


def test_no_more_name_servers_are_asked_than_a_resolver_file_holds():
    servers = [f"10.0.0.{number}" for number in (1, 1, 2, 3, 4)]
    path = path_of(connection("10.0.0.9/24", dns=servers), Family.IPV4)
    assert path
    assert [str(server) for server in path.dns] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_patience_follows_the_line_within_bounds():
    assert PathMemory().patience == 0.25
    assert PathMemory(srtt=0.001).patience == 0.25
    assert PathMemory(srtt=0.1).patience == 0.4
    assert PathMemory(srtt=2.0).patience == 1.0


@given(st.lists(st.floats(0.0001, 3.0), min_size=1, max_size=60))
def test_the_smoothed_time_stays_within_what_was_measured(rtts):
    memory = PathMemory()
    for rtt in rtts:
        memory = remember_rtt(memory, rtt)
    assert memory.srtt is not None
    assert min(rtts) * 0.999 <= memory.srtt <= max(rtts) * 1.001
    assert 0.25 <= memory.patience <= 1.0


def test_pages_come_first_only_after_three_rounds_without_an_echo():
    memory = PathMemory()
    for _ in range(2):
        memory = remember_ping(memory, answered=False, page_answered=True)
    assert not memory.pages_first
    memory = remember_ping(memory, answered=False, page_answered=False)  # a dead line tells nothing
    assert not memory.pages_first
    memory = remember_ping(memory, answered=False, page_answered=True)
    assert memory.pages_first
    assert not remember_ping(memory, answered=True, page_answered=True).pages_first


def test_a_full_round_is_due_at_first_and_every_five_minutes_unless_bytes_cost_money():
    assert PathMemory().full_due(0.0, metered=False)
    assert PathMemory().full_due(0.0, metered=True)
    assert not PathMemory(last_full=100.0).full_due(399.9, metered=False)
    assert PathMemory(last_full=100.0).full_due(400.0, metered=False)
    assert not PathMemory(last_full=100.0).full_due(4000.0, metered=True)
