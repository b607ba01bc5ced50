"""`conman release` undoes what plugins left, too."""

from __future__ import annotations

import json

import pytest

from tests.netns.internet import Internet
from tests.netns.test_lifecycle import everything, net

__all__ = ["net"]
pytestmark = pytest.mark.netns


def test_release_lets_a_plugin_undo_what_it_left_when_it_was_killed(net: Internet) -> None:
    before = everything(net), net.device.run("nft", "list", "ruleset")
    net.device.ip("addr", "add", "10.0.0.1/24", "dev", "eth1")
    net.device.run("nft", "add", "table", "inet", "conman_accesspoint")
    memory = net.device.folder / "var/lib/conman/drivers/accesspoint.json"
    memory.parent.mkdir(parents=True)
    memory.write_text('{"interface": "eth1", "own": false, "addresses": ["10.0.0.1/24"]}')
    done = net.device.conman("release", "--json")
    undone = json.loads(done.stdout)["undone"]
    assert undone == ["removed the access point that was left on eth1"], done.stderr
    assert (everything(net), net.device.run("nft", "list", "ruleset")) == before
    assert "nothing to undo" in net.device.conman("release").stdout
