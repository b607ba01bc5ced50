"""Which known networks a radio sees."""

from __future__ import annotations

from collections.abc import Sequence

from conman_core import ConnectError, DriverContext, Reason
from conman_core.errors import SystemFault
from conman_plugins.wifi.channels import by_haste
from conman_plugins.wifi.choice import Candidate, candidates, settled, why_none
from conman_plugins.wifi.knownfile import KnownFile
from conman_plugins.wifi.looking import ScanRefused, scan
from conman_plugins.wifi.memory import Memory
from conman_plugins.wifi.network import Network
from conman_plugins.wifi.scan import Cell
from conman_plugins.wifi.supplicant import Supplicant
from conman_plugins.wifi.wpaconf import KnownNetworks

FRESH = 5.0  #: seconds: what was looked at so lately is not looked at again


class Sight:
    """The eyes of one radio; whoever uses them has its turn."""

    def __init__(
        self,
        context: DriverContext,
        link: str,
        supplicant: Supplicant,
        known: KnownFile,
        memory: Memory,
    ) -> None:
        self.failed: set[bytes] = set()  #: SSIDs that did not work when last tried: they come last
        self.cells: list[Cell] = []  #: of the latest look at all channels
        self._looked = float("-inf")
        self._context = context
        self._link = link
        self._supplicant = supplicant
        self._known = known
        self._memory = memory

    def networks(self) -> Sequence[Network]:
        """Return the known networks as the file has them now. Raises ConnectError."""
        return self.listed().networks

    def listed(self) -> KnownNetworks:
        """Return the list as the file has it now. Raises ConnectError."""
        try:
            return self._known.load()
        except SystemFault as error:
            raise ConnectError(Reason.MISCONFIGURED, str(error)) from error

    async def look(self, *, everywhere: bool = False) -> list[Candidate]:
        """Return the known networks in sight, best first. Raises ConnectError.

        First the channels on which they were met before, then those that are quick to look at,
        then the rest; what comes later is left out if nothing better could be found there, unless
        `everywhere` is asked for.
        """
        known = self.networks()
        if self._context.now() - self._looked <= FRESH:
            return candidates(known, self.cells, self.failed)
        found = [] if everywhere else await self.glance()
        # with nothing known there is nothing to find, but a person may want to see what there is
        if known and self._is_enough(found, known):
            return found
        quick, slow = by_haste(await self._supplicant.request("GET_CAPABILITY freq"))
        cells = await scan(self._supplicant, quick, _hidden(known))
        enough = self._is_enough(candidates(known, cells, self.failed), known)
        if quick and slow and (everywhere or not enough):
            cells += await scan(self._supplicant, slow, _hidden(known))
        self.cells, self._looked = cells, self._context.now()
        return candidates(known, cells, self.failed)

    def _is_enough(self, found: Sequence[Candidate], known: Sequence[Network]) -> bool:
        return settled(found, known) and found[0].network.ssid not in self.failed

    async def glance(self) -> list[Candidate]:
        """Look at the channels of known networks only. Raises ConnectError."""
        known = self.networks()
        channels = self._memory.frequencies(known)
        if not channels:
            return []
        try:
            cells = await scan(self._supplicant, channels, _hidden(known))
        except ScanRefused as error:
            # met with another radio or in another country: this one refuses such a channel
            self._context.log.debug("%s: channels of before: %s", self._link, error)
            return []
        return candidates(known, cells, self.failed)

    def joined(self, candidate: Candidate) -> None:
        """Note where a network was joined."""
        self.failed.discard(candidate.network.ssid)
        try:
            self._memory.met(candidate.network.ssid, candidate.frequencies)
        except SystemFault as error:  # a full disk: then it is looked for on more channels
            self._context.log.warning("%s: %s", self._link, error)

    def why_none(self) -> str:
        """Return the sentence for a place where no known network is in sight."""
        listed = self.listed()
        problems = [f"line {each.line}: {each.sentence}" for each in listed.problems]
        return why_none(listed.networks, self.cells, problems)


def _hidden(known: Sequence[Network]) -> list[bytes]:
    return [network.ssid for network in known if network.hidden and not network.disabled]
