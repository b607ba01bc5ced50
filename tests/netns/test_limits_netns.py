"""A data limit on real links: counted by the kernel, told, obeyed, and known after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.netns.device import SETTINGS
from tests.netns.internet import Internet, internet
from tests.netns.test_story import link

pytestmark = pytest.mark.netns

LIMITED = SETTINGS + "metered = yes\ndata-limit = 1MB\ndata-limit-action = stop\n"
PACKET, COUNT = 1400, 450


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as made:
        yield made


def used(status: dict[str, Any], name: str) -> int:
    found: int = link(status, f"ethernet:{name}")["usage"]["bytes"]
    return found


def test_a_link_that_has_used_its_limit_up_gives_way_to_another_one(net: Internet) -> None:
    daemon = net.device.run_conman(LIMITED)
    daemon.wait(lambda status: status["uplink"] == "ethernet:eth0" and status["state"] == "online")
    before = used(daemon.status(), "eth0")
    net.device.run("ping", "-q", "-f", "-c", str(COUNT), "-s", str(PACKET), "1.1.1.1")

    status = daemon.wait_uplink("eth1", 60)
    flowed = used(status, "eth0") - before
    assert 2 * COUNT * PACKET < flowed < 2.2 * COUNT * PACKET
    assert "used up until" in link(status, "ethernet:eth0")["sentence"]
    assert "100 % of its limit are reached" in daemon.log()
    shown = net.device.conman("status").stdout
    assert " of 1 MB this month" in shown
    explained = json.loads(net.device.conman("explain", "--json").stdout)
    assert "links whose limit is used up come after it: ethernet:eth0" in explained["sentence"]

    daemon.kill()
    daemon = net.device.run_conman(LIMITED)
    status = daemon.wait(lambda s: s["uplink"] == "ethernet:eth1" and s["state"] == "online")
    assert used(status, "eth0") >= 2 * COUNT * PACKET, "it is known in the next life"

    net.cable_out("eth1")
    status = daemon.wait(lambda s: s["uplink"] == "ethernet:eth0" and s["state"] == "online", 60)
    assert link(status, "ethernet:eth0")["sentence"].endswith("no other link works.")
