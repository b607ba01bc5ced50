"""A device with modems in a small internet; perhaps with a cable, too.

    device wwan0  ~~~  cell1 carrier wan0 --\
    device ppp0   ~~~  ppp0  carrier         \
    device eth0   ~~~  lan0  dongle  wan0 --- far: 1.1.1.1  8.8.8.8  9.9.9.9  198.51.100.1
    device eth0   ---  lan0  wired   wan0 ---/

As in tests/netns/internet.py, but that the links are USB devices of the stock kernel's drivers. The
interfaces of modems are in the device's namespace, /dev/cdc-wdm0 and /dev/ttyUSB0 the machine's.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from tests.lab.modems.carrier import Carrier
from tests.lab.modems.fork import end, serve_internet
from tests.lab.modems.hosts import Host, QuickDevice
from tests.lab.modems.hotplug import Mover
from tests.lab.modems.models import MODELS
from tests.lab.modems.modem import Modem
from tests.netns.internet import SITE, SITES, TARGETS, Internet
from tests.netns.namespaces import Bench, bench
from tests.netns.router import Router
from tests.netns.services import start_dns

DRIVERS = (
    "tun",
    "ppp_async",
    "vhci-hcd",
    "option",
    "qmi_wwan",
    "cdc_acm",
    "cdc_ether",
    "rndis_host",
    "usb-storage",
    "sr_mod",
)
DONGLE = IPv4Interface("192.168.8.1/24")


class ModemWorld(Internet):
    """The first modem is `modem`; more come with `add`."""

    def __init__(
        self, made: Bench, *, cable: bool = False, move: bool = True, internet: bool = True
    ) -> None:
        self.bench = made
        self.shared_lan = False
        load_drivers()
        self.far: Host = Host(made, "far")
        self._internet = internet
        if internet:
            self._build_far()
        self.device = QuickDevice(made)
        (self.device.folder / "run/lock").mkdir()  # where pppd locks terminals
        self.modems: list[Modem] = []
        self.dongles: dict[int, Router] = {}
        self._carrier: Carrier | None = None
        self._networks = 0
        self._ipv6 = False
        self.mover = Mover(self.device.name) if move else None
        if cable:
            self.home = self.backup = self._next_router("wired", IPv4Interface("10.77.1.1/24"))
            made.cable(self.device, "eth0", self.home, "lan0")
            self.device.ip("link", "set", "eth0", "down")
            self.home.configure_lan()
            self.home.dns_start(SITES, SITE)
            self.home.dhcp_start()

    def _build_far(self) -> None:
        """As the parent does, in a fraction of the time."""
        self.far.batch(*(f"address add {address}/32 dev lo" for address in (*TARGETS, SITE)))
        self._servers = serve_internet(self.far, (*TARGETS, SITE))
        start_dns(self.far, TARGETS, SITES, SITE)

    @property
    def modem(self) -> Modem:
        """The first modem."""
        return self.modems[0]

    @property
    def carrier(self) -> Carrier:
        """The operator of the modems that are no routers themselves."""
        if not self._carrier:
            self._carrier = Carrier(self.bench, self.far if self._internet else None)
        return self._carrier

    def add(
        self, model: str, *, cdrom: bool = False, plugged_in: bool = True, **settings: Any
    ) -> Modem:
        """Plug a modem in; `settings` are those of tests/lab/modems/state.py."""
        number = len(self.modems) + 1
        if MODELS[model].router:
            router = self._dongle(number)
            host, tunnel = router.name, "lan0"
        else:
            host, tunnel = self.carrier.name, self.carrier.cell(number)
            if settings.get("ipv6") and not self._ipv6:
                self.carrier.use_ipv6()
                self._ipv6 = True
        made = Modem(self, model, number, host, tunnel, cdrom=cdrom, settings=settings)
        self.modems.append(made)
        if plugged_in:
            made.plug_in()
        return made

    def close(self) -> None:
        """End what runs on the device, then unplug."""
        for process in reversed(self.bench.processes[:]):
            self.bench.stop(process)
        for modem in self.modems:
            modem.close()
        if self._internet:
            end(self._servers)
        if self.mover:
            self.mover.close()
            if self.mover.failures:
                raise RuntimeError("; ".join(self.mover.failures))

    def _dongle(self, number: int) -> Router:
        router = self.dongles[number] = self._next_router(f"dongle{number}", DONGLE)
        router.ip("tuntap", "add", "dev", "lan0", "mode", "tap")
        router.ip("link", "set", "lan0", "up")
        router.configure_lan()
        router.dns_start(SITES, SITE)
        router.dhcp_start()
        return router

    def _next_router(self, role: str, lan: IPv4Interface) -> Router:
        self._networks += 1
        return self._router(role, lan, f"203.0.113.{4 * self._networks + 1}/30")


def load_drivers() -> None:
    """Load what binds to modems; nothing loads it by itself where no udev runs."""
    missing = [name for name in DRIVERS if not _loaded(name)]
    if missing:
        subprocess.run(["modprobe", "-a", *missing], check=True, timeout=60)


def _loaded(name: str) -> bool:
    return Path(f"/sys/module/{name.replace('-', '_')}").exists()


@contextlib.contextmanager
def modem_world(
    model: str | None = "ec25",
    *,
    prefix: str = "cm",
    cable: bool = False,
    cdrom: bool = False,
    move: bool = True,
    internet: bool = True,
    plugged_in: bool = True,
    **settings: Any,
) -> Iterator[ModemWorld]:
    """Give a world that is removed whatever happens.

    `model` is one of tests/lab/modems/models.py, None for a device without any modem yet. With
    `cdrom` it shows itself as a CD-ROM first. `move=False` leaves the interfaces in the machine's
    own namespace, for programs that need udev to tell them of it. `internet=False` saves seconds
    where nothing is sent.
    """
    with bench(prefix) as made:
        world = ModemWorld(made, cable=cable, move=move, internet=internet)
        try:
            if model:
                world.add(model, cdrom=cdrom, plugged_in=plugged_in, **settings)
            yield world
        finally:
            world.close()
