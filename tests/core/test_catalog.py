"""Drivers and plugins are found and loaded, and what is wrong with the others is said."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conman_core import entrypoints, origin
from conman_core.catalog import Catalog
from conman_core.contract import check_driver_class
from conman_core.errors import DriverLoadError
from conman_core.found import Found, LoadState, refusal
from conman_core.options import Declared, Kind, Option
from tests.third_party import fixtures
from tests.third_party.install import DISTRIBUTIONS, HERE, entry_points, install

site = fixtures.site

BROKEN = {
    "no-module": "No module named",
    "fails-at-import": "RuntimeError: this package was built for another machine",
    "exits-at-import": "SystemExit: the license server does not answer",
    "asserts-at-import": "AssertionError: this cannot happen",
    "is-a-function": "names a function, not a driver class",
    "is-an-object": "names an object of class object, not a driver class",
    "is-no-driver": "lacks probe, connect, disconnect, options",
    "is-half-a-driver": "lacks connect, disconnect",
    "options-raise": "options() raised KeyError",
    "options-rubbish": "options() returned an object of class dict",
}


def load(*names: str, limit: float = 5.0) -> dict[str, Found]:
    found = asyncio.run(Catalog(limit).drivers(names))
    return {one.name: one for one in found}


def test_a_driver_is_loaded_with_its_distribution_and_version(site: Path):
    install(site, ["acme"])

    found = load("acme")["acme"]

    assert (found.state, found.origin, found.api_version) == ("loaded", "acme-links 1.4", 1)
    assert found.driver_class.__name__ == "AcmeDriver"
    assert found.sentence == ""


def test_results_come_in_the_order_of_the_priority_and_unwanted_ones_last(site: Path):
    install(site, ["acme", "is-a-duck", "probe-raises", "connect-raises"])

    found = asyncio.run(Catalog().drivers(["probe-raises", "acme", "is-a-duck", "acme"]))

    ours = [one for one in found if one.distribution.startswith("acme")]
    assert [one.name for one in ours][:3] == ["probe-raises", "acme", "is-a-duck"]
    assert (ours[3].name, ours[3].state) == ("connect-raises", LoadState.DISABLED)


def test_a_driver_that_is_not_wanted_is_not_imported(site: Path):
    install(site, ["acme", "exits-at-import"])

    assert load("acme")["exits-at-import"].state is LoadState.DISABLED
    assert "acme_faults.exits_at_import" not in sys.modules


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_driver_is_named_with_its_distribution_and_the_cause(site: Path, name: str):
    install(site, [name, "acme"])

    found = load(name, "acme")

    assert found[name].state is LoadState.BROKEN
    assert found[name].driver_class is None
    assert found[name].sentence.startswith(f"{name} of acme-faults 2.0: ")
    assert BROKEN[name] in found[name].sentence
    assert found["acme"].state is LoadState.LOADED


def test_a_class_that_only_behaves_like_a_driver_will_do(site: Path):
    install(site, ["is-a-duck"])

    assert load("is-a-duck")["is-a-duck"].state is LoadState.LOADED


def test_a_driver_for_another_version_of_the_contract_is_refused(site: Path):
    install(site, ["wrong-version"])

    found = load("wrong-version")["wrong-version"]

    assert found.state is LoadState.WRONG_VERSION
    assert "version 99 of the driver contract, this conman has 1" in found.sentence


def test_a_name_that_two_distributions_claim_is_refused_and_both_are_named(site: Path):
    install(site, ["taken"])

    found = load("taken")["taken"]

    assert found.state is LoadState.DUPLICATE
    assert "acme-links 1.4 and by acme-rival 0.9" in found.sentence


def test_an_import_that_hangs_costs_its_limit_once_and_the_others_nothing(site: Path):
    install(site, ["hangs-at-import", "acme", "is-a-duck"])
    ready: dict[str, float] = {}

    async def watch() -> list[Found]:
        began = time.monotonic()
        names = ["hangs-at-import", "acme", "is-a-duck"]
        return await Catalog(1.0).drivers(
            names, lambda one: ready.setdefault(one.name, time.monotonic() - began)
        )

    found = {one.name: one for one in asyncio.run(watch())}

    assert found["hangs-at-import"].state is LoadState.BROKEN
    assert "has not ended after 1 s" in found["hangs-at-import"].sentence
    assert max(ready["acme"], ready["is-a-duck"]) < 0.7
    assert 0.9 < ready["hangs-at-import"] < 1.7


def test_the_log_says_where_an_import_hangs(site: Path, caplog: pytest.LogCaptureFixture):
    install(site, ["hangs-at-import"])

    load("hangs-at-import", limit=0.3)

    assert "hangs_at_import.py" in caplog.text


def test_an_import_that_ends_late_is_reported_late(site: Path):
    install(site, ["hangs-at-import"])

    async def watch() -> list[LoadState]:
        states: asyncio.Queue[LoadState] = asyncio.Queue()
        await Catalog(0.3).drivers(
            ["hangs-at-import"],
            lambda one: states.put_nowait(one.state) if one.name == "hangs-at-import" else None,
        )
        first = await asyncio.wait_for(states.get(), 5)
        sys.modules["acme_faults.base"].RELEASE.set()
        return [first, await asyncio.wait_for(states.get(), 5)]

    assert asyncio.run(watch()) == [LoadState.BROKEN, LoadState.LOADED]


def test_a_hanging_import_is_not_begun_a_second_time(site: Path):
    install(site, ["hangs-at-import"])

    async def twice() -> int:
        import threading

        catalog = Catalog(0.2)
        for _ in range(3):
            await catalog.drivers(["hangs-at-import"])
        return sum(t.name == "import hangs-at-import" for t in threading.enumerate())

    assert asyncio.run(twice()) == 1


def test_what_is_installed_while_the_program_runs_is_found_by_the_next_load(site: Path):
    """Even if the folder's time does not tell, as on a board whose clock stands still."""

    async def rescan() -> list[LoadState]:
        catalog = Catalog()
        install(site, ["is-a-duck"])
        before = (await catalog.drivers(["acme", "is-a-duck"]))[0].state
        folder = site.stat()
        install(site, ["acme"])
        os.utime(site, ns=(folder.st_atime_ns, folder.st_mtime_ns))
        after = (await catalog.drivers(["acme"]))[0].state
        for path in site.glob("acme_links*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return [before, after, (await catalog.drivers(["acme"]))[0].state]

    missing, loaded = LoadState.NOT_INSTALLED, LoadState.LOADED
    assert asyncio.run(rescan()) == [missing, loaded, missing]


def test_an_upgrade_is_seen_at_once_and_not_from_a_cache_on_disk(site: Path):
    install(site, ["acme"])
    assert load("acme")["acme"].version == "1.4"

    metadata = site / "acme_links-1.4.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.4", "1.5"))

    assert load("acme")["acme"].version == "1.5"


def test_an_unknown_name_gets_the_nearest_installed_one(site: Path):
    install(site, ["acme"])

    assert load("acne")["acne"].sentence == "no installed package has acne; did you mean acme?"
    assert "installed: " in load("zzz")["zzz"].sentence


def test_a_damaged_distribution_does_not_hide_the_others(
    site: Path,
    caplog: pytest.LogCaptureFixture,
):
    install(site, ["acme", "is-a-duck"])
    points = site / "acme_faults-2.0.dist-info" / "entry_points.txt"
    points.write_bytes(b"[conman.drivers]\nis-a-duck\xff\n")

    found = load("acme", "is-a-duck")

    assert found["acme"].state is LoadState.LOADED
    assert found["is-a-duck"].state is LoadState.NOT_INSTALLED
    assert "acme_faults-2.0.dist-info is damaged" in caplog.text


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(
    site: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    install(site, ["acme"])
    install(tmp_path / "older", ["acme"])
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "older")])

    assert load("acme")["acme"].state is LoadState.LOADED


def test_plugins_are_loaded_all_but_those_disabled(site: Path):
    install(site, ["notes", "raises", "fails-at-import"])

    found = asyncio.run(Catalog().plugins({"raises"}))
    states = {one.name: one.state for one in found if one.distribution == "acme-plugins"}

    assert states == {"notes": "loaded", "raises": "disabled", "fails-at-import": "broken"}
    assert next(one for one in found if one.name == "notes").plugin.__name__ == "acme_plugins.notes"


class TestTheHintForAPackageOfConmansOwn:
    """The index does not know their names, so a hint never sends the user there."""

    def record(self, monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
        class Metadata:
            def read_text(self, _: str) -> str | None:
                return url and json.dumps({"url": url})

        monkeypatch.setattr(origin.importlib.metadata, "distribution", lambda _: Metadata())

    def test_names_the_checkout(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        checkout = tmp_path / "my conman"
        (checkout / "conman_plugins" / "cellular").mkdir(parents=True)
        (checkout / "conman_plugins" / "cellular" / "pyproject.toml").touch()
        self.record(monkeypatch, checkout.as_uri())

        sentence = refusal("wwan", [], []).sentence

        folder = checkout / "conman_plugins" / "cellular"
        assert sentence.endswith(f"{sys.executable} -m pip install '{folder}'")

    def test_names_the_wheel_beside_the_one_that_was_installed(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        wheel = tmp_path / "conman_wifi-0.1.0-py3-none-any.whl"
        wheel.touch()
        self.record(monkeypatch, (tmp_path / "conman_core-0.1.0-py3-none-any.whl").as_uri())

        assert refusal("wifi", [], []).sentence.endswith(f"-m pip install {wheel}")

    @pytest.mark.parametrize("url", [None, "https://example.org/conman.whl", "file:///nowhere"])
    def test_names_no_command_when_the_origin_is_unknown(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str | None
    ):
        self.record(monkeypatch, url)
        monkeypatch.setattr(origin, "__file__", str(tmp_path / "lib" / "origin.py"))

        hint = origin.install_hint("conman-wifi")

        assert hint == "install conman-wifi from the checkout or bundle that conman came from"


def test_name_and_version_are_read_from_the_head_of_the_metadata_only():
    text = "Metadata-Version: 2.1\nName: acme\r\nVersion: 1.0 \n\nName: other\nVersion: 2\n"

    assert entrypoints.name_and_version(text) == ("acme", "1.0")
    assert entrypoints.name_and_version("") == ("", "")


def test_the_installed_entry_points_are_those_that_a_real_build_makes(tmp_path: Path):
    """pip builds and installs the same distributions, so `install` does not lie."""
    sources = [str(HERE / name) for name in DISTRIBUTIONS]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    copies = []
    for source in sources:
        copies.append(shutil.copytree(source, tmp_path / Path(source).name))
    real, ours = tmp_path / "real", tmp_path / "ours"
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(real), *map(str, copies)],
        check=True,
        timeout=100,
        env={
            "PATH": "/usr/bin:/bin",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
        },
    )
    groups = ("conman.drivers", "conman.plugins")
    install(ours, [n for d in DISTRIBUTIONS for g in groups for n in entry_points(d, g)])

    def parts(folder: Path) -> set[str]:
        texts = [path.read_text() for path in folder.glob("*.dist-info/entry_points.txt")]
        return {line for text in texts for line in text.splitlines() if line}

    def modules(folder: Path) -> set[str]:
        return {str(p.relative_to(folder)) for p in folder.rglob("*.py")}

    assert parts(real) == parts(ours)
    assert modules(real) == modules(ours)


def class_with(**attributes: object) -> type:
    def method(*args: object) -> object:
        return None

    names = ("probe", "connect", "disconnect")
    complete = {"api_version": 1, "options": classmethod(lambda cls: ())}
    return type("Modem", (), dict.fromkeys(names, method) | complete | attributes)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"api_version": None}, "has no api_version"),
        ({"api_version": "1"}, "has no api_version"),
        ({"api_version": True}, "has no api_version"),
        ({"connect": "later"}, "lacks connect"),
        ({"connect_limit": "long"}, "connect_limit must be a number of seconds up to 600"),
        ({"connect_limit": float("nan")}, "connect_limit must be"),
        ({"probe_limit": 0}, "probe_limit must be"),
        ({"probe_limit": 1e9}, "probe_limit must be"),
        ({"options": lambda: (Option("a", Kind.TEXT, "", ""),) * 2}, "has a twice"),
        ({"options": lambda: (Option("a", Kind.NUMBER, "x", ""),)}, "default that is not a whole"),
        ({"options": lambda: ["speed"]}, "holds an object of class str"),
        ({"options": sys.exit}, "options() raised SystemExit"),
        ({"check_settings": ()}, "has an object of class tuple in place of the class method check"),
    ],
)
def test_a_class_that_breaks_the_contract_is_refused_with_what_is_wrong(attributes, said):
    assert check_driver_class(class_with()) == Declared()
    with pytest.raises(DriverLoadError, match=re.escape(said)):
        check_driver_class(class_with(**attributes))
