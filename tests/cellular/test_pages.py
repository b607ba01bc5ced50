"""The pages of hilink and sakis3g have every setting, and every reason that they may give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conman_core import LinkDriver
from conman_plugins.cellular.hilink import HilinkDriver
from conman_plugins.cellular.sakis3g import Sakis3gDriver

FOLDER = Path(__file__).parents[2] / "conman_plugins/cellular"
SHARED = ("usbpower", "modeswitch")
CODE = {
    "HILINK.md": ("hilink", "leases", "webapi", *SHARED),
    "SAKIS3G.md": (
        *("sakis3g", "dialler", "sakisprogram", "sakisconf", "serialmodem", "serialports"),
        *("at", "ttylock", "pppd", "pppcall", "chat", "pin", "modemmanager", *SHARED),
    ),
}


@pytest.mark.parametrize(
    ("page", "driver"), [("HILINK.md", HilinkDriver), ("SAKIS3G.md", Sakis3gDriver)]
)
def test_every_setting_and_every_reason_is_there(page: str, driver: type[LinkDriver]) -> None:
    text = (FOLDER / page).read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for option, row in zip(driver.options(), rows, strict=False):
        default = f"`{option.default}`" if option.default else ""
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [f"`{option.name}`", default, option.help]
    code = "".join((FOLDER / f"{name}.py").read_text() for name in CODE[page])
    for reason in set(re.findall(r"Reason\.([A-Z_]+)", code)):
        assert f"`{reason}`" in text, reason
