"""Turns the kernel's news of links, addresses and routes into events of the roster."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from conman_core.errors import SystemFault
from conman_core.model import IPInterface, Reason
from conman_core.net import rtmessage as rt
from conman_core.net.netlink import Monitor, Overrun
from conman_core.net.routing import PROTOCOL
from conman_core.network import Network
from conman_core.roster import Roster

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0  #: seconds after which a look that the kernel did not answer is repeated


class KernelWatch:
    """Listens until closed. `changed` is called after anything that concerns a link.

    `interfaces_changed` is called when an interface came or went, so that drivers are probed.
    """

    def __init__(
        self,
        network: Network,
        roster: Roster,
        changed: Callable[[], None],
        interfaces_changed: Callable[[], None],
    ) -> None:
        self._network = network
        self._roster = roster
        self._changed = changed
        self._interfaces_changed = interfaces_changed
        self._monitor = Monitor()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._monitor.fileno(), self._read)
        self._later: asyncio.TimerHandle | None = None
        network.look()  # what it knew is from before there was anybody to listen

    def close(self) -> None:
        """Stop listening."""
        if self._later:
            self._later.cancel()
        self._loop.remove_reader(self._monitor.fileno())
        self._monitor.close()

    def _read(self) -> None:
        messages = self._monitor.read()
        if any(isinstance(message, Overrun) for message in messages):
            # The kernel reports a loss first, then hands out what it kept from before the loss.
            while self._monitor.read():
                pass
            self.resync()
            return
        for message in messages:
            match message:
                case rt.LinkMessage():
                    self._link(message)
                case rt.AddressMessage(gone=True):
                    self._address_gone(message.index, message.interface)
                case rt.RouteMessage(gone=True, protocol=protocol) if protocol == PROTOCOL:
                    self._route_gone(message)

    def resync(self) -> None:
        """Compare everything with the kernel: some of its news were lost."""
        log.warning("the kernel had more news than could be read: looking at everything afresh")
        before = dict(self._network.interfaces())
        try:
            after = self._network.look()
        except SystemFault as fault:
            log.error("%s; looking again in %g s", fault, LOOK_AGAIN)
            self._later = self._loop.call_later(LOOK_AGAIN, self.resync)
            return
        for name, old in before.items():
            if name not in after or after[name].index != old.index:
                self._roster.interface_gone(name)
        for name, now in after.items():
            was_up = name in before and before[name].up
            self._roster.interface_changed(name, came_up=now.up and not was_up)
            self._roster.configuration_lost(name)
        self._interfaces_changed()
        self._changed()

    def _link(self, link: rt.LinkMessage) -> None:
        name = self._network.name_of(link.index)
        before = self._network.interface(name) if name else None
        self._network.heard(link)
        if link.gone or (name is not None and name != link.name):
            if name is not None:
                self._roster.interface_gone(name)
                if not link.gone:  # its routes follow its number to the new name
                    self._network.unconfigure(link.name)
            self._interfaces_changed()
        if not link.gone:
            now = self._network.interface(link.name)
            if before is None or name != link.name:
                self._interfaces_changed()
            elif now == before:
                return  # a statistic, a queue: nothing that matters here
            came_up = link.up and not (before is not None and before.up)
            self._roster.interface_changed(link.name, came_up=came_up)
        self._changed()

    def _address_gone(self, index: int, address: IPInterface) -> None:
        name = self._network.name_of(index)
        if name is not None and self._roster.address_gone(name, address, Reason.NO_ADDRESS):
            self._changed()

    def _route_gone(self, route: rt.RouteMessage) -> None:
        name = self._network.name_of(route.oif) if route.oif else None
        if name is not None and self._roster.route_gone(name, route.metric):
            self._changed()
