"""Whatever networks, drivers and people are called, the page stays a page, and a small one."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conman_core import Choice, Form, FormField
from conman_plugins.accesspoint.page.languages import catalogues
from conman_plugins.accesspoint.page.state import Problem, State
from conman_plugins.accesspoint.page.view import View
from tests.accesspoint.clients import SECRET
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, attempt

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus '",
    "</style><style>*{display:none}",
    "</script><script>",
    "<!--",
    "&lt;b&gt;&#x3c;",
    "a\r\nb\tc\0d",
    "\u202eevil\u2066",
    "\ud800\udfff",
    "{title}{device}{0}%s",
    "javascript:alert(1)",
    "\N{GRINNING FACE}" * 8,
    "\u200b",
)
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "script", "h1", "h2", "p", "section",
    "form", "input", "label", "span", "div", "fieldset", "legend", "button", "details", "summary",
    "bdi", "i", "a", "select", "option", "noscript", "ul", "li", "small", "b", "strong",
}  # fmt: skip


class _Reader(HTMLParser):
    """Reads as a browser does: what would act, and what a person would send back."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.acting: list[str] = []
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "src", "srcdoc"}:
                self.acting.append(name)
            if name in {"href", "action"} and value not in {"/", "/look"}:
                self.acting.append(f"{name}={value}")
            if name == "value":
                self.values.append(value or "")


def read(page: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(page.decode())
    reader.close()
    return reader


def shape(state: State, problem: Problem | None = None, **values: str) -> _Reader:
    """The page in each language, read; it does not act."""
    reader = _Reader()
    for language in catalogues():
        page = View().render(
            state, languages=language, tokens={}, problem=problem, values=values or None
        )
        reader = read(page.body)
        assert not reader.acting
        assert set(reader.tags) <= ALLOWED
        assert reader.tags.count("script") == reader.tags.count("style") == 1
    return reader


def everywhere(text: str) -> State:
    """A state with a text wherever one comes from outside."""
    choices = (Choice(text, 50, True), Choice("HomeNet"))
    fields = (
        FormField(text[:20] or "x", text, choices=choices),
        FormField("mode", text, "choice", choices),
        FormField("key", text, "secret"),
    )
    tried = attempt(title=text, values={"mode": text}, reason="OF A STRANGER", sentence=text)
    return replace(STATE, device=text, forms=(Form("wifi", fields), CELLULAR), attempt=tried)


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_names_from_outside_do_nothing(text: str) -> None:
    harmless = shape(everywhere("Harmless")).tags
    assert shape(everywhere(text)).tags == harmless


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_what_was_entered_does_nothing_when_it_is_shown_again(text: str) -> None:
    for field in ("ssid", "hidden", None):
        problem = Problem("wifi", field, text)
        assert (
            shape(STATE, problem, ssid=text, hidden=text).tags
            == shape(
                STATE, Problem("wifi", field, "Harmless"), ssid="Harmless", hidden="Harmless"
            ).tags
        )


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=30)
@example("<")
def test_no_name_does_anything(text: str) -> None:
    shape(everywhere(text))


@pytest.mark.parametrize("name", [text for text in EVIL if text.isprintable()])
def test_a_network_is_sent_back_by_its_own_name(name: str) -> None:
    field = replace(WIFI.fields[0], choices=(Choice(name),))
    assert name in shape(replace(STATE, forms=(Form("wifi", (field,)),))).values


def test_a_hundred_networks_fit_in_forty_kilobytes() -> None:
    worst = tuple(Choice("<&\"'>" * 6 + f"{number:02}", 90, True) for number in range(100))
    field = replace(WIFI.fields[0], choices=worst)
    state = replace(STATE, forms=(Form("wifi", (field, *WIFI.fields[1:])), CELLULAR))
    for language in catalogues():
        assert len(View().render(state, languages=language, tokens={}).body) < 40_000


def test_a_secret_is_never_filled_in() -> None:
    problem = Problem("wifi", "key", "error.long")
    page = View().render(
        STATE, languages="", tokens={}, problem=problem, values={"ssid": "x", "key": SECRET}
    )
    assert SECRET.encode() not in page.body


def test_tokens_are_put_where_no_name_can_be() -> None:
    """A network that is called like the place for a token gets none."""
    view = View()
    first = view.render(STATE, languages="", tokens={}).body.decode()
    place = first.partition('name="token" value="')[2].partition('"')[0]
    field = replace(WIFI.fields[0], choices=(Choice("@wifi@"), Choice("{}")))
    state = replace(STATE, forms=(Form("wifi", (field, *WIFI.fields[1:])),))
    page = view.render(state, languages="", tokens={"wifi": "THE-TOKEN", "look": "ANOTHER"})
    assert place.encode() not in page.body
    assert page.body.count(b"THE-TOKEN") == page.body.count(b"ANOTHER") == 1


def test_a_page_is_made_anew_for_another_state_alone() -> None:
    view = View()
    first = view.render(STATE, languages="de", tokens={"wifi": "a"}).body
    assert view.render(STATE, languages="de", tokens={"wifi": "b"}).body == first.replace(
        b'value="a"', b'value="b"'
    )
    other = replace(STATE, device="Another device")
    assert b"Another device" in view.render(other, languages="de", tokens={}).body
