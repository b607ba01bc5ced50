"""Which of the known networks in sight is joined, and what is said when none is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.wifi.choice import candidates, settled, why_none
from conman_plugins.wifi.network import Network
from conman_plugins.wifi.scan import Cell

WPA2 = frozenset({"psk"})
OPEN = frozenset({"open"})


def cell(ssid: bytes, signal: int = -50, offers: frozenset[str] = WPA2, mhz: int = 2412) -> Cell:
    return Cell("02:00:00:00:00:01", ssid, mhz, signal, offers)


def known(ssid: bytes, key: str | None = "secret-key", **more: object) -> Network:
    return Network(ssid, key, **more)  # type: ignore[arg-type]


def names(found: object) -> list[bytes]:
    return [each.network.ssid for each in found]  # type: ignore[attr-defined]


def test_priority_comes_before_signal() -> None:
    networks = [known(b"near"), known(b"wanted", priority=5)]
    found = candidates(networks, [cell(b"near", -30), cell(b"wanted", -80)])
    assert names(found) == [b"wanted", b"near"]


def test_of_equal_priority_the_stronger_comes_first() -> None:
    networks = [known(b"far"), known(b"near")]
    assert names(candidates(networks, [cell(b"far", -80), cell(b"near", -40)])) == [b"near", b"far"]


def test_what_failed_lately_comes_last_whatever_its_priority() -> None:
    networks = [known(b"wrong", priority=9), known(b"right")]
    cells = [cell(b"wrong"), cell(b"right")]
    assert names(candidates(networks, cells, {b"wrong"})) == [b"right", b"wrong"]


def test_a_disabled_network_and_one_out_of_sight_are_none() -> None:
    networks = [known(b"off", disabled=True), known(b"away")]
    assert candidates(networks, [cell(b"off")]) == []


def test_all_access_points_of_a_network_count() -> None:
    cells = [cell(b"n", -70, WPA2, 2412), cell(b"n", -40, frozenset({"sae"}), 5180)]
    (found,) = candidates([known(b"n")], cells)
    assert found.signal == -40
    assert found.offers == {"psk", "sae"}
    assert found.frequencies == {2412, 5180}


def test_an_open_twin_of_a_network_with_a_key_is_never_joined() -> None:
    (found,) = candidates([known(b"n")], [cell(b"n", offers=OPEN)])
    assert "takes no key here" in found.misfit


def test_a_network_known_as_open_that_wants_a_key_says_so() -> None:
    (found,) = candidates([known(b"n", None)], [cell(b"n")])
    assert "wants a key" in found.misfit


def test_a_block_of_the_users_own_is_tried_as_it_is() -> None:
    network = known(b"n", None, raw=(("key_mgmt", "WPA-EAP"),))
    (found,) = candidates([network], [cell(b"n", offers=frozenset({"eap"}))])
    assert found.misfit == ""


def test_a_quick_look_is_enough_only_if_nothing_better_could_be_elsewhere() -> None:
    networks = [known(b"here", priority=1), known(b"better", priority=2)]
    here = candidates(networks, [cell(b"here")])
    both = candidates(networks, [cell(b"here"), cell(b"better")])
    assert not settled(here, networks)
    assert settled(both, networks)
    assert not settled([], networks)


def test_none_in_sight_is_said_with_what_to_do() -> None:
    assert "sudo conman wifi add NAME" in why_none([], [])
    sentence = why_none([known(b"Home")], [cell(b"a"), cell(b"b"), cell(b"")])
    assert sentence == "Home is not in sight (2 others in sight); see: sudo conman wifi scan"
    broken = why_none([], [], ["line 3: the key has 5 characters"])
    assert broken == "no network of the list can be used: line 3: the key has 5 characters"
    many = why_none([known(f"n{i}".encode()) for i in range(9)], [])
    assert "and 3 more are not in sight (none in sight)" in many


@given(
    st.lists(st.builds(known, st.binary(min_size=1, max_size=3), priority=st.integers(0, 3))),
    st.lists(st.builds(cell, st.binary(max_size=3), st.integers(-100, 0))),
)
def test_only_known_networks_in_sight_are_chosen(
    networks: list[Network], cells: list[Cell]
) -> None:
    found = candidates(networks, cells)
    assert {each.network.ssid for each in found} == {
        network.ssid for network in networks if network.ssid in {one.ssid for one in cells}
    }
    order = [(-each.network.priority, -each.signal) for each in found]
    assert order == sorted(order)
