"""A port that has another name is the port itself."""

from __future__ import annotations

from pathlib import Path

from conman_plugins.cellular.dialling import Wishes
from conman_plugins.cellular.seriallinks import SerialLinks
from tests.cellular.usbtree import UsbTree, e220


def test_a_port_named_by_its_id_is_the_modem_that_it_belongs_to(tmp_path: Path) -> None:
    tree = UsbTree(tmp_path / "sys")
    e220(tree)
    port, named = tmp_path / "ttyUSB0", tmp_path / "usb-HUAWEI-if00"
    port.write_text("")
    named.symlink_to(port)
    links, wishes = SerialLinks(tree.usb), Wishes(port=str(named))
    (link,) = links.offered(wishes)

    assert (link.name, link.hardware) == ("sakis3g:ttyUSB0", "usb:1-1")
    assert links.ports(link, wishes) == (str(port),)
