"""What the plugin's README says holds."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from conman_core import config
from conman_core.contract import declared_by
from conman_plugins.accesspoint.options import OPTIONS, read
from conman_plugins.accesspoint.plugin import AccessPoint
from tests.accesspoint.pagekit import STATE, Site, attempt
from tests.documents import ROOT, blocks

PAGE = Path("conman_plugins/accesspoint/README.md")
TEXT = (ROOT / PAGE).read_text()


def test_it_has_every_setting_as_conman_itself_explains_it() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    for option, row in zip(OPTIONS, rows, strict=False):
        default = f"`{option.default}`" if option.default else ""
        assert [cell.strip() for cell in row.strip("|").split("|")] == [
            f"`{option.name}`", default, option.help
        ]  # fmt: skip


def test_its_settings_are_valid(tmp_path: Path) -> None:
    (text,) = blocks(str(PAGE), "ini")
    path = tmp_path / "setup.cfg"
    path.write_text(text)
    loaded = config.load(path, {}, {"accesspoint": declared_by(AccessPoint)})
    assert loaded.warnings == ()
    assert read(loaded.sections["accesspoint"]).led == "ACT"


def test_it_says_how_to_get_rid_of_it_and_what_it_cannot() -> None:
    for wanted in ("## Removal", "## Known limitations"):
        assert f"\n{wanted}" in TEXT


def test_the_readme_names_every_part_of_the_interface_for_apps(site: Site) -> None:
    text = (ROOT / "README.md").read_text()
    site.show(replace(STATE, attempt=attempt()))
    while json.loads(site.ask("GET", "/api/status")[2])["attempt"] is None:
        pass  # it is on its way
    for path in ("/api/status", "/api/networks"):
        status, _, body = site.ask("GET", path)
        assert status == 200
        row = next(line for line in text.splitlines() if f"`GET {path}`" in line)
        for name in re.findall(r'"(\w+)":', body.decode()):
            assert f"`{name}`" in row, name
