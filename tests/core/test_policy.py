"""What the user's settings mean for the links of a driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core import config
from conman_core.entry import Limit, Wishes
from conman_core.errors import ConfigError
from conman_core.options import Declared
from conman_core.policy import wishes_of


@pytest.mark.parametrize(
    ("lines", "wishes"),
    [
        ("", Wishes(metered=None, recover=True)),
        ("metered = auto\nrecover = yes", Wishes(metered=None, recover=True)),
        ("metered = yes", Wishes(metered=True, recover=True)),
        ("metered = no\nrecover = no", Wishes(metered=False, recover=False)),
        ("data-limit = 500MB", Wishes(limit=Limit(500_000_000))),
        (
            "data-limit = 1.5 gb\ndata-limit-action = stop\ndata-limit-day = 15",
            Wishes(limit=Limit(1_500_000_000, stop=True, day=15)),
        ),
    ],
)
def test_a_drivers_section_says_what_its_links_cost_and_whether_they_are_repaired(
    tmp_path: Path, lines: str, wishes: Wishes
) -> None:
    path = tmp_path / "setup.cfg"
    path.write_text(f"[conman]\n[conman:ethernet]\n{lines}\n")

    assert wishes_of(config.load(path, {"ethernet": Declared()}), "ethernet") == wishes
    assert wishes_of(config.load(path, {"ethernet": Declared()}), "wifi") == Wishes()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("data-limit = 500", "allowed: an amount of data such as 800kB, 500MB, 1.5GB"),
        ("data-limit = 500MiB", "allowed: an amount of data such as"),
        ("data-limit = 0MB", "must be more than nothing; leave the line out for no limit"),
        ("data-limit-day = 31", "must be a day from 1 to 28, which every month has"),
        ("data-limit-day = 0", "must be a day from 1 to 28"),
        ("data-limit-action = halt", "allowed: warn, stop"),
    ],
)
def test_what_a_limit_cannot_be_is_told(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "setup.cfg"
    path.write_text(f"[conman]\n[conman:ethernet]\n{line}\n")
    with pytest.raises(ConfigError, match=says):
        config.load(path, {"ethernet": Declared()})
