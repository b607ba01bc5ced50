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
from conman_plugins.accesspoint.page.fields import field_html
from conman_plugins.accesspoint.page.languages import choose, text
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
        language = choose(languages)
        return _finished(_trying(state, attempt, language))


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


def _document(state: State, language: str, title: str, body: str, head: str = "") -> str:
    data = html.attributes(
        data_mark=mark(state),
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
    title = text(language, "title", device=state.device)
    parts = [f"<h1>{html.escaped(title)}</h1>"]
    done = attempt is not None and attempt.phase == "online"
    if attempt and problem is None:
        parts.append(_result(state, attempt, language))
    if not done:
        parts.append(f"<p>{html.escaped(text(language, 'intro'))}</p>")
        for place, form in enumerate(state.forms):
            own = problem if problem and problem.driver == form.driver else None
            filled = values if own else None
            if filled is None and attempt and attempt.driver == form.driver:
                filled = attempt.values
            opened = own is not None or (place == 0 and not problem) or len(state.forms) == 1
            parts.append(_form(state, form, language, own, filled or {}, opened=opened))
        parts.append(_search(state, language))
        parts.append(f'<p class="soft">{html.escaped(text(language, "trust"))}</p>')
    return _document(state, language, title, "".join(parts))


def _trying(state: State, attempt: Attempt, language: str) -> str:
    title = text(language, "trying.title", title=attempt.title)
    key = "trying.leaves" if state.leaves else "trying.stays"
    more = text(language, key, title=attempt.title, device=state.device)
    refresh = '<meta http-equiv="refresh" content="5;url=/?r">'
    head = "" if state.leaves else f"<noscript>{refresh}</noscript>"
    body = (
        f'<section class="card" role="status"><h1>{html.escaped(title)}</h1>'
        f"<p>{html.escaped(more)}</p></section>"
    )
    return _document(state, language, title, body, head)


def _result(state: State, attempt: Attempt, language: str) -> str:
    places = {"title": attempt.title, "device": state.device}
    if attempt.phase == "online":
        said = html.escaped(text(language, "result.online", **places))
        return f'<section class="card good" role="status"><h2>{said}</h2></section>'
    key = f"result.{attempt.reason if attempt.phase == 'failed' else attempt.phase}"
    if text(language, key) == key:
        key = "result.other"
    said, advice = text(language, key, **places), text(language, f"{key}.do", **places)
    detail = ""
    if attempt.sentence:
        label = html.escaped(text(language, "detail"))
        detail = (
            f'<p class="soft">{label} <span lang="en">{html.escaped(attempt.sentence)}</span></p>'
        )
    return (
        f'<section class="card bad" role="alert"><h2>{html.escaped(said)}</h2>'
        f"<p>{html.escaped(advice)}</p>{detail}</section>"
    )


def _search(state: State, language: str) -> str:
    if not any(field.choices or field.kind == "text" for f in state.forms for field in f.fields):
        return ""
    label = html.escaped(text(language, "searching" if state.looking else "search"))
    token = html.attributes(value=_TOKEN.format("look"))
    disabled = html.attributes(disabled=state.looking)
    return (
        f'<form method="post" action="/look"><input type="hidden" name="token"{token}>'
        f"<p><button{disabled}>{label}</button></p></form>"
    )


def _form(
    state: State,
    form: Form,
    language: str,
    problem: Problem | None,
    values: Mapping[str, str],
    *,
    opened: bool,
) -> str:
    driver = html.value(form.driver)
    fields = "".join(field_html(form, field, language, problem, values) for field in form.fields)
    general = ""
    if problem and problem.field is None:
        general = (
            f'<p class="err" role="alert">{html.escaped(text(language, problem.sentence))}</p>'
        )
    following = "next.leaves" if state.leaves else "next.stays"
    body = (
        f'<form method="post" action="/" autocomplete="off">'
        f'<input type="hidden" name="driver" value="{driver}">'
        f'<input type="hidden" name="token" value="{_TOKEN.format(driver)}">'
        f'{fields}{general}<p><button class="go">{html.escaped(text(language, "connect"))}</button>'
        f'</p><p class="soft">{html.escaped(text(language, following, device=state.device))}</p>'
        "</form>"
    )
    if len(state.forms) == 1:
        return f'<div class="card">{body}</div>'
    key = f"form.{form.driver}"
    title = text(language, key)
    heading = html.escaped(form.driver if title == key else title)
    shown = html.attributes(open=opened)
    return f'<details class="card"{shown}><summary>{heading}</summary>{body}</details>'
