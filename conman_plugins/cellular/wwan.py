"""Links of modems that speak QMI: /dev/cdc-wdm0 with wwan0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from conman_core import ConnectError, Connection, Link, LinkDriver, Reason, Unavailable

NAME = "wwan"


class WwanDriver(LinkDriver):
    """Offers each modem that speaks QMI as a link."""

    api_version: ClassVar[int] = 1
    connect_limit: ClassVar[float] = 90.0

    def probe(self) -> Sequence[Link] | Unavailable:
        return Unavailable(Reason.NO_DEVICE, "no QMI modem: plug one in, then: conman probe")

    def connect(self, link: Link) -> Connection:
        raise ConnectError(Reason.NO_DEVICE, f"{link.device} is gone")

    def disconnect(self, link: Link) -> None:
        return None
