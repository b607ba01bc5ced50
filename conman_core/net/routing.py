"""Sets and removes the addresses, routes and rules of links.

The kernel is the only record: all that is conman's carries `PROTOCOL` there, so that a fresh
process finds and removes it after the one before was killed. Kernels before Linux 5.18 do not
keep it for addresses; for them the caller remembers what it added and passes it as `owned`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conman_core.errors import SystemFault
from conman_core.model import Connection, IPInterface
from conman_core.net.foreignroute import route_from_dict, route_to_dict
from conman_core.net.linkplan import (
    PROTOCOL,
    TABLE_BASE,
    add_order,
    routes_for,
    rules_for,
    same_route,
    table_of,
)
from conman_core.net.netlink import GONE, Netlink, fault
from conman_core.net.rtmessage import (
    MAIN_TABLE,
    UNICAST,
    AddressMessage,
    LinkMessage,
    RouteMessage,
    RuleMessage,
)

__all__ = ["PROTOCOL", "TABLE_BASE", "Router"]

log = logging.getLogger(__name__)


class Router:
    """Turns what a link offers into addresses, routes and rules, and takes them away again.

    Every refusal of the kernel is a SystemFault whose sentence names the interface. Metrics go
    from 1 to 2**32 - 1 and should differ from link to link.
    """

    def __init__(self, netlink: Netlink) -> None:
        self._netlink = netlink

    def new_addresses(self, connection: Connection) -> tuple[IPInterface, ...]:
        """Return the addresses that `configure` would add now, to be remembered before it does."""
        with self._about(connection.interface):
            index = self._netlink.link(connection.interface).index
            present = {message.interface for message in self._netlink.addresses(index)}
        wanted = (address.interface for address in connection.addresses)
        return tuple(interface for interface in wanted if interface not in present)

    def configure(
        self, connection: Connection, metric: int, owned: Collection[IPInterface] = ()
    ) -> tuple[IPInterface, ...]:
        """Give a link what it offers: up, MTU, addresses, routes and rules; return new addresses.

        With a changed connection the new comes before the old goes. An address that is there
        and not conman's (nor in `owned`) stays as it is. When anything but the MTU is refused,
        nothing of conman's is left on the interface and SystemFault is raised.
        """
        name = connection.interface
        with self._about(name):
            link = self._netlink.link(name)
        added: list[IPInterface] = []
        try:
            with self._about(name):
                self._prepare(link, connection.mtu)
                self._add(connection, link.index, metric, owned, added)
                if self._remove_stale(connection, link.index, metric, owned):
                    # the kernel may have taken other addresses of that network along, with
                    # their routes: promote_secondaries in its ip-sysctl documentation
                    self._add(connection, link.index, metric, owned, added)
        except SystemFault:
            try:
                self._clear({link.index: (*owned, *added)})
            except SystemFault as error:
                log.warning("%s: not all could be taken back: %s", name, error)
            raise
        return tuple(added)

    def set_metric(self, interface: str, metric: int) -> None:
        """Move a link up or down among the links. There is no moment without a route."""
        with self._about(interface):
            index = self._netlink.link(interface).index
            old = [
                route
                for route in self._own_routes()
                if (route.oif, route.table) == (index, MAIN_TABLE) and route.metric != metric
            ]
            added = []
            try:
                for route in old:
                    new = replace(route, metric=metric)
                    if self._netlink.add_route(new):
                        added.append(new)
            except SystemFault:
                self._delete_routes(added)
                raise
            self._delete_routes(old)

    def unconfigure(self, interface: str, owned: Collection[IPInterface] = ()) -> None:
        """Remove all that is conman's from an interface. One that is gone is fine."""
        with self._about(interface):
            try:
                index = self._netlink.link(interface).index
            except SystemFault as error:
                if error.errno not in GONE:
                    raise
                self._clear({})  # its rules outlive it
            else:
                self._clear({index: owned})

    def sweep(
        self, keep: Collection[str], owned: Mapping[str, Collection[IPInterface]] | None = None
    ) -> None:
        """Remove all that is conman's from every interface that is not in `keep`."""
        owned = owned or {}
        links = self._netlink.links()
        self._clear(
            {link.index: owned.get(link.name, ()) for link in links if link.name not in keep}
        )

    def release(self, owned: Mapping[str, Collection[IPInterface]] | None = None) -> None:
        """Remove all that is conman's, whichever process set it."""
        self.sweep((), owned)

    def foreign_defaults(self, interfaces: Collection[str]) -> list[RouteMessage]:
        """Return the default routes of the main table on these interfaces that are others'."""
        indexes = {link.index for link in self._netlink.links() if link.name in interfaces}
        return [
            route
            for route in self._netlink.routes()
            if (route.table, route.type) == (MAIN_TABLE, UNICAST)
            and route.destination.prefixlen == 0
            and route.protocol != PROTOCOL
            and indexes & {route.oif, *(hop.oif for hop in route.hops)}
        ]

    def remember(self, route: RouteMessage) -> dict[str, Any]:
        """Return a route as JSON values, for `restore`. Do this before `remove`."""
        names = {link.index: link.name for link in self._netlink.links()}
        try:
            return route_to_dict(route, names)
        except KeyError:
            raise SystemFault(f"the interface of the route {route} is gone") from None

    def remove(self, route: RouteMessage) -> bool:
        """Remove another program's route; False: it was not there any more."""
        # looked for, as the kernel takes a metric of 0 for any metric
        there = any(_timeless(route) == _timeless(other) for other in self._netlink.routes())
        return there and self._netlink.delete_route(route)

    def restore(self, fields: Mapping[str, Any]) -> bool:
        """Put back a route from what `remember` returned; False: it is there."""
        indexes = {link.name: link.index for link in self._netlink.links()}
        try:
            route = route_from_dict(fields, indexes)
        except (ValueError, LookupError) as error:
            raise SystemFault(f"a remembered route cannot be put back: {error}") from error
        return self._netlink.add_route(route)

    @contextlib.contextmanager
    def _about(self, interface: str) -> Iterator[None]:
        try:
            yield
        except SystemFault as error:
            number = error.errno or 0
            # a vanished interface has many names: to the kernel a gateway is unreachable, an
            # address invalid
            if number in GONE or self._is_gone(interface):
                sentence = f"{interface} is gone; conman uses it again when it is back"
                raise fault(errno.ENODEV, sentence) from error
            raise fault(number, f"{interface}: {error}") from error

    def _is_gone(self, interface: str) -> bool:
        try:
            self._netlink.link(interface)
        except SystemFault as error:
            return error.errno in GONE
        return False

    def _prepare(self, link: LinkMessage, mtu: int | None) -> None:
        if not link.up:
            self._netlink.set_up(link.index, True)
        if mtu and mtu != link.mtu:
            try:
                self._netlink.set_mtu(link.index, mtu)
            except SystemFault as error:
                if error.errno in GONE:
                    raise
                log.warning("%s keeps its MTU of %s: %s", link.name, link.mtu, error)

    def _add(
        self,
        connection: Connection,
        index: int,
        metric: int,
        owned: Collection[IPInterface],
        added: list[IPInterface],
    ) -> None:
        present = {message.interface: message for message in self._netlink.addresses(index)}
        for address in connection.addresses:
            known = present.get(address.interface)
            if known and not _is_ours(known, (*owned, *added)):
                continue
            self._netlink.replace_address(
                index, address.interface, address.valid, address.preferred, protocol=PROTOCOL
            )
            if not known and address.interface not in added:
                added.append(address.interface)
        for route in routes_for(connection, index, metric):
            self._netlink.add_route(route)
        for rule in rules_for(connection, index):
            self._netlink.add_rule(rule)

    def _remove_stale(
        self, connection: Connection, index: int, metric: int, owned: Collection[IPInterface]
    ) -> bool:
        """Remove what the connection no longer has; True: an address was among it."""
        routes = {same_route(route) for route in routes_for(connection, index, metric)}
        self._delete_routes(
            route
            for route in self._own_routes()
            if route.oif == index and same_route(route) not in routes
        )
        rules = set(rules_for(connection, index))
        for rule in self._own_rules():
            if rule.table == table_of(index) and rule not in rules:
                self._netlink.delete_rule(rule)
        addresses = {address.interface for address in connection.addresses}
        stale = [
            message
            for message in self._netlink.addresses(index)
            if _is_ours(message, owned) and message.interface not in addresses
        ]
        for message in stale:
            self._netlink.delete_address(index, message.interface)
        return bool(stale)

    def _clear(self, owned: Mapping[int, Collection[IPInterface]]) -> None:
        """Remove what is ours on these interfaces, and every rule that leads nowhere."""
        self._delete_routes(route for route in self._own_routes() if route.oif in owned)
        live = {route.table for route in self._own_routes()}
        rules = self._own_rules()
        used = {rule.family for rule in rules if rule.table in live - {MAIN_TABLE}}
        for rule in rules:
            if rule.family not in used or rule.table not in live | {MAIN_TABLE}:
                self._netlink.delete_rule(rule)
        for message in self._netlink.addresses():
            if message.index in owned and _is_ours(message, owned[message.index]):
                self._netlink.delete_address(message.index, message.interface)

    def _own_routes(self) -> list[RouteMessage]:
        """Return what is ours, in the order in which it may be added."""
        found = self._netlink.routes(PROTOCOL)
        # asked again here, as a kernel that cannot filter gives all
        return sorted((each for each in found if each.protocol == PROTOCOL), key=add_order)

    def _own_rules(self) -> list[RuleMessage]:
        return [rule for rule in self._netlink.rules() if rule.protocol == PROTOCOL]

    def _delete_routes(self, routes: Iterable[RouteMessage]) -> None:
        for route in reversed(list(routes)):
            self._netlink.delete_route(route)


def _is_ours(message: AddressMessage, owned: Collection[IPInterface]) -> bool:
    return message.protocol == PROTOCOL or message.interface in owned


def _timeless(route: RouteMessage) -> RouteMessage:
    return replace(route, expires=None)
