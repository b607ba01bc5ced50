"""The fields of a form as HTML: text, secrets, lists to choose from, switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conman_core.model import Choice, Form, FormField
from conman_plugins.accesspoint.page import html
from conman_plugins.accesspoint.page.form import PREFIX, TYPED
from conman_plugins.accesspoint.page.languages import has, sentence, text
from conman_plugins.accesspoint.page.state import Problem

LARGEST_LIST = 26_000  #: bytes of a list of networks: the page stays under 40 kB
_BARS = (25, 50, 75)  #: percent from which on a signal has two, three, four bars
#: what is typed is no prose
_PLAIN = ' autocapitalize="none" autocorrect="off" spellcheck="false" autocomplete="off"'


@dataclass(frozen=True, slots=True)
class Filling:
    """What a form is filled with, and in which language it speaks.

    `search` is the button that asks for a fresh list, put where there is one.
    """

    language: str
    problem: Problem | None
    values: Mapping[str, str]
    search: str = ""


def spoken(language: str, said: str) -> str:
    """Return a sentence of a driver or of the page; marked as English if it is."""
    words, spoken_in = sentence(language, said)
    shown = html.escaped(words)
    return shown if spoken_in == language else f'<span lang="{spoken_in}">{shown}</span>'


def searches(form: Form, field: FormField) -> bool:
    """Tell whether a field shows what is around, and so has the button that searches again."""
    return field.kind == "text" and (bool(field.choices) or has(f"none.{form.driver}.{field.name}"))


def field_html(form: Form, field: FormField, filling: Filling) -> str:
    """Return one field, filled in, with what is wrong beside it."""
    language = filling.language
    problem = filling.problem if filling.problem and filling.problem.field == field.name else None
    own = f"{form.driver}-{field.name}"
    error = ""
    if problem:
        identity = html.attributes(id=f"e-{own}")
        error = f'<p class="err" role="alert"{identity}>{spoken(language, problem.sentence)}</p>'
    state = html.attributes(
        aria_invalid="true" if problem else None,
        aria_describedby=f"e-{own}" if problem else None,
        autofocus=bool(problem),
    )
    label = spoken(language, field.label)
    given = filling.values.get(field.name, "")
    named = html.attributes(id=own, name=PREFIX + field.name)
    if field.kind == "switch":
        ticked = html.attributes(checked=given == "yes")
        return (
            f'<div class="field"><label class="tick"><input type="checkbox" value="yes"'
            f"{named}{ticked}{state}><span>{label}</span></label>{error}</div>"
        )
    if field.choices and field.kind == "text":
        return _network_list(own, field, filling, label=label, state=state, error=error)
    if not field.required:
        hint = f"hint.{form.driver}.{field.name}"
        hint = text(language, hint if has(hint) else "optional")
        label += f' <span class="soft">{html.escaped(hint)}</span>'
    top = f'<div class="field"><label class="label"{html.attributes(for_=own)}>{label}</label>'
    if field.kind == "choice":
        options = "".join(
            f"<option{html.attributes(value=c.value, selected=c.value == given)}>"
            f"{html.escaped(c.value)}</option>"
            for c in field.choices
        )
        return f"{top}<select{named}{state}>{options}</select>{error}</div>"
    if field.kind == "secret":
        secret = f'<input type="password"{named}{state}{_PLAIN}>'
        return f'{top}<div class="row">{secret}</div>{error}</div>'
    filled = html.attributes(value=given)
    before = after = ""
    if searches(form, field):
        none = text(language, f"none.{form.driver}.{field.name}")
        before, after = f'<p class="soft">{html.escaped(none)}</p>', filling.search
    return f'{top}{before}<input type="text"{named}{filled}{state}{_PLAIN}>{error}{after}</div>'


def _network_list(
    own: str, field: FormField, filling: Filling, *, label: str, state: str, error: str
) -> str:
    """Return a list, what was chosen before on top, and a line to type what is not in it."""
    language, given = filling.language, filling.values.get(field.name, "")
    chosen = [choice for choice in field.choices if given and choice.value == given]
    items: list[str] = []
    size = 0
    for choice in [*chosen, *(each for each in field.choices if each not in chosen)]:
        first = "" if items or (given and not chosen) else state
        item = _network(field, choice, language, chosen=choice in chosen, state=first)
        size += len(item.encode("utf-8", "replace"))
        if size > LARGEST_LIST:
            break
        items.append(item)
    typed = "" if chosen else given
    line = _typed(own, field, language, typed, state if typed else "")
    return (
        f'<fieldset><legend>{label}</legend>{error}<div class="nets">'
        f'<div class="list">{"".join(items)}</div>{line}</div>{filling.search}</fieldset>'
    )


def _typed(own: str, field: FormField, language: str, given: str, state: str) -> str:
    other = f"{own}-other"
    radio = html.attributes(id=other, name=PREFIX + field.name, value="", checked=bool(given))
    filled = html.attributes(
        id=f"{own}-typed",
        name=PREFIX + field.name + TYPED,
        value=given,
        data_typed=other,
        aria_label=text(language, "other.name"),
        placeholder=text(language, "other.short"),
    )
    return (
        f'<div class="other"><input type="radio"{radio}><div>'
        f"<label{html.attributes(for_=other)}>{html.escaped(text(language, 'other'))}</label>"
        f'<input type="text"{filled}{state}{_PLAIN}></div></div>'
    )


def _network(field: FormField, choice: Choice, language: str, *, chosen: bool, state: str) -> str:
    radio = html.attributes(name=PREFIX + field.name, value=choice.value, checked=chosen)
    facts = ""
    if choice.protected:
        said = html.attributes(aria_label=text(language, "protected"))
        facts += f'<i class="lock" role="img"{said}></i>'
    elif choice.strength is not None:
        facts += f'<span class="soft">{html.escaped(text(language, "open"))}</span>'
    if choice.strength is not None:
        bars = 1 + sum(choice.strength >= limit for limit in _BARS)
        said = html.attributes(aria_label=text(language, "signal", bars=str(bars)))
        facts += f'<i class="bars b{bars}" role="img"{said}></i>'
    return f'<label><input type="radio"{radio}{state}>{html.name(choice.value)}{facts}</label>'
