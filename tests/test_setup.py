"""What script/lib/setup.sh installs into the checkout's environment, and what it need not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[1] / "script/lib/setup.sh"
#: stands in for the environment's Python: installs nothing, but notes that it was asked to
PYTHON = """#!/bin/sh
case "$*" in
*'pip install'*) echo "$*" >>"{log}" ;;
*) exec "{python}" "$@" ;;
esac
"""


class Checkout:
    """A checkout whose environment is there, with nothing installed into it yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "script/lib").mkdir(parents=True)
        shutil.copy(SETUP, folder / "script/lib")
        self.change("one")
        python = folder / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        self._log = folder / "installed"
        python.write_text(PYTHON.format(log=self._log, python=sys.executable))
        python.chmod(0o755)

    def change(self, requirement: str) -> None:
        groups = f'[dependency-groups]\ndev = ["{requirement}"]\nmore = ["other"]\n'
        (self.folder / "pyproject.toml").write_text(groups)

    def ensure(self, *groups: str) -> str:
        """Run `ensure_venv` in a shell of its own; return what it installed, if it did."""
        self._log.write_text("")
        script = 'source script/lib/setup.sh; ensure_venv "$@"'
        command = ["bash", "-euo", "pipefail", "-c", script, "bash", *groups]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)
        return self._log.read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_what_has_been_installed_is_not_installed_again(checkout: Checkout) -> None:
    assert "one" in checkout.ensure("dev")
    assert checkout.ensure("dev") == ""


def test_an_environment_with_more_tools_serves_those_who_need_less(checkout: Checkout) -> None:
    """The demo after the tests: installing the same again would take half a minute."""
    checkout.ensure("dev", "more")
    assert checkout.ensure() == ""
    assert checkout.ensure("more") == ""


def test_one_with_fewer_tools_does_not_serve_those_who_need_more(checkout: Checkout) -> None:
    assert checkout.ensure()
    assert "one" in checkout.ensure("dev")
    assert "other" in checkout.ensure("dev", "more")


def test_other_requirements_are_installed_for_all(checkout: Checkout) -> None:
    checkout.ensure("dev")
    checkout.change("two")
    assert checkout.ensure()
    assert "two" in checkout.ensure("dev")
