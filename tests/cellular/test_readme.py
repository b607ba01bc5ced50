"""What the README of the cellular drivers says of wwan holds."""

from __future__ import annotations

import re
from pathlib import Path

from conman_core import config
from conman_core.contract import declared_by
from conman_core.model import Reason
from conman_core.paths import Paths
from conman_plugins.cellular.pin import MEMORY
from conman_plugins.cellular.qmimodem import REGISTER_WITHIN
from conman_plugins.cellular.registration import DENIED_FOR
from conman_plugins.cellular.wwan import WwanDriver
from conman_plugins.cellular.wwanoptions import OPTIONS
from tests.documents import ROOT, blocks

PAGE = Path("conman_plugins/cellular/README.md")
TEXT = (ROOT / PAGE).read_text()
WWAN = TEXT.partition("## wwan")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_it_has_every_setting_as_conman_itself_explains_it() -> None:
    wanted = [
        [f"`{option.name}`", f"`{option.default}`" if option.default else "", option.help]
        for option in OPTIONS
    ]
    assert [row for row in rows(WWAN) if len(row) == 3] == wanted


def test_its_settings_are_valid(tmp_path: Path) -> None:
    text = next(text for text in blocks(str(PAGE), "ini") if "[conman:wwan]" in text)
    path = tmp_path / "setup.cfg"
    path.write_text(text)
    loaded = config.load(path, {"wwan": declared_by(WwanDriver)})
    assert loaded.warnings == ()


def test_its_reasons_are_reasons() -> None:
    named = re.findall(r"`([A-Z_]{4,})`", WWAN)
    assert named
    assert set(named) <= set(Reason.__members__)


def test_its_numbers_and_files_are_the_real_ones() -> None:
    assert f"within {REGISTER_WITHIN:g} s" in WWAN
    assert REGISTER_WITHIN > DENIED_FOR
    paths = Paths.from_environment({})
    assert f"{paths.shared}/{MEMORY}.json" in WWAN
    assert f"{paths.drivers}/wwan.json" in WWAN
