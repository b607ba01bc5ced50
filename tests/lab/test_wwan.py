"""conman and a modem that speaks QMI: the kernel's qmi_wwan, the real qmicli and qmi-proxy."""

from __future__ import annotations

import pytest

from tests.lab.modem_device import modem_device, settings
from tests.lab.test_modems import pings

pytestmark = [pytest.mark.lab, pytest.mark.long]


def test_a_modem_gets_the_device_online() -> None:
    with modem_device("ec25") as it:
        it.run(settings(apn="internet"))
        link = it.online()
        (call,) = it.modem.calls()
        assert link["addresses"] == [f"{call['address']}/32"]
        assert link["dns"] == ["8.8.8.8", "9.9.9.9"]
        assert link["metered"]
        assert pings(it.world)
        print(it.daemon.log())
