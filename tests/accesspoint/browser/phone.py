"""Somebody with a phone, who reads the page in a real Chromium and uses it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
LIMIT = 15.0  #: seconds; the machine may be busy
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # as root it has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    # whatever the page, or the browser, wants from anywhere else is not found
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
#: timers run thirty times as fast, and tell how long they should have taken
HURRY = """
window.waits = [];
const real = window.setInterval;
window.setInterval = (act, wait) => { window.waits.push(wait); return real(act, wait / 30); };
"""


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """Start Debian's Chromium with its own driver, never one that is downloaded."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(str(shutil.which("chromedriver"))))
    try:
        driver.set_page_load_timeout(20)
        driver.set_script_timeout(20)
        yield driver
    finally:
        driver.quit()


def artefacts() -> Path:
    """Return the folder for pictures."""
    folder = Path(os.environ.get("CONMAN_ARTEFACTS", ROOT / "build" / "screenshots"))
    for each in (folder.parent, folder):
        if not each.is_dir():
            each.mkdir(parents=True)
            give_back(each)
    return folder


def give_back(path: Path) -> None:
    """Let a file belong to whom the checkout belongs."""
    if os.geteuid() == 0:
        os.chown(path, ROOT.stat().st_uid, ROOT.stat().st_gid)


class Phone:
    """`url` is the page's."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url
        self._added: list[str] = []

    # -- what kind of phone it is

    def set_up(self) -> None:
        """Be a small phone in the light, English, with scripts."""
        self.width(320)
        self.dark(False)
        self.scripts(True)
        self.speak("en-GB")

    def forget(self) -> None:
        """Leave nothing to the next one."""
        for identifier in self._added:
            self.call("Page.removeScriptToEvaluateOnNewDocument", identifier=identifier)
        self.offline(False)
        self.driver.delete_all_cookies()
        self.grumbles()

    def call(self, command: str, **arguments: Any) -> Any:
        """Call the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def width(self, pixels: int) -> None:
        mobile = pixels < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=pixels,
            height=640 if mobile else 800,
            deviceScaleFactor=1.5 if mobile else 1,
            mobile=mobile,
        )

    def dark(self, on: bool = True) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def scripts(self, on: bool) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def offline(self, on: bool) -> None:
        """Lose the access point, or find it again."""
        self.driver.set_network_conditions(offline=on, latency=0, throughput=-1)

    def speak(self, languages: str) -> None:
        agent = self.driver.execute_script("return navigator.userAgent")
        self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=languages)

    def before_pages(self, script: str) -> None:
        """Run a script before those of each page."""
        added = self.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._added.append(added["identifier"])

    # -- what is on it

    def open(self, path: str = "/") -> None:
        self.driver.get(self.url + path)

    @property
    def text(self) -> str:
        """All that can be read, as it is laid out."""
        shown = self.run("const main = document.querySelector('main'); return main?.innerText")
        return "\n".join(line.strip() for line in (shown or "").splitlines() if line.strip())

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a function's body in the page."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def field(self, label: str) -> WebElement:
        """Return the field with this label, as a screen reader names it."""
        fields = self.all("input:not([type=hidden]),select")
        named = [(each.accessible_name, each) for each in fields]
        found = [each for name, each in named if name.startswith(label)]
        assert len(found) == 1, f"{label!r} is {len(found)} of {[name for name, _ in named]}"
        return found[0]

    def value(self, label: str) -> str:
        return str(self.field(label).get_property("value"))

    def chosen(self) -> str:
        """Return the network that is chosen in the list."""
        ticked = self.all("input[type=radio]:checked")
        return ticked[0].accessible_name if ticked else ""

    def until(self, seen: Callable[[], T]) -> T:
        """Wait until something is seen; fail with the page's text when the time is over."""
        end = time.monotonic() + LIMIT
        while True:
            try:
                if answer := seen():
                    return answer
            except (NoSuchElementException, StaleElementReferenceException):
                pass  # a new page has just come
            assert time.monotonic() < end, f"not seen within {LIMIT:g} s; the page:\n{self.text}"

    def reads(self, wanted: str) -> None:
        """Wait until something stands there."""
        self.until(lambda: wanted in self.text)

    # -- what a person does

    def choose(self, name: str) -> None:
        """Tap a network's line."""
        self._tap("label", name)

    def enter(self, label: str, text: str) -> None:
        self.field(label).send_keys(text)

    def press(self, label: str) -> None:
        """Press a button that can be seen, or follow a link that looks like one."""
        self._tap("button,a.button", label)

    def _tap(self, selector: str, words: str) -> None:
        """Tap the one thing that begins with a line of these words, when it is there."""

        def found() -> list[WebElement]:
            return [one for one in self.all(selector) if one.text.splitlines()[:1] == [words]]

        (one,) = self.until(found)
        one.click()

    def keys(self, *keys: str) -> None:
        """Use the keyboard, wherever the focus is."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def back(self, steps: int) -> None:
        """Go back with the tab key."""
        chain = ActionChains(self.driver, duration=0).key_down(Keys.SHIFT)
        chain.send_keys(Keys.TAB * steps).key_up(Keys.SHIFT).perform()

    @property
    def focus(self) -> WebElement:
        return self.driver.switch_to.active_element

    # -- what is looked at

    def complaints(self, *only: str) -> list[str]:
        """Return what axe-core finds wrong; `only` these of its rules, else all of them."""
        options = {"runOnly": {"type": "rule", "values": list(only)}} if only else None
        found = Axe().run(self.driver, options=options)["violations"]
        return [
            f"{each['id']}: {each['help']}: {node['html']}"
            for each in found
            for node in each["nodes"]
        ]

    def picture(self, name: str) -> Path:
        """Keep a picture of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path = artefacts() / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        give_back(path)
        return path

    def requests(self) -> list[str]:
        """Return the addresses of all that was asked for since the last call."""
        events = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        sent = (event["message"] for event in events)
        return [
            each["params"]["request"]["url"]
            for each in sent
            if each["method"] == "Network.requestWillBeSent"
        ]

    def grumbles(self) -> list[str]:
        """Return what the browser complained of since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
