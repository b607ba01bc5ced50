"""What one radio can be: an access point beside its work as a client, or in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from conman_core import ConnectError, Reason
from conman_core.net import nl80211, wiphy
from conman_core.net.rfkill import Switches
from conman_plugins.accesspoint import channel

SYSFS = Path("/sys/class/net")
OWN = "conman-ap0"  #: an access point's own interface, beside the radio's first one


@dataclass(frozen=True, slots=True)
class Plan:
    """`ap_interface` is the access point's; the radio's own one unless they work `together`."""

    interface: str
    phy: int
    ap_interface: str
    together: bool
    one_channel: bool
    frequencies: frozenset[int]  #: MHz
    throughput: bool

    def reaches(self, frequency: int) -> bool:
        """Tell whether the access point can be moved to a channel."""
        return channel.usable(frequency, self.frequencies)

    def alone(self) -> Plan:
        """Return the plan for a radio that does not do both after all."""
        return replace(self, ap_interface=self.interface, together=False)


def make_plan(interface: str, *, together: bool) -> Plan:
    """Look at a radio. Raises ConnectError with what is wrong with it."""
    Switches(interface).switch_on()
    try:
        phy = int((SYSFS / interface / "phy80211/index").read_text())
    except (OSError, ValueError):
        raise ConnectError(Reason.NO_DEVICE, f"{interface} is not a WiFi radio") from None
    can = wiphy.read(nl80211.wiphy(phy))
    if not can.access_point:
        sentence = f"{interface} cannot be an access point: its driver does not offer it"
        raise ConnectError(Reason.NO_DEVICE, f"{sentence}; use another radio")
    if not any(channel.usable(each, can.frequencies) for each in can.frequencies):
        sentence = f"{interface} may not be an access point on any channel of 2.4 GHz"
        raise ConnectError(Reason.NO_COUNTRY, f"{sentence}; is its country right? iw reg get")
    both = together and can.channels_at_once > 0
    return Plan(
        interface=interface,
        phy=phy,
        ap_interface=OWN if both else interface,
        together=both,
        one_channel=can.channels_at_once < 2,
        frequencies=can.frequencies,
        throughput=can.high_throughput,
    )


def quietest(plan: Plan) -> int:
    """Return the channel in MHz that others use least."""
    index = _index(plan.interface)
    heard = wiphy.heard(nl80211.scanned(index)) if index else []
    found = channel.least_used(plan.frequencies, heard)
    assert found is not None  # noqa: S101 - `make_plan` saw that there is one
    return found


def _index(interface: str) -> int:
    try:
        return int((SYSFS / interface / "ifindex").read_text())
    except (OSError, ValueError):
        return 0
