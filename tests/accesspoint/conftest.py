"""One page for each file of tests: its process takes a while to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.accesspoint.clients import SECRET, Phone, unharmed
from tests.accesspoint.pagekit import STATE, Site, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("page")) as site:
        yield site


@pytest.fixture
def site(served: Site) -> Site:
    """The page as at the beginning of a test."""
    served.submissions.clear()
    served.verdict = lambda _: None
    served.after = lambda _: None
    served.show(STATE)
    return served


@pytest.fixture
def phone(site: Site) -> Phone:
    """A phone that nobody has met."""
    return Phone(site)


@pytest.fixture
def harmless(site: Site) -> Iterator[None]:
    """Whatever the test does, the same process answers a good client afterwards."""
    with unharmed(site) as logged:
        yield
    assert SECRET not in "".join(logged)
