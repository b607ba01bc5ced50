"""What WRITING_A_DRIVER.md shows works as it is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "WRITING_A_DRIVER.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class Stranger:
    """Somebody with conman installed and an empty folder, who types what the page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        driver, contract, command = blocks("python")
        project, more = blocks("toml")
        files = {
            "conman_acme.py": f"{driver}\n{command}",
            "test_acme.py": contract,
            "pyproject.toml": project.replace("\n\n", f"\n{more}\n", 1),
            "setup.cfg": blocks("ini")[0],
            "pytest.ini": "[pytest]\n",
        }
        for name, text in files.items():
            (folder / name).write_text(text)

    def python(self, *argv: str) -> str:
        """Run a module with what was installed, and with the core that is tested here."""
        environment = os.environ | {
            "PYTHONPATH": f"{self.folder / 'site'}:{ROOT}",
            "CONMAN_CONFIG": str(self.folder / "setup.cfg"),
        }
        done = subprocess.run(
            [sys.executable, "-m", *argv],
            check=False,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def types(self, command: str) -> str:
        words = command.split()
        if words[:2] == ["pip", "install"]:  # here, without the index
            offline = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check")
            ethernet = str(ROOT / "conman_plugins/ethernet")
            return self.python(
                *words, *offline, "--target", str(self.folder / "site"), "-q", ethernet
            )
        assert words[0] == "conman"
        own, users = str(self.folder / "setup.cfg"), "/etc/conman/setup.cfg"
        return self.python("conman_core.cli", *words[1:]).replace(own, users)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    return Stranger(tmp_path_factory.mktemp("acme"))


def test_the_driver_is_seen_by_the_commands_that_are_shown(stranger):
    for session in blocks("console"):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE):
            # what else this checkout has is in the environment of its tests
            others = r"^(?:wifi|hilink|wwan|sakis3g) .*\n(?: .*\n)*"
            said = re.sub(others, "", stranger.types(command), flags=re.MULTILINE)
            said = re.sub(r"^PLUGIN .*\n(?:.+\n)+\n", "", said, flags=re.MULTILINE)
            printed = [line.split() for line in said.splitlines()]

            assert [line.split() for line in shown.splitlines()] == printed


def test_the_driver_passes_the_contract_as_it_is_shown(stranger):
    printed = stranger.python("pytest", "-q", "-p", "no:cacheprovider", "test_acme.py")

    assert re.search(r"^[3-9]\d passed in ", printed, re.MULTILINE), printed


def test_it_is_as_short_as_it_can_be():
    driver = [line for line in blocks("python")[0].splitlines() if line.strip()]
    project = blocks("toml")[0].partition("[build-system]")[0].split("\n")

    assert len(driver) == 13
    assert len([line for line in project if line]) == 5
    assert tomllib.loads(blocks("toml")[0])["project"]["entry-points"]["conman.drivers"]


def test_every_name_of_conman_that_the_page_mentions_exists():
    import conman_core
    import conman_core.testing as kit
    from conman_core import client, commands, errors, paths

    known = {*conman_core.__all__, *kit.__all__, *dir(conman_core.LinkDriver)}
    known |= {name for module in (client, commands, errors, paths) for name in dir(module)}
    known |= {*dir(kit.FakeContext()), "TimeoutError", "ValueError"}
    words = set(re.findall(r"`(?:self\.|context\.|await self\.context\.)?([A-Za-z_]+)\(", PAGE))
    words |= set(re.findall(r"`([A-Z][a-z]+[A-Z][A-Za-z]+)`", PAGE))

    assert {"ConnectError", "expect", "run", "Unavailable", "ToolMissing"} <= words
    assert words - {"ToolMissing"} <= known
    assert all(hasattr(conman_core.Reason, name) for name in re.findall(r"Reason\.(\w+)", PAGE))
