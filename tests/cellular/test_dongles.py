"""Which devices of makers of modems are routers."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_plugins.cellular.hilink import router_of
from tests.cellular.usbtree import UsbTree


@pytest.mark.parametrize(("ids", "is_router"), [("1e2d:0061", False), ("2c7c:0125", True)])
def test_a_modem_with_terminals_is_a_router_only_if_its_makers_are(
    tmp_path: Path, ids: str, is_router: bool
) -> None:
    tree = UsbTree(tmp_path)
    tree.plug("1-1", ids)
    tree.function("1-1", 0, "cdc_acm", kind="02:02:01", tty="ttyACM0")
    tree.function("1-1", 2, "cdc_ether", kind="02:06:00", net="usb0")
    (device,) = tree.usb.devices()

    assert (router_of(device) is not None) is is_router
