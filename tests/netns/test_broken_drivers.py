"""The real daemon with drivers that are broken in every way, found by real entry points."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.netns.device import ROOT, SETTINGS
from tests.netns.internet import Internet, internet
from tests.netns.test_story import both_verified
from tests.third_party.install import HERE, install

pytestmark = pytest.mark.netns

FAULTS = tuple(
    tomllib.loads((HERE / "acme_faults/pyproject.toml").read_text())["project"]["entry-points"][
        "conman.drivers"
    ]
)
#: no fault of these: one only looks odd, and a slow call or a flood costs its own driver only
HARMLESS = {"is-a-duck", "events-flood", "connect-hangs"}


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as made:
        yield made


def everyone(priority: tuple[str, ...]) -> str:
    return SETTINGS.replace("priority = ethernet", f"priority = ethernet, {', '.join(priority)}")


def drivers(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in status["drivers"]}


def test_among_every_kind_of_broken_driver_the_good_one_works(net: Internet) -> None:
    site = net.bench.folder / "site"
    install(site, [*FAULTS, "taken", "acme"])
    settings = everyone((*FAULTS, "taken", "acme", "nobody"))
    began = time.monotonic()
    daemon = net.device.run_conman(settings, env={"PYTHONPATH": f"{site}:{ROOT}"})
    daemon.wait(both_verified, 15)
    assert time.monotonic() - began < 10

    told = {"broken", "stuck", "wrong_version", "duplicate", "not_installed"}
    bad = set(FAULTS) - HARMLESS
    status = daemon.wait(
        lambda s: (
            all(drivers(s)[name]["state"] in told for name in bad if name in drivers(s))
            and bad <= set(drivers(s))
        ),
        30,
    )
    rows = drivers(status)
    assert rows["ethernet"]["state"] == "ok"
    for name in bad:
        assert "acme-faults 2.0" in rows[name]["sentence"], rows[name]
    assert rows["wrong-version"]["state"] == "wrong_version"
    assert rows["taken"]["state"] == "duplicate"
    assert "acme-links" in rows["taken"]["sentence"]
    assert "acme-rival" in rows["taken"]["sentence"]
    assert rows["nobody"]["state"] == "not_installed"
    assert status["state"] == "online"

    asked = net.device.conman("drivers", "--json", env=(f"PYTHONPATH={site}:{ROOT}",))
    shown = drivers(json.loads(asked.stdout))
    assert {name: shown[name]["state"] for name in rows} == {
        name: row["state"] for name, row in drivers(daemon.status()).items()
    }
    for name in bad:
        assert shown[name]["state"] in told
        assert "acme-faults 2.0" in shown[name]["sentence"], shown[name]
    assert (asked.returncode, asked.stderr) == (1, "")

    net.cable_out("eth0")  # and it is still awake
    daemon.wait_uplink("eth1", 5)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5


def test_the_drivers_command_tells_what_is_wrong_with_which_distribution(net: Internet) -> None:
    site = net.bench.folder / "site"
    install(site, ["fails-at-import", "hangs-at-import", "exits-at-import", "taken"])
    config = net.device.folder / "run/check.cfg"
    names = ("fails-at-import", "hangs-at-import", "exits-at-import", "taken")
    config.write_text(everyone(names))
    command = ("drivers", "--json", "--config", str(config))
    asked = net.device.conman(*command, env=(f"PYTHONPATH={site}:{ROOT}",))

    assert (asked.returncode, asked.stderr) == (1, "")
    rows = drivers(json.loads(asked.stdout))
    assert rows["ethernet"]["state"] == "ok"
    assert rows["taken"]["state"] == "duplicate"
    for name in names[:3]:
        assert rows[name]["state"] == "broken"
        assert "acme-faults 2.0" in rows[name]["sentence"]


def test_a_hook_that_hangs_or_raises_keeps_no_event_from_the_others(net: Internet) -> None:
    site, notes = net.bench.folder / "site", net.bench.folder / "notes"
    unusable = ("unknown-hook", "fails-at-import")
    install(site, ["notes", "raises", "hangs", "exits", *unusable])
    env = {"PYTHONPATH": f"{site}:{ROOT}", "ACME_NOTES": str(notes)}
    daemon = net.device.run_conman(env=env)
    status = daemon.wait(both_verified)
    said = [note for note in status["notes"] if "acme-plugins 3.1" in note]
    assert [note.split()[1] for note in said] == sorted(unusable)
    net.cable_out("eth0")
    daemon.wait_uplink("eth1")
    net.cable_out("eth1")
    daemon.wait(lambda s: s["state"] == "offline")
    assert daemon.stop() == 0

    heard = wait_text(notes, "stopping")
    for hook in ("online ethernet:eth0", "uplink ethernet:eth0 ethernet:eth1", "no uplink"):
        assert hook in heard, heard


def wait_text(path: Path, text: str, limit: float = 5.0) -> str:
    deadline = time.monotonic() + limit
    while not path.exists() or text not in path.read_text():
        if time.monotonic() > deadline:
            raise AssertionError(path.read_text() if path.exists() else "nothing")
        time.sleep(0.02)
    return path.read_text()
