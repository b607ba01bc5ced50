"""The settings of a running daemon, whatever becomes of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from conman_core import config as configuration
from conman_core.errors import ConfigError
from conman_core.liveconfig import LiveConfig
from conman_core.options import Declared

KNOWN = {"ethernet": Declared(), "acme": Declared()}
GOOD = "[conman]\npriority = acme, ethernet\nfailback = never\n"


def made(folder: Path, text: str | None = GOOD) -> LiveConfig:
    file = folder / "setup.cfg"
    if text is not None:
        file.write_text(text)
    return LiveConfig(file, folder / "last-good.cfg")


def test_a_file_that_vanishes_costs_nothing_that_works(tmp_path: Path) -> None:
    live = made(tmp_path)
    live.start(KNOWN)
    (tmp_path / "setup.cfg").unlink()

    live.reload(KNOWN)
    assert live.problem is not None
    assert live.now.settings.failback == "never"
    assert "acme" in live.wanted()


def test_a_start_without_the_file_goes_on_with_the_settings_of_the_last_run(tmp_path: Path) -> None:
    made(tmp_path).start(KNOWN)
    (tmp_path / "setup.cfg").unlink()
    live = made(tmp_path, None)
    live.start(KNOWN)

    assert live.now.settings.failback == "never"
    assert live.problem is not None


def test_with_a_bad_file_the_drivers_of_the_last_good_one_are_wanted(tmp_path: Path) -> None:
    """A typing error in `priority = acme`, and a restart: the link of acme must come up again."""
    made(tmp_path).start(KNOWN)
    live = made(tmp_path, GOOD.replace("priority", "priorty"))
    live.start(KNOWN)

    assert live.problem is not None
    assert "acme" in live.wanted()


def test_a_bad_file_is_named_even_if_the_last_good_one_is_useless_too(tmp_path: Path) -> None:
    made(tmp_path).start(KNOWN)
    (tmp_path / "last-good.cfg").write_text("[conman]\nnonsense = 1\n")
    live = made(tmp_path, "[conman]\nfailback = sometimes\n")
    with pytest.raises(ConfigError) as caught:
        live.start(KNOWN)
    assert str(tmp_path / "setup.cfg") in str(caught.value)
    assert "sometimes" in str(caught.value)


def test_a_file_that_was_made_after_the_start_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "setup.cfg"
    monkeypatch.setattr(configuration, "DEFAULT_FILE", file)
    monkeypatch.delenv("CONMAN_CONFIG", raising=False)
    live = LiveConfig(None, tmp_path / "last-good.cfg")
    live.start(KNOWN)
    assert live.now.path is None

    file.write_text(GOOD)
    assert "acme" in live.wanted()
    live.reload(KNOWN)
    assert live.answer(1)["sentence"] == f"found 1 link; settings: {file}"
    assert live.now.settings.failback == "never"


def test_a_repaired_file_is_taken(tmp_path: Path) -> None:
    live = made(tmp_path)
    live.start(KNOWN)
    (tmp_path / "setup.cfg").write_text("[conman]\nfailback = sometimes\n")
    live.reload(KNOWN)
    assert live.problem
    (tmp_path / "setup.cfg").write_text("[conman]\nfailback = auto\n")
    live.reload(KNOWN)
    assert live.problem is None
    assert live.now.settings.failback == "auto"


def test_who_asks_for_a_rescan_is_told_first_that_the_settings_are_wrong(tmp_path: Path) -> None:
    live = made(tmp_path)
    live.start(KNOWN)
    file = tmp_path / "setup.cfg"
    assert live.answer(2) == {
        "sentence": f"found 2 links; settings: {file}", "problem": None, "links": 2,
    }  # fmt: skip

    file.write_text("[conman]\nfailback = sometimes\n")
    live.reload(KNOWN)
    said = live.answer(2)
    assert said["sentence"] == (
        "the settings are wrong, the last good ones stay in use; found 2 links"
    )
    assert said["problem"].startswith(f"{file} line 2: [conman] failback = sometimes")


# -- a driver whose import takes its time

LATE = {"acme": None, "ethernet": Declared()}
ASKED = GOOD + "[conman:acme]\ncheck = none\n"


def no_check(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    return [("check", "no")] if settings["check"] == "none" else []


def test_what_a_late_driver_refuses_gives_way_to_the_settings_of_the_last_run(
    tmp_path: Path,
) -> None:
    """At a slow start the file is taken before its driver is there to look at it."""
    made(tmp_path).start(KNOWN)
    live = made(tmp_path, ASKED.replace("never", "auto"))
    live.start(LATE, pending={"acme"})
    assert live.now.settings.failback == "auto"
    assert (tmp_path / "last-good.cfg").read_text() == GOOD, "it is not known to be good"

    assert live.reload(KNOWN | {"acme": Declared((), no_check)})
    assert "[conman:acme] no" in (live.problem or "")
    assert live.now.settings.failback == "never"
    assert "acme" in live.now.sections


def test_a_late_driver_gets_its_section_though_the_file_is_bad(tmp_path: Path) -> None:
    made(tmp_path).start(KNOWN)
    live = made(tmp_path, "[conman]\nfailback = sometimes\n")
    live.start(LATE, pending={"acme"})
    assert "acme" not in live.now.sections

    assert live.reload(KNOWN)
    assert "acme" in live.now.sections
    assert live.problem is not None
    assert not live.reload(KNOWN), "nothing is new"


def test_settings_are_kept_for_the_next_start_once_the_late_driver_has_taken_them(
    tmp_path: Path,
) -> None:
    live = made(tmp_path, ASKED)
    live.start(LATE, pending={"acme"})
    assert not (tmp_path / "last-good.cfg").exists()
    assert live.reload(KNOWN)
    assert (tmp_path / "last-good.cfg").read_text() == ASKED
