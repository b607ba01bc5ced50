"""What the user's settings mean for the links of a driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core import config
from conman_core.entry import Wishes
from conman_core.options import Declared
from conman_core.policy import wishes_of


@pytest.mark.parametrize(
    ("lines", "wishes"),
    [
        ("", Wishes(metered=None, recover=True)),
        ("metered = auto\nrecover = yes", Wishes(metered=None, recover=True)),
        ("metered = yes", Wishes(metered=True, recover=True)),
        ("metered = no\nrecover = no", Wishes(metered=False, recover=False)),
    ],
)
def test_a_drivers_section_says_what_its_links_cost_and_whether_they_are_repaired(
    tmp_path: Path, lines: str, wishes: Wishes
) -> None:
    path = tmp_path / "setup.cfg"
    path.write_text(f"[conman]\n[conman:ethernet]\n{lines}\n")

    assert wishes_of(config.load(path, {"ethernet": Declared()}), "ethernet") == wishes
    assert wishes_of(config.load(path, {"ethernet": Declared()}), "wifi") == Wishes()
