"""The page's process: `python -m conman_plugins.accesspoint.page LINK FOLDER`.

LINK is the descriptor of the socket to the daemon, FOLDER an empty folder that becomes its whole
world. The first message is a key and the sockets that listen (SCM_RIGHTS, unix(7)), the second the
state; neither may come soon, as the process is started ahead.
Without root there is no sandbox, and FOLDER must be `-`: a word that the daemon, root, never uses.
"""

from __future__ import annotations

import os
import socket
import sys

from conman_plugins.accesspoint.page.tornadolean import import_tornado

KEY_BYTES = 32
_MOST_SOCKETS = 8
_GIVES_WAY = 5  #: to the daemon, hostapd and dnsmasq, where a crowd keeps it busy (nice(2))


def main(arguments: list[str]) -> int:
    """Serve until the daemon closes its end; return the exit code."""
    link = socket.socket(fileno=int(arguments[0]))
    folder = arguments[1]
    import_tornado()
    from conman_plugins.accesspoint.page import sandbox, serving

    serving.prepare()
    key, descriptors, *_ = socket.recv_fds(link, KEY_BYTES, _MOST_SOCKETS)
    if len(key) != KEY_BYTES:
        return 1
    listening = [socket.socket(fileno=each) for each in descriptors]
    os.nice(_GIVES_WAY)
    if os.geteuid() == 0 or folder != "-":
        try:
            sandbox.enter(folder)
        except sandbox.Failed as error:
            sys.stdout.write(f"it is not served: its sandbox cannot be closed: {error}\n")
            return 1
    serving.serve(link, key, listening)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
