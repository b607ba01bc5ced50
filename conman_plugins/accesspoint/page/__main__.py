"""The page's process: `python -m conman_plugins.accesspoint.page LINK FOLDER SOCKET...`.

LINK is the descriptor of the socket to the daemon, each SOCKET one that listens; FOLDER is an
empty folder that becomes its whole world. The first message is a key, the second the state.
Without root there is no sandbox, and FOLDER must be `-`: a word that the daemon, root, never uses.
"""

from __future__ import annotations

import os
import socket
import sys

from conman_plugins.accesspoint.page.tornadolean import import_tornado

KEY_BYTES = 32


def main(arguments: list[str]) -> int:
    """Serve until the daemon closes its end; return the exit code."""
    link = socket.socket(fileno=int(arguments[0]))
    folder, listening = arguments[1], [socket.socket(fileno=int(each)) for each in arguments[2:]]
    key = link.recv(KEY_BYTES)
    if len(key) != KEY_BYTES:
        return 1
    import_tornado()
    from conman_plugins.accesspoint.page import sandbox, serving

    serving.prepare()
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
