"""A world with modems to look around in, for script/lab shell:

python3 -m tests.lab.modems ec25                    a shell on the device; exit removes it all
python3 -m tests.lab.modems hilink --cdrom          which shows itself as a CD-ROM first
python3 -m tests.lab.modems ec25 e220 registration=slow
"""

from __future__ import annotations

import argparse
import json
import subprocess
from typing import Any

from tests.lab.modems.models import MODELS
from tests.lab.modems.world import modem_world


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.lab.modems",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="MODEL or NAME=VALUE", help=", ".join(MODELS))
    parser.add_argument("--cdrom", action="store_true")
    wanted = parser.parse_args()
    settings: dict[str, Any] = {}
    for word in wanted.words:
        name, mark, value = word.partition("=")
        if mark:
            settings[name] = json.loads(value) if value[:1] in "[{0123456789-tf" else value
    with modem_world(None) as world:
        for word in wanted.words:
            if "=" not in word:
                modem = world.add(word, cdrom=wanted.cdrom, **settings)
                print(word, *modem.terminals, modem.control_device, modem.interface)
        argv = ["ip", "netns", "exec", world.device.name, "bash", "-i"]
        subprocess.run(argv, check=False)


if __name__ == "__main__":
    main()
