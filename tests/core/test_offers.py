"""Which driver gets which interface, and at which rank."""

from __future__ import annotations

from conman_core.model import Link, Specificity
from conman_core.offers import rank_of, settle

ORDER = ("ethernet", "wifi", "hilink")


def test_a_link_named_by_itself_ranks_where_it_is_named() -> None:
    order = ("ethernet:eth1", "wifi", "ethernet")

    assert rank_of(Link("ethernet", "eth1", "eth1"), order) == 0
    assert rank_of(Link("ethernet", "eth0", "eth0"), order) == 2


def test_a_link_that_priority_does_not_name_is_refused_with_a_sentence() -> None:
    settled = settle([Link("lora", "l0", "l0")], ORDER)

    assert not settled.used
    assert settled.refused["lora:l0"][1] == "lora:l0 is not in priority = ethernet, wifi, hilink"


def test_an_interface_goes_to_the_driver_that_knows_the_device() -> None:
    generic = Link("ethernet", "usb0", "usb0")
    dongle = Link("hilink", "usb0", "usb0", specificity=Specificity.DEVICE)
    settled = settle([generic, dongle], ORDER)

    assert list(settled.used) == ["hilink:usb0"]
    assert settled.refused["ethernet:usb0"][1] == "usb0 is used as hilink:usb0"


def test_of_two_equally_specific_drivers_the_higher_rank_gets_the_interface() -> None:
    settled = settle([Link("wifi", "x", "x0"), Link("ethernet", "x", "x0")], ORDER)

    assert list(settled.used) == ["ethernet:x"]


def test_a_refused_driver_blocks_no_interface() -> None:
    other = Link("lora", "usb0", "usb0", specificity=Specificity.DEVICE)
    settled = settle([other, Link("ethernet", "usb0", "usb0")], ORDER)

    assert list(settled.used) == ["ethernet:usb0"]


def test_links_without_an_interface_never_collide() -> None:
    settled = settle([Link("hilink", "a"), Link("hilink", "b")], ORDER)

    assert list(settled.used) == ["hilink:a", "hilink:b"]


def test_an_interface_that_another_claimed_is_refused() -> None:
    settled = settle([Link("wifi", "wlan0", "wlan0")], ORDER, {"wlan0": "accesspoint"})

    assert settled.refused["wifi:wlan0"][1] == "wlan0 is used by accesspoint now"


def test_a_device_that_two_drivers_could_use_goes_to_the_one_that_ranks_first() -> None:
    by_control = Link("wwan", "cdc-wdm0", "wwan0", hardware="usb:1-1")
    by_terminal = Link("sakis3g", "ttyUSB2", hardware="usb:1-1")
    another = Link("sakis3g", "ttyUSB4", hardware="usb:1-2")
    offers = [by_terminal, by_control, another]
    settled = settle(offers, ("wwan", "sakis3g"))

    assert list(settled.used) == ["wwan:cdc-wdm0", "sakis3g:ttyUSB4"]
    why = "its device (usb:1-1) is used as wwan:cdc-wdm0"
    assert settled.refused["sakis3g:ttyUSB2"][1] == why
    assert list(settle(offers, ("sakis3g", "wwan")).used) == ["sakis3g:ttyUSB2", "sakis3g:ttyUSB4"]


def test_a_device_goes_to_the_driver_that_knows_it_and_not_to_one_that_is_not_used() -> None:
    generic = Link("ethernet", "usb0", "usb0", hardware="usb:1-1")
    dongle = Link("hilink", "1-1", "usb1", specificity=Specificity.DEVICE, hardware="usb:1-1")

    assert list(settle([generic, dongle], ORDER).used) == ["hilink:1-1"]
    assert list(settle([generic, dongle], ("ethernet",)).used) == ["ethernet:usb0"]
