"""Runs one test by pytest, in a process forked from one that has imported nearly everything."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import IO, Any

ROOT = "/checkout"
ARGUMENTS = (
    *(f"--rootdir={ROOT}", f"--config-file={ROOT}/pyproject.toml", "--tb=short", "-rN"),
    *("-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"),
    # imported before pytest could rewrite their assertions: that is the point of it
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
MODULES = (
    *("pytest", "pytest_timeout", "_hypothesis_pytestplugin", "hypothesis", "asyncio"),
    *(
        "tests.netns.internet",
        "tests.netns.measure",
        "tests.lab.wifi_world",
        "tests.lab.modems.world",
        "tests.lab.remote",
        "conman_core.client",
    ),
)
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # looking for them takes longer than a test


def preload() -> None:
    """Import what the tests need, once for all of them."""
    if ROOT not in sys.path:
        sys.path.insert(0, ROOT)
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - the test that needs it will say it better
            print(f"lab: preload of {name}: {error}", file=sys.stderr)
    pytest = importlib.import_module("pytest")
    pytest.main([*ARGUMENTS, "--version"])  # what is imported late
    from tests.lab.hwsim import Hwsim

    with Hwsim():  # loads the module
        pass


def run_test(request: dict[str, Any], reports: IO[bytes]) -> int:
    """Run a test and write the report of each phase as a line."""
    import pytest

    class Reporter:
        def pytest_configure(self, config: pytest.Config) -> None:
            self.config = config

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
            reports.write(json.dumps(data).encode() + b"\n")

    arguments = [*ARGUMENTS, *request.get("arguments", []), request["nodeid"]]
    return int(pytest.main(arguments, plugins=[Reporter()]))
