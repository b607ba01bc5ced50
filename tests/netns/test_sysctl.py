"""Uplink settings in a real kernel, in a namespace of the test's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core.errors import SystemFault
from conman_core.ledger import Ledger
from conman_core.net.sysctl import ROOT, UPLINK, prepare, restore
from tests.netns.namespaces import Namespace, bench
from tests.netns.worlds import World

pytestmark = pytest.mark.netns


@pytest.fixture
def host() -> Iterator[Namespace]:
    with bench("sy") as base:
        made, far = base.namespace("dev"), base.namespace("far")
        base.cable(made, "eth0", far, "port")
        yield made


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.json")


def fresh(ledger: Ledger, tmp_path: Path) -> Ledger:
    """What a new process would know."""
    del ledger
    return Ledger(tmp_path / "ledger.json")


def values(host: Namespace, interface: str = "eth0") -> dict[tuple[str, str], str]:
    def read() -> dict[tuple[str, str], str]:
        return {
            (family, name): (ROOT / family / "conf" / interface / name).read_text().strip()
            for family, name in UPLINK
        }

    return host.call(read)


def test_an_uplink_gets_its_settings_and_loses_them_at_the_release(
    host: Namespace, ledger: Ledger, tmp_path: Path
) -> None:
    host.sysctl("net.ipv4.conf.eth0.rp_filter", "1")
    before = values(host)
    host.call(lambda: prepare("eth0", ledger))
    assert values(host) == UPLINK != before

    host.call(lambda: restore(fresh(ledger, tmp_path)))
    assert values(host) == before
    assert not fresh(ledger, tmp_path).entries.sysctls


def test_preparing_twice_does_not_forget_the_original(
    host: Namespace, ledger: Ledger, tmp_path: Path
) -> None:
    before = values(host)
    host.call(lambda: prepare("eth0", ledger))
    host.sysctl("net.ipv4.conf.eth0.arp_ignore", "0")
    host.call(lambda: prepare("eth0", fresh(ledger, tmp_path)))
    host.call(lambda: restore(fresh(ledger, tmp_path)))

    assert values(host) == before


def test_a_setting_that_is_right_already_is_not_ours_to_put_back(
    host: Namespace, ledger: Ledger
) -> None:
    host.sysctl("net.ipv4.conf.eth0.rp_filter", "2")
    host.call(lambda: prepare("eth0", ledger))

    assert "ipv4/conf/eth0/rp_filter" not in ledger.entries.sysctls
    assert len(ledger.entries.sysctls) == len(UPLINK) - 1


def test_what_somebody_else_set_since_stays_and_is_named(
    host: Namespace, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    host.call(lambda: prepare("eth0", ledger))
    host.sysctl("net.ipv4.conf.eth0.rp_filter", "1")
    host.call(lambda: restore(ledger))

    assert values(host)["ipv4", "rp_filter"] == "1"
    assert values(host)["ipv4", "arp_announce"] == "0"
    assert "rp_filter" in caplog.text
    assert not ledger.entries.sysctls


def test_an_interface_with_a_dot_in_its_name_is_itself(host: Namespace, ledger: Ledger) -> None:
    host.ip("link", "add", "eth0.5", "type", "veth", "peer", "name", "other")
    before = values(host)
    host.call(lambda: prepare("eth0.5", ledger))
    assert values(host, "eth0.5") == UPLINK
    assert values(host) == before
    host.call(lambda: restore(ledger))

    assert values(host, "eth0.5") != UPLINK


def test_an_interface_that_is_gone_is_skipped_and_forgotten(
    host: Namespace, ledger: Ledger
) -> None:
    host.call(lambda: prepare("eth0", ledger))
    host.ip("link", "del", "eth0")
    host.call(lambda: restore(ledger))
    host.call(lambda: prepare("eth0", ledger))

    assert not ledger.entries.sysctls


@pytest.mark.parametrize("name", ["", ".", "..", "../all", "a/b"])
def test_a_text_that_is_no_interface_name_changes_nothing(
    host: Namespace, ledger: Ledger, name: str
) -> None:
    with pytest.raises(SystemFault, match="not the name"):
        host.call(lambda: prepare(name, ledger))


def test_a_forged_record_cannot_reach_outside(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_text("1")
    ledger.remember_sysctls({"../outside": ("0", "1")})
    restore(ledger, tmp_path / "root")

    assert (tmp_path / "outside").read_text() == "1"


def test_settings_that_this_kernel_does_not_have_are_skipped(
    host: Namespace, ledger: Ledger
) -> None:
    host.call(lambda: prepare("eth0", ledger, {("ipv4", "no_such_thing"): "1"}))

    assert not ledger.entries.sysctls


def test_kernel_settings_that_are_read_only_are_a_sentence(host: Namespace, tmp_path: Path) -> None:
    """As in a container; what was right already is no fault then."""
    world = World(host.bench, host)
    world.sh("mount -o bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys")
    code = f"""
from pathlib import Path
from conman_core.errors import SystemFault
from conman_core.ledger import Ledger
from conman_core.net.sysctl import prepare, restore
ledger = Ledger(Path({str(tmp_path)!r}) / "l")
answer = []
for action in (lambda: prepare("eth0", ledger), lambda: restore(ledger)):
    try:
        action()
        answer.append("fine")
    except SystemFault as error:
        answer.append(str(error))
"""
    sentence, restored = world.python(code)
    before = values(host)
    host.call(lambda: prepare("eth0", Ledger(tmp_path / "other")))
    again, _ = world.python(code)
    world.close()

    assert "eth0" in sentence
    assert "rp_filter" in sentence
    assert "Read-only" in sentence
    assert restored == "fine"
    assert before != UPLINK
    assert again == "fine"
