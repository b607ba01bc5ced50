from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core.errors import SystemFault
from conman_core.ledger import Entries, Ledger
from conman_core.store import JsonStore

BOOT = "b1"
RESOLV = Path("/etc/resolv.conf")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.json"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    return Ledger(path, BOOT)


def fill(ledger: Ledger) -> None:
    ledger.remember_sysctls({"ipv4/conf/eth0/rp_filter": ("0", "2")})
    ledger.remember_address("eth0", "10.0.0.2/24")
    ledger.remember_interface("eth0")
    ledger.remember_route({"dst": "default", "gateway": "10.0.0.1", "metric": 0})
    ledger.remember_resolver(RESOLV, b"nameserver 10.0.0.1\n")


def test_all_that_is_remembered_is_there_in_a_fresh_process(path: Path, ledger: Ledger) -> None:
    fill(ledger)

    assert Ledger(path, BOOT).entries == Entries(
        sysctls={"ipv4/conf/eth0/rp_filter": ("0", "2")},
        addresses=[("eth0", "10.0.0.2/24")],
        interfaces=["eth0"],
        routes=[{"dst": "default", "gateway": "10.0.0.1", "metric": 0}],
        resolver={"/etc/resolv.conf": b"nameserver 10.0.0.1\n"},
    )


def test_the_record_is_on_disk_when_the_call_returns(path: Path, ledger: Ledger) -> None:
    ledger.remember_address("eth0", "10.0.0.2/24")

    assert json.loads(path.read_bytes())["addresses"] == [["eth0", "10.0.0.2/24"]]


def test_all_that_is_forgotten_is_gone_in_a_fresh_process(path: Path, ledger: Ledger) -> None:
    fill(ledger)
    ledger.forget_sysctls(["ipv4/conf/eth0/rp_filter", "never/heard/of"])
    ledger.forget_address("eth0", "10.0.0.2/24")
    ledger.forget_interface("eth0")
    ledger.forget_route({"gateway": "10.0.0.1", "dst": "default", "metric": 0})
    ledger.forget_resolver(RESOLV)

    assert Ledger(path, BOOT).entries == Entries()


def test_the_first_original_wins(path: Path, ledger: Ledger) -> None:
    ledger.remember_sysctls({"a": ("0", "1")})
    ledger.remember_sysctls({"a": ("1", "2")})
    ledger.remember_resolver(RESOLV, None)
    ledger.remember_resolver(RESOLV, b"# written by conman\n")

    entries = Ledger(path, BOOT).entries
    assert entries.sysctls == {"a": ("0", "2")}
    assert entries.resolver == {"/etc/resolv.conf": None}


def test_after_a_reboot_only_files_are_remembered(path: Path, ledger: Ledger) -> None:
    fill(ledger)

    assert Ledger(path, "b2").entries == Entries(
        resolver={"/etc/resolv.conf": b"nameserver 10.0.0.1\n"}
    )


def test_forgetting_what_was_never_known_is_fine(path: Path, ledger: Ledger) -> None:
    ledger.forget_address("eth0", "10.0.0.2/24")
    ledger.forget_interface("eth0")
    ledger.forget_route({"dst": "default"})
    ledger.forget_resolver(RESOLV)

    assert not path.exists()


def test_remembering_the_same_again_does_not_write(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ledger)

    def save(self: JsonStore, values: Any) -> None:
        raise AssertionError("written without need")

    monkeypatch.setattr(JsonStore, "save", save)
    fill(ledger)


def test_a_batch_is_written_once_at_its_end(
    path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[object] = []
    real = JsonStore.save

    def save(self: JsonStore, values: Any) -> None:
        saves.append(values)
        real(self, values)

    monkeypatch.setattr(JsonStore, "save", save)
    with ledger.batch():
        fill(ledger)
        with ledger.batch():
            ledger.remember_interface("eth1")
        assert not path.exists()

    assert len(saves) == 1
    assert Ledger(path, BOOT).entries == ledger.entries


def test_a_batch_that_fails_midway_keeps_what_was_remembered(path: Path, ledger: Ledger) -> None:
    def fail_midway() -> None:
        with ledger.batch():
            ledger.remember_interface("eth0")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()

    assert Ledger(path, BOOT).entries.interfaces == ["eth0"]


def test_a_disk_that_cannot_be_written_does_not_stop_the_daemon(
    path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def save(self: JsonStore, values: Any) -> None:
        raise SystemFault("the disk is full")

    caplog.set_level(logging.INFO)
    with monkeypatch.context() as broken:
        broken.setattr(JsonStore, "save", save)
        ledger.remember_interface("eth0")
        ledger.remember_interface("eth1")
    fault = ledger.fault
    assert len(caplog.records) == 1
    ledger.remember_interface("eth1")

    assert fault == "the disk is full"
    assert ledger.fault is None
    assert Ledger(path, BOOT).entries.interfaces == ["eth0", "eth1"]
    assert len(caplog.records) == 2


@pytest.mark.parametrize("content", [b"", b'{"addresses": [["eth0"', b"[]", b"\x00" * 4096])
def test_a_torn_ledger_never_stops_the_start(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    ledger = Ledger(path, BOOT)
    ledger.remember_interface("eth0")

    assert Ledger(path, BOOT).entries == Entries(interfaces=["eth0"])
    assert path.with_name("ledger.json.corrupt").exists()


ODD = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
KEYS = ["sysctls", "addresses", "interfaces", "routes", "resolver"]


@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, ODD)))
@settings(max_examples=150, deadline=None)
def test_a_record_of_another_shape_is_dropped_and_the_others_stay(
    values: dict[str, Any], tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.json"
    JsonStore(path).save({"boot": BOOT, **values})
    entries = Ledger(path, BOOT).entries

    assert all(len(pair) == 2 for pair in entries.sysctls.values())
    assert all(isinstance(name, str) for name in entries.interfaces)
    assert all(isinstance(route, dict) for route in entries.routes)


@given(content=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_a_resolver_file_comes_back_byte_for_byte(content: bytes, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.json"
    Ledger(path, BOOT).remember_resolver(RESOLV, content)

    assert Ledger(path, "later").entries.resolver == {"/etc/resolv.conf": content}
