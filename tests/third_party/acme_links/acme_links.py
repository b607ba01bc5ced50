"""A whole driver: DHCP over an Acme modem, which shows itself as the network interface acme0."""

import socket

from conman_core import Link, LinkDriver, Reason, Unavailable


class AcmeDriver(LinkDriver):
    api_version = 1
    lease = None

    def probe(self):
        if "acme0" not in [name for _, name in socket.if_nameindex()]:
            return Unavailable(Reason.NO_DEVICE, "there is no acme0: plug the Acme modem in")
        return [Link("acme", "acme0", interface="acme0")]

    async def connect(self, link):
        self.lease = self.context.dhcp(link.interface)
        return await self.lease.acquire()

    async def disconnect(self, link):
        if self.lease:
            await self.lease.release()
