"""What a browser lets the page do, and what the page leaves in the browser: next to nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conman_core import Choice, Form, FormField
from tests.accesspoint.browser.phone import Phone
from tests.accesspoint.browser.scenes import ODD, networks, tried
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, Site

pytestmark = pytest.mark.browser

#: do something that the policy forbids, and return what the browser says of it
TRY = """
const done = arguments[arguments.length - 1];
document.addEventListener('securitypolicyviolation',
    event => done([event.effectiveDirective, event.disposition]));
%s
"""
#: whatever would keep something in the browser tells that it was asked for
TELLTALES = """
window.kept = [];
for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches', 'cookieStore']) {
    Object.defineProperty(window, name, {get() {
        window.kept.push(name);
        throw new DOMException('not in a captive portal', 'SecurityError');
    }});
}
Object.defineProperty(Document.prototype, 'cookie', {
    get() { window.kept.push('cookie'); return ''; },
    set() { window.kept.push('cookie'); },
});
"""
HOSTILE = (
    "<script>window.owned = 1</script>",
    '"><img src=x onerror=owned=1>',
    "' autofocus onfocus='owned=1",
    "</bdi></label></main><h1>Hello",
    "&lt;b&gt;&amp;amp;",
    "\u202egnp.exe\u202c",
    "\u2066\u2067left\u2069",
    "{device} {title} {bars}",
    "@{token}@ %s ${1}",
    "שלום עולם",
)


@pytest.mark.parametrize(
    ("deed", "directive"),
    [
        (
            "const s = document.createElement('script'); s.textContent = 'window.owned = 1';"
            "document.body.append(s);",
            "script-src-elem",
        ),
        (
            "document.body.setAttribute('onclick', 'owned=1'); document.body.click();",
            "script-src-attr",
        ),
        ("document.body.innerHTML += '<p style=color:red>';", "style-src-attr"),
        ("new Image().src = '/x.png';", "img-src"),
        ("fetch('http://192.0.2.1/').catch(() => 0);", "connect-src"),
        (
            "const f = document.createElement('iframe'); f.src = '/'; document.body.append(f);",
            "frame-src",
        ),
        (
            "const b = document.createElement('base'); b.href = 'http://192.0.2.1/';"
            "document.head.append(b);",
            "base-uri",
        ),
        (
            "document.querySelector('form').action = 'http://192.0.2.1/';"
            "document.querySelector('form').submit();",
            "form-action",
        ),
    ],
    ids=["script", "handler", "style", "image", "fetch", "frame", "base", "form"],
)
def test_the_browser_refuses(phone: Phone, deed: str, directive: str) -> None:
    phone.open()
    said = phone.driver.execute_async_script(TRY % deed)
    assert said == [directive, "enforce"]
    assert not phone.run("return window.owned")


@contextmanager
def strangers_site(page: bytes) -> Iterator[str]:
    """Serve a page that is somebody else's; its address is another origin."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(5)


def test_nobody_can_frame_the_page(phone: Phone) -> None:
    with strangers_site(f"<iframe src='{phone.url}/'></iframe>".encode()) as url:
        phone.driver.get(url)
        phone.driver.switch_to.frame(0)
        assert phone.run("return document.URL").startswith("chrome-error:")
        assert not phone.all("form")
        phone.driver.switch_to.default_content()


def test_the_page_is_one_request_and_keeps_nothing(phone: Phone, site: Site) -> None:
    site.after = site.begins
    phone.before_pages(TELLTALES)
    phone.requests()
    phone.open()
    phone.choose("HomeNet")
    phone.enter("Key", "a-secret-key")
    phone.press("Show")
    phone.press("Connect")
    phone.reads("HomeNet is being tried")
    assert phone.run("return window.kept") == []
    assert phone.driver.get_cookies() == []
    page = f"{phone.url}/"
    assert [each for each in phone.requests() if each != "about:blank"] == [page, page]
    assert "a-secret-key" not in phone.driver.page_source
    assert "a-secret-key" not in phone.driver.current_url


def test_telltales_would_tell(phone: Phone) -> None:
    phone.before_pages(TELLTALES)
    phone.open()
    phone.run("try { localStorage.x = 1 } catch (error) {} document.cookie = 'a=b'")
    assert phone.run("return window.kept") == ["localStorage", "cookie"]


def test_names_around_are_only_text(phone: Phone, site: Site) -> None:
    site.after = site.begins
    around = tuple(Choice(name, 90 - place, True) for place, name in enumerate(HOSTILE))
    form = Form("wifi", (FormField("ssid", "Network", choices=around), *WIFI.fields[1:]))
    evil = HOSTILE[1]
    failed = replace(tried(ODD, ssid=evil), title=evil, sentence=evil)
    site.show_now(replace(STATE, device=HOSTILE[0], forms=(form,), attempt=failed))
    phone.open()
    shown = phone.run("return [...document.querySelectorAll('.list bdi')].map(e => e.textContent)")
    assert sorted(shown) == sorted(as_shown(name) for name in HOSTILE)
    assert phone.one("h1").text == f"Connect {HOSTILE[0]} to the internet"
    assert f"{evil} did not work." in phone.text
    assert len(phone.all("h1,script,img")) == 2, "the heading and the script of the page"
    assert not phone.run("return window.owned")
    assert not set("\u202e\u202d\u2066\u2067") & set(phone.text)
    assert phone.chosen().startswith(evil)
    assert phone.grumbles() == []


@pytest.mark.parametrize("name", [HOSTILE[1], HOSTILE[5], HOSTILE[7]], ids=["html", "rtl", "place"])
def test_an_odd_name_comes_back_as_it_was(phone: Phone, site: Site, name: str) -> None:
    site.after = site.begins
    form = Form("wifi", (FormField("ssid", "Network", choices=(Choice(name, 50),)),))
    site.show_now(replace(STATE, forms=(form,)))
    phone.open()
    phone.all("input[type=radio]")[0].click()
    phone.press("Connect")
    phone.until(lambda: site.submissions)
    assert site.submissions[0].values == {"ssid": name}
    phone.reads("is being tried")


def as_shown(name: str) -> str:
    """What would change the direction of the text around it is replaced."""
    return "".join("\ufffd" if c in "\u202e\u202c\u2066\u2067\u2069" else c for c in name)


@pytest.mark.parametrize("language", ["en", "de"])
def test_with_a_hundred_networks_the_page_stays_small(site: Site, language: str) -> None:
    most = replace(STATE, forms=(networks(100), CELLULAR), attempt=tried(ODD), device="D" * 32)
    site.show_now(most)
    _, headers, body = site.ask("GET", "/", headers={"Accept-Language": language})
    assert int(headers["Content-Length"]) == len(body)
    assert len(body) < 40_000
    assert body.count(b"Neighbour ") == 200, "each as a value and as a name"
    assert not {b"src=", b"@import", b"url(", b"<link"} & {
        *body.replace(b"url(", b" url( ").split()
    }
    assert "Set-Cookie" not in headers
