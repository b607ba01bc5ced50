"""A link whose bytes cost money is asked rarely, and left in time all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.netns.device import SETTINGS
from tests.netns.internet import Internet, internet
from tests.netns.measure import UdpMeter

pytestmark = pytest.mark.netns

METERED = SETTINGS.replace("interfaces = eth0, eth1", "interfaces = eth0\nmetered = yes")


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as made:
        yield made


def test_a_silent_data_path_is_noticed_in_time_while_programs_send(
    net: Internet,
) -> None:
    daemon = net.device.run_conman(METERED)
    daemon.wait(lambda status: status["state"] == "online")
    meter = UdpMeter(net.device)
    meter.wait_answer(time.monotonic())
    died = time.monotonic()
    net.home.sysctl("net.ipv4.ip_forward", "0")
    daemon.wait(lambda status: status["state"] != "online", 60)
    assert time.monotonic() - died < 30  # by itself it would be asked after 12 minutes
