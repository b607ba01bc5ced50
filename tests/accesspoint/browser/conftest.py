"""One browser for all tests; a page, and a phone that knows nothing of before, for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.accesspoint.pagekit import STATE, Site
from tests.netns.worlds import need

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from tests.accesspoint.browser.phone import Phone


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    need("chromium", "chromium")
    need("chromedriver", "chromium-driver")
    from tests.accesspoint.browser.phone import chromium

    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def phone(driver: Chrome, site: Site) -> Iterator[Phone]:
    """A phone at the page, which is not opened yet."""
    from tests.accesspoint.browser.phone import Phone

    site.show_now(STATE)
    one = Phone(driver, site.url)
    one.set_up()
    yield one
    one.forget()
