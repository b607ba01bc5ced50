"""The page as HTML: works without scripts, in the small browsers that phones open for it.

What does not change between requests is made once for each state and language; only the tokens
are put in anew.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conman_core.model import Form
from conman_plugins.accesspoint.page import html
from conman_plugins.accesspoint.page.fields import Filling, field_html, searches, spoken
from conman_plugins.accesspoint.page.languages import choose, has, text
from conman_plugins.accesspoint.page.state import Attempt, Problem, State

_FOLDER = Path(__file__).parent
_TOKEN = f"@{os.urandom(8).hex()}:{{}}@"  # a place for one, which no network can be called


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and what the browser is told of its style and script (CSP Level 3, 6.7.3)."""

    body: bytes
    style_hash: str
    script_hash: str


@cache
def _asset(name: str) -> tuple[str, str]:
    content = (_FOLDER / name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return content, f"'sha256-{digest}'"


def prepare() -> None:
    """Read all files now: later no file can be read."""
    for name in ("style.css", "script.js"):
        _asset(name)
    choose("")


class View:
    """Makes pages; remembers those of one state."""

    def __init__(self) -> None:
        self._state: State | None = None
        self._made: dict[str, str] = {}

    def render(
        self,
        state: State,
        *,
        languages: str,
        tokens: Mapping[str, str],
        problem: Problem | None = None,
        values: Mapping[str, str] | None = None,
    ) -> Page:
        """Return the page; `tokens` has one for each driver.

        After a `problem`, `values` are what that driver's form is filled with.
        """
        language = choose(languages)
        if problem is not None:
            made = _page(state, language, problem, values or {})
        else:
            if state is not self._state:
                self._state, self._made = state, {}
            made = self._made.get(language, "")
            if not made:
                made = self._made[language] = _page(state, language, None, None)
        for driver, token in tokens.items():
            made = made.replace(_TOKEN.format(driver), token)
        return _finished(made)

    def trying(self, state: State, attempt: Attempt, *, languages: str) -> Page:
        """Return the page that is shown while something is tried."""
        return _finished(_trying(state, attempt, choose(languages)))

    def looking(self, state: State, *, languages: str) -> Page:
        """Return the page that is shown while the access point is away to look for networks."""
        return _finished(_looking(state, choose(languages)))


def _finished(made: str) -> Page:
    return Page(made.encode("utf-8", "replace"), _asset("style.css")[1], _asset("script.js")[1])


def mark(state: State) -> str:
    """Return what changes when the page has something new to say."""
    attempt = state.attempt
    return f"{attempt.number}-{attempt.phase}" if attempt else "0"


def list_mark(state: State) -> str:
    """Return what changes with the lists of what can be chosen."""
    lists = repr([[f.choices for f in form.fields] for form in state.forms]) + str(state.looking)
    return hashlib.blake2s(lists.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _document(
    state: State, language: str, title: str, body: str, head: str = "", *, news: bool = False
) -> str:
    """`news`: whatever the device says next is news."""
    data = html.attributes(
        data_mark="" if news else mark(state),
        data_list=list_mark(state),
        data_show=text(language, "show"),
        data_hide=text(language, "hide"),
    )
    style, script = _asset("style.css")[0], _asset("script.js")[0]
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escaped(title)}</title>{head}<style>{style}</style></head>"
        f"<body><main{data}>{body}</main><script>{script}</script></body></html>"
    )


def _page(
    state: State, language: str, problem: Problem | None, values: Mapping[str, str] | None
) -> str:
    attempt = state.attempt
    if attempt and attempt.phase == "trying" and problem is None:
        return _trying(state, attempt, language)
    done = attempt is not None and attempt.phase == "online" and problem is None
    title = text(language, "title.online" if done else "title", device=state.device)
    parts = [f"<h1>{html.escaped(title)}</h1>"]
    if problem is not None:
        if problem.field is None:
            parts.append(_card("bad", "alert", spoken(language, problem.sentence)))
    elif attempt:
        parts.append(_result(state, attempt, language))
    else:
        parts.append(f"<p>{html.escaped(text(language, _intro(state)))}</p>")
    if not done:
        parts.append(_forms(state, language, problem, values or {}))
        parts.append(f'<p class="soft">{html.escaped(text(language, "trust"))}</p>')
    return _document(state, language, title, "".join(parts))


def _intro(state: State) -> str:
    listed = any(searches(form, field) for form in state.forms for field in form.fields)
    if len(state.forms) > 1:
        return "intro.any"
    return "intro" if listed else "intro.one"


def _card(kind: str, role: str, said: str, more: str = "") -> str:
    return f'<section class="card {kind}" role="{role}"><h2>{said}</h2>{more}</section>'


def _trying(state: State, attempt: Attempt, language: str) -> str:
    title = text(language, "trying.title", title=attempt.title)
    key = "trying.leaves" if state.leaves else "trying.stays"
    more = text(language, key, title=attempt.title, device=state.device)
    refresh = '<meta http-equiv="refresh" content="5;url=/?r">'
    head = "" if state.leaves else f"<noscript>{refresh}</noscript>"
    return _document(state, language, title, _waiting(language, title, more, "trying.look"), head)


def _looking(state: State, language: str) -> str:
    title = text(language, "looking.title")
    more = text(language, "looking.leaves", device=state.device)
    return _document(
        state, language, title, _waiting(language, title, more, "looking.look"), news=True
    )


def _waiting(language: str, title: str, more: str, link: str) -> str:
    """Return what is shown while the page has nothing to ask; the link is for who comes back."""
    return (
        f'<section class="card" role="status"><h1>{html.escaped(title)}</h1>'
        f"<p>{html.escaped(more)}</p></section>"
        f'<p><a class="button" href="/">{html.escaped(text(language, link))}</a></p>'
    )


def _result(state: State, attempt: Attempt, language: str) -> str:
    places = {"title": attempt.title, "device": state.device}
    if attempt.phase == "online":
        return _card("good", "status", html.escaped(text(language, "result.online", **places)))
    key = f"result.{attempt.reason if attempt.phase == 'failed' else attempt.phase}"
    if not has(key):
        key = "result.other"
    said, advice = text(language, key, **places), text(language, f"{key}.do", **places)
    more = f"<p>{html.escaped(advice)}</p>"
    if attempt.sentence:
        label = html.escaped(text(language, "detail"))
        more += f'<p class="soft">{label} {spoken(language, attempt.sentence)}</p>'
    return _card("bad", "alert", html.escaped(said), more)


def _forms(state: State, language: str, problem: Problem | None, values: Mapping[str, str]) -> str:
    """Return all forms; where something is wrong, or failed, is open and filled in."""
    attempt = state.attempt
    drivers = [form.driver for form in state.forms]
    concerned = problem.driver if problem else attempt.driver if attempt else ""
    opened = concerned if concerned in drivers else "".join(drivers[:1])
    button = _search_button(state, language)
    parts, unplaced = [], False
    for form in state.forms:
        own = problem if problem and problem.driver == form.driver else None
        filled = values if own else {}
        if not own and attempt and attempt.driver == form.driver:
            filled = attempt.values
        parts.append(
            _form(state, form, Filling(language, own, filled, button), opened=form.driver == opened)
        )
        stranger = not has(f"form.{form.driver}")  # who knows what it can look for
        unplaced |= stranger and not any(searches(form, field) for field in form.fields)
    token = html.attributes(value=_TOKEN.format("look"))
    parts.append(
        f'<form id="look" method="post" action="/look"><input type="hidden" name="token"{token}>'
        f"{button if unplaced else ''}</form>"
    )
    return "".join(parts)


def _search_button(state: State, language: str) -> str:
    label = html.escaped(text(language, "searching" if state.looking else "search"))
    disabled = html.attributes(disabled=state.looking)
    return f'<p><button form="look"{disabled}>{label}</button></p>'


def _form(state: State, form: Form, filling: Filling, *, opened: bool) -> str:
    language, driver = filling.language, html.value(form.driver)
    fields = "".join(field_html(form, field, filling) for field in form.fields)
    following = "next.leaves" if state.leaves else "next.stays"
    body = (
        f'<form method="post" action="/" autocomplete="off">'
        f'<input type="hidden" name="driver" value="{driver}">'
        f'<input type="hidden" name="token" value="{_TOKEN.format(driver)}">'
        f'{fields}<p><button class="go">{html.escaped(text(language, "connect"))}</button>'
        f'</p><p class="soft">{html.escaped(text(language, following, device=state.device))}</p>'
        "</form>"
    )
    if len(state.forms) == 1:
        return f'<div class="card">{body}</div>'
    key = f"form.{form.driver}"
    heading = html.escaped(text(language, key) if has(key) else form.driver)
    shown = html.attributes(open=opened)
    return f'<details class="card"{shown}><summary>{heading}</summary>{body}</details>'
