"""Other settings for a running daemon: taken if they can work, else refused with what is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from conman_core.client import request
from conman_core.paths import Paths
from tests.netns.device import ROOT, SETTINGS
from tests.netns.internet import Internet, internet
from tests.netns.measure import UdpMeter
from tests.netns.test_story import both_verified, link
from tests.third_party.install import install

pytestmark = pytest.mark.netns

STATIC = (
    SETTINGS.replace("eth0, eth1", "eth0")
    + """\
address = static
static-address = 10.77.1.77/24
gateway = 10.77.1.1
dns = 10.77.1.1
"""
)


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as made:
        yield made


def test_a_running_daemon_keeps_its_last_good_settings_when_half_of_a_static_address_comes(
    net: Internet,
) -> None:
    """One line is missing, and the device is far away: it must stay reachable."""
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    meter = UdpMeter(net.device)
    began = meter.wait_answer(0).sent
    changed = datetime.now(UTC)
    config = net.device.folder / "run/setup.cfg"
    config.write_text(STATIC.replace("static-address = 10.77.1.77/24\n", ""))
    told = "/run/setup.cfg line 6: [conman:ethernet] address = static needs a static-address"
    for words in (("config", "check", "--config", "/run/setup.cfg"), ("rescan",)):
        answer = net.device.conman(*words)
        assert answer.returncode == 1
        assert answer.stderr.startswith(f"conman: {told}")
    assert answer.stdout == (
        "the settings are wrong, the last good ones stay in use; found 2 links\n"
    )
    assert daemon.status()["config"]["problem"].startswith(told)
    paths = Paths(net.device.folder / "run/conman", net.device.folder / "var/lib/conman")
    for text, told in (
        (STATIC.replace("eth0", "eth0, eth1"), "line 5: [conman:ethernet] interfaces = eth0, eth1"),
        (SETTINGS.replace(",", ""), "line 5: [conman:ethernet] interfaces = eth0 eth1 is not all"),
    ):
        config.write_text(text)
        assert told in request(paths, "rescan", timeout=30)["problem"]

    after = daemon.wait(both_verified)
    meter.wait_answer(time.monotonic())
    assert meter.window(began).lost == 0
    for name in ("ethernet:eth0", "ethernet:eth1"):
        since = datetime.fromisoformat(link(after, name)["since"])
        assert since < changed, "nothing was touched"


def test_a_static_address_takes_the_place_of_a_lease_at_a_rescan(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    (net.device.folder / "run/setup.cfg").write_text(STATIC)
    answer = net.device.conman("rescan")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == "found 1 link; settings: /run/setup.cfg\n"

    status = daemon.wait(
        lambda s: s["uplink"] == "ethernet:eth0" and s["state"] == "online"
        and link(s, "ethernet:eth0")["addresses"] == ["10.77.1.77/24"]
    )  # fmt: skip
    assert link(status, "ethernet:eth1")["state"] == "absent"
    held = net.device.ip("-4", "-brief", "address", "show", "up")
    assert "10.77.1.77/24" in held
    assert "10.77.2." not in held

    assert daemon.stop() == 0
    assert "put back /etc/resolv.conf\n" in net.device.conman("release").stdout


def test_after_a_power_cut_all_drivers_of_the_last_good_settings_work_again(net: Internet) -> None:
    """One slip of the pen in `priority = acme`, and the machine is reached over acme alone."""
    site = net.bench.folder / "site"
    install(site, ["acme"])
    good = SETTINGS.replace("= ethernet", "= acme, ethernet")
    for settings in (good, good.replace("priority", "priorty")):
        daemon = net.device.run_conman(settings, env={"PYTHONPATH": f"{site}:{ROOT}"})
        daemon.wait(lambda s: "there is no acme0" in str(s["drivers"]))
        daemon.kill()
    assert "did you mean priority?" in daemon.log()
