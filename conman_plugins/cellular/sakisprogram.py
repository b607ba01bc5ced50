"""A call by the program sakis3g, which runs pppd by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from conman_core import Address, ConnectError, Connection, DriverContext, Family, Reason
from conman_core.inventory import Inventory
from conman_plugins.cellular.dialling import unusable
from conman_plugins.cellular.pppcall import free_unit, unwritable
from conman_plugins.cellular.pppd import Call

LIMIT = 120.0  #: seconds

_HANG_UP = 6.0
_LARGEST = 4096
_RUN, _DNS = Path("/run"), Path("/etc/ppp/resolv.conf")
_NOTE = Path("/tmp/sakis3g.3gnet")  # noqa: S108 - the script's own: user and password, for all
_NOBODY = "x"  #: user and password where there are none: it does not dial without
#: exit codes of version 0.2.0e
_CODES = {
    1: (Reason.BROKEN, "sakis3g broke off; write dialer = pppd in [conman:sakis3g]"),
    3: (Reason.DENIED, "sakis3g must run as root"),
    4: (Reason.NO_TOOL, "sakis3g lacks a program; apt install net-tools psmisc ppp usb-modeswitch"),
    6: (Reason.LOST, "sakis3g is not connected"),
    7: (Reason.NO_DEVICE, "sakis3g finds no modem on USB; plug it in again"),
    8: (Reason.WEDGED, "sakis3g could not set the modem up"),
    9: (Reason.WEDGED, "sakis3g found no driver for the modem"),
    10: (Reason.WEDGED, "sakis3g could not load the modem's driver"),
    11: (Reason.WEDGED, "sakis3g could not bind the modem's driver"),
    12: (Reason.PIN_WRONG, "the SIM card refused the PIN"),
    13: (Reason.NOT_REGISTERED, "no operator has taken the modem"),
    95: (Reason.WRONG_APN, "sakis3g could not connect"),
    98: (Reason.MISCONFIGURED, "sakis3g asks for something; set apn, user and password"),
    99: (Reason.TIMEOUT, "sakis3g failed without saying why"),
}


class SakisCall:
    """A call; `lost` is called once when it ends by itself after it was up."""

    def __init__(
        self,
        context: DriverContext,
        call: Call,
        apn: str,
        ids: str,
        lost: Callable[[Reason, str], None],
        *,
        run: Path = _RUN,
        dns: Path = _DNS,
        note: Path = _NOTE,
        inventory: Inventory | None = None,
    ) -> None:
        self._context = context
        self._call = call
        self._apn = apn
        self._ids = ids
        self._lost = lost
        self._run, self._dns, self._note = run, dns, note
        self._inventory = inventory or Inventory()
        self._handle = -1  # of the pppd that is ours
        self._watch: asyncio.Task[None] | None = None

    @property
    def terminal(self) -> str:
        """The port that it has."""
        return self._call.terminal

    async def start(self) -> Connection:
        """Dial, and wait until it is up. Raises ConnectError; then nothing is left running."""
        unit = free_unit()
        name = f"conman-{self._call.terminal.rpartition('/')[2]}"
        must_be_harmless(self._call, self._apn)
        home = self._context.runtime / f"home-{name}"  # empty: it reads a PIN from ~/.3gpin
        try:
            home.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise unwritable(home, error) from error
        try:
            done = await self._context.run(
                ["env", f"HOME={home}", *arguments(self._call, self._apn, self._ids, unit, name)],
                timeout=LIMIT,
                secrets=[word for word in (self._call.user, self._call.password) if word],
            )
            if done.returncode:
                default = (Reason.TIMEOUT, f"sakis3g ended with code {done.returncode}")
                raise ConnectError(*_CODES.get(done.returncode, default))
            self._take(self._run / f"ppp-{name}.pid")
            connection = self._connection(f"ppp{unit}")
        except TimeoutError as error:
            await self._clear(name)
            raise ConnectError(Reason.TIMEOUT, str(error)) from None
        except BaseException:  # cancelled, too
            await self._clear(name)
            raise
        finally:
            self._remove_note()
        self._watch = asyncio.create_task(self._follow())
        return connection

    def _remove_note(self) -> None:
        try:
            self._note.unlink(missing_ok=True)
        except OSError as error:
            words = f"delete it, it may have the password: rm -r {self._note}"
            self._context.log.warning("%s stays: %s; %s", self._note, error.strerror, words)

    async def end(self) -> None:
        """Hang up: end the pppd that is ours, and no other. Never raises; may come twice."""
        if self._watch:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        if self._handle < 0:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, how)
            if await self._ended(_HANG_UP):
                break
        os.close(self._handle)
        self._handle = -1

    async def _clear(self, name: str) -> None:
        """End what a call that failed has left."""
        if self._handle < 0:
            with contextlib.suppress(ConnectError):
                self._take(self._run / f"ppp-{name}.pid")
        await self.end()

    def _take(self, file: Path) -> None:
        """Get hold of the pppd that wrote a file. Raises ConnectError."""
        try:
            pid = int(file.read_text()[:_LARGEST].split()[0])
            self._handle = os.pidfd_open(pid)
            program = Path(f"/proc/{pid}/comm").read_text().strip()
        except (OSError, ValueError, IndexError):
            program = ""
        if program != "pppd":
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1
            raise ConnectError(Reason.LOST, "sakis3g says that it is connected, but no pppd runs")

    def _connection(self, interface: str) -> Connection:
        found = [
            each for each in self._inventory.addresses(interface) if isinstance(each, IPv4Interface)
        ]
        if not found:
            raise ConnectError(Reason.NO_ADDRESS, "the network gave no address")
        own = Address(IPv4Interface(f"{found[0].ip}/32"))
        servers = self._servers()
        return Connection(interface, (own,), {Family.IPV4: None}, servers, metered=True)

    def _servers(self) -> tuple[IPv4Address, ...]:
        try:
            lines = self._dns.read_text(errors="replace")[:_LARGEST].splitlines()
        except OSError:
            return ()
        found: dict[IPv4Address, None] = {}
        for line in lines:
            with contextlib.suppress(ValueError):
                address = IPv4Address(line.removeprefix("nameserver").strip())
                if not (address.is_unspecified or address.is_loopback or address.is_multicast):
                    found[address] = None
        return tuple(found)

    async def _follow(self) -> None:
        await self._ended(None)
        self._lost(Reason.LOST, "the network ended the call")

    async def _ended(self, limit: float | None) -> bool:
        """Wait until the pppd has ended; return whether it has."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._handle, ended.set)
        try:
            async with asyncio.timeout(limit):
                await ended.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._handle)
        return True


def must_be_harmless(call: Call, apn: str) -> None:
    """Raise ConnectError for what the script would run; the list of operators may have it."""
    words = {"apn": apn, "user": call.user or _NOBODY, "password": call.password or _NOBODY}
    for _, sentence in unusable(words):
        raise ConnectError(Reason.MISCONFIGURED, f"sakis3g cannot be given this: {sentence}")


def arguments(call: Call, apn: str, ids: str, unit: int, name: str) -> list[str]:
    """Return the command line; all values were checked before, for the script evaluates them.

    User and password are seen in it; pppd's own has them, too. Our options take the place of the
    script's own, which has pppd stay its child. Without `--nofix` it would delete all default
    routes and rewrite the resolver; `disconnect` would end every pppd.
    """
    options = (
        "nodetach modem crtscts lock noipdefault maxfail 1"
        f" noauth nodefaultroute usepeerdns unit {unit} linkname {name} ipparam conman noipv6"
        " ip-up-script /bin/true ip-down-script /bin/true"
        " lcp-echo-interval 3 lcp-echo-failure 3"
    )
    words = ["sakis3g", "--console", "--pppd", "--nofix", "connect"]
    words += ["OTHER=CUSTOM_TTY", "MODEM=OTHER", f"CUSTOM_TTY={call.terminal}"]
    words += [f"USBMODEM={ids}"] if ids else []
    words += ["APN=CUSTOM_APN", f"CUSTOM_APN={apn}"] if apn else []
    words += [f"APN_USER={call.user or _NOBODY}", f"APN_PASS={call.password or _NOBODY}"]
    words += [f"DIAL={call.number}", f"BAUD={call.baud}"]
    return [*words, f"PPPINT=ppp{unit}", f"pppint=ppp{unit}", f"PPPD_OPTIONS={options}"]
