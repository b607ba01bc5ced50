"""Sockets to the kernel's routing tables: one that asks and changes, one that listens.

Each belongs to the network namespace of the thread that made it, for good.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import logging
import os
import socket
from types import TracebackType

from conman_core.errors import SystemFault
from conman_core.model import IPInterface
from conman_core.net import rtmessage as rt
from conman_core.net import rtparse, rtrequest

log = logging.getLogger(__name__)

#: errno values that say that an interface is not there (any more)
GONE = frozenset({errno.ENODEV, errno.ENXIO})

_SOL_NETLINK = 270
_CAP_ACK, _EXT_ACK, _GET_STRICT_CHK = 10, 11, 12  # NETLINK_*, linux/netlink.h
_NOOP, _ERROR, _DONE = 1, 2, 3  # NLMSG_*
_REQUEST, _ACK, _DUMP_INTR, _DUMP = 0x1, 0x4, 0x10, 0x300  # NLM_F_*
_REPLACE, _EXCL, _CREATE, _APPEND = 0x100, 0x200, 0x400, 0x800
_ABSENT = frozenset({errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL}) | GONE
_BUFFER = 65536  # the kernel never fills more than 32 KiB of an answer
_DUMP_TRIES = 5
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400  # RTMGRP_LINK, IPV4_ and IPV6_ IFADDR and ROUTE
_AT_ONCE = 128  # datagrams that one `Monitor.read` takes at most, not to starve the event loop


class Netlink:
    """Asks the kernel and changes what it has. Not for use by several threads at once.

    An answer takes tens of microseconds; `timeout` (seconds) is for a kernel that does not
    answer at all. Every refusal is a SystemFault with a sentence and the kernel's errno.
    """

    def __init__(self, timeout: float = 2.0) -> None:
        self._socket = _socket()
        self._socket.settimeout(timeout)
        self._sequence = itertools.count(1)
        for option in (_CAP_ACK, _EXT_ACK, _GET_STRICT_CHK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._socket.bind((0, 0))

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket. May be called twice."""
        self._socket.close()

    def links(self) -> list[rt.LinkMessage]:
        """Return every interface."""
        found = self._dump(rt.GETLINK, rtrequest.all_links(), "list the interfaces")
        return [message for message in found if isinstance(message, rt.LinkMessage)]

    def link(self, name: str) -> rt.LinkMessage:
        """Return one interface. SystemFault with errno ENODEV if there is none of that name."""
        task = f"look at {name}"
        for message in self._ask(rt.GETLINK, _ACK, rtrequest.one_link(name), task):
            if isinstance(message, rt.LinkMessage):
                return message
        raise fault(errno.ENODEV, f"the kernel said nothing about {name}")

    def addresses(self, index: int = 0) -> list[rt.AddressMessage]:
        """Return the addresses of one interface, or of all (0)."""
        found = self._dump(rt.GETADDR, rtrequest.all_addresses(index), "list the addresses")
        return [message for message in found if isinstance(message, rt.AddressMessage)]

    def routes(self, protocol: int = 0) -> list[rt.RouteMessage]:
        """Return the routes of one originator, or of all (0), from every table."""
        found = self._dump(rt.GETROUTE, rtrequest.all_routes(protocol), "list the routes")
        return [message for message in found if isinstance(message, rt.RouteMessage)]

    def rules(self) -> list[rt.RuleMessage]:
        """Return the routing rules of both families."""
        found = self._dump(rt.GETRULE, rtrequest.all_rules(), "list the routing rules")
        return [message for message in found if isinstance(message, rt.RuleMessage)]

    def set_up(self, index: int, up: bool) -> None:
        """Set an interface up or down."""
        task = f"set interface {index} {'up' if up else 'down'}"
        self._ask(rt.SETLINK, _ACK, rtrequest.link_up(index, up), task)

    def set_mtu(self, index: int, mtu: int) -> None:
        """Set the MTU of an interface, in bytes."""
        task = f"set the MTU of interface {index} to {mtu}"
        self._ask(rt.SETLINK, _ACK, rtrequest.link_mtu(index, mtu), task)

    def replace_address(
        self,
        index: int,
        interface: IPInterface,
        valid: float | None = None,
        preferred: float | None = None,
        *,
        protocol: int = 0,
        noprefixroute: bool = True,
    ) -> None:
        """Add an address, or give the one that is there new lifetimes (seconds, None: for ever).

        With `noprefixroute` the kernel makes no connected route of its own for a new address.
        """
        body = rtrequest.address(
            index,
            interface,
            valid=valid,
            preferred=preferred,
            protocol=protocol,
            noprefixroute=noprefixroute,
        )
        self._ask(rt.NEWADDR, _ACK | _CREATE | _REPLACE, body, f"set the address {interface}")

    def delete_address(self, index: int, interface: IPInterface) -> bool:
        """Delete an address; False: it was not there."""
        body = rtrequest.address(index, interface)
        return self._change(rt.DELADDR, 0, body, _ABSENT, f"delete the address {interface}")

    def add_route(self, route: rt.RouteMessage) -> bool:
        """Add a route beside those that are there; False: this very route is there.

        There is no replacing: the kernel would replace another link's route of the same metric.
        """
        flags, body = _CREATE | _APPEND, rtrequest.route(route)
        return self._change(rt.NEWROUTE, flags, body, {errno.EEXIST}, f"add the route {route}")

    def delete_route(self, route: rt.RouteMessage) -> bool:
        """Delete a route; False: it was not there.

        To the kernel a metric of 0 means any metric: delete such a route only if it is there.
        """
        body = rtrequest.route(route)
        return self._change(rt.DELROUTE, 0, body, _ABSENT, f"delete the route {route}")

    def add_rule(self, rule: rt.RuleMessage) -> bool:
        """Add a rule; False: it is there."""
        flags, body = _CREATE | _EXCL, rtrequest.rule(rule)
        return self._change(rt.NEWRULE, flags, body, {errno.EEXIST}, f"add the rule {rule}")

    def delete_rule(self, rule: rt.RuleMessage) -> bool:
        """Delete a rule; False: it was not there."""
        body = rtrequest.rule(rule)
        return self._change(rt.DELRULE, 0, body, _ABSENT, f"delete the rule {rule}")

    def _change(
        self, kind: int, flags: int, body: bytes, harmless: frozenset[int] | set[int], task: str
    ) -> bool:
        try:
            self._ask(kind, _ACK | flags, body, task)
        except SystemFault as error:
            if error.errno not in harmless:
                raise
            return False
        return True

    def _dump(self, kind: int, body: bytes, task: str) -> list[rt.Message]:
        for _ in range(_DUMP_TRIES):
            found: list[rt.Message] = []
            if self._exchange(kind, _DUMP, body, task, found):
                return found
        log.warning("the network changed all the time while conman tried to %s", task)
        return found

    def _ask(self, kind: int, flags: int, body: bytes, task: str) -> list[rt.Message]:
        found: list[rt.Message] = []
        self._exchange(kind, flags, body, task, found)
        return found

    def _exchange(
        self, kind: int, flags: int, body: bytes, task: str, found: list[rt.Message]
    ) -> bool:
        """Send a request and collect the answer; False: it changed meanwhile (NLM_F_DUMP_INTR)."""
        sequence = next(self._sequence) & 0xFFFFFFFF
        consistent = True
        try:
            self._socket.send(rtrequest.message(kind, _REQUEST | flags, sequence, body))
            while True:
                for envelope in rtparse.envelopes(self._receive()):
                    if envelope.sequence != sequence:
                        continue  # the late answer to a request that was given up
                    consistent = consistent and not envelope.flags & _DUMP_INTR
                    if envelope.kind in {_ERROR, _DONE}:
                        _check(envelope, task)
                        return consistent
                    message = rtparse.decode(envelope)
                    if message is not None:
                        found.append(message)
        except TimeoutError:
            raise fault(errno.ETIMEDOUT, f"the kernel did not answer: cannot {task}") from None
        except rtparse.Malformed as error:
            raise fault(
                errno.EBADMSG, f"the kernel's answer makes no sense ({error}): cannot {task}"
            ) from error
        except SystemFault:
            raise
        except OSError as error:
            number = error.errno or errno.EIO
            raise fault(number, f"cannot {task}: {os.strerror(number)}") from error

    def _receive(self) -> bytes:
        while True:
            data, _, flags, sender = self._socket.recvmsg(_BUFFER)
            if sender[0] != 0:
                continue  # from another program: only the kernel is believed
            if flags & socket.MSG_TRUNC:
                raise rtparse.Malformed(f"more than {_BUFFER} bytes")
            return data


class Overrun:
    """The kernel had more to say than the socket could hold: look at everything afresh."""

    def __repr__(self) -> str:
        return "Overrun()"


class Monitor:
    """Hears of every change of links, addresses and routes. For an event loop: see `fileno`.

    `receive_buffer` in bytes; above the system's limit only with CAP_NET_ADMIN.
    """

    def __init__(self, receive_buffer: int = 1 << 20) -> None:
        self._socket = _socket()
        self._socket.setblocking(False)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, 33, receive_buffer)  # SO_RCVBUFFORCE
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.bind((0, _GROUPS))

    def close(self) -> None:
        """Close the socket. May be called twice."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor to wait on for reading."""
        return self._socket.fileno()

    def read(self) -> list[rt.Message | Overrun]:
        """Return what has happened since, in order; an empty list if nothing has.

        Never waits. After `Overrun` the caller must ask `Netlink` for the whole state again.
        """
        found: list[rt.Message | Overrun] = []
        with contextlib.suppress(BlockingIOError):
            for _ in range(_AT_ONCE):
                try:
                    data, _, flags, sender = self._socket.recvmsg(_BUFFER)
                    if sender[0] != 0:
                        continue
                    if flags & socket.MSG_TRUNC:
                        raise rtparse.Malformed(f"more than {_BUFFER} bytes")
                    found += rtparse.parse(data)
                except rtparse.Malformed as error:
                    log.warning("a message of the kernel makes no sense: %s", error)
                    found.append(Overrun())
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise
                    found.append(Overrun())
        return found


def fault(number: int, sentence: str) -> SystemFault:
    """Return a SystemFault that reads as the sentence and keeps the errno."""
    made = SystemFault(sentence)
    made.errno = number
    return made


def _socket() -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)


def _check(envelope: rtparse.Envelope, task: str) -> None:
    number, words = rtparse.refusal(envelope)
    if not number:
        return
    reason = os.strerror(number) + (f" ({words})" if words else "")
    remedy = "; run conman as root" if number == errno.EPERM else ""
    raise fault(number, f"the kernel refused to {task}: {reason}{remedy}")
