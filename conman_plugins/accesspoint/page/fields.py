"""The fields of a form as HTML: text, secrets, lists to choose from, switches."""

from __future__ import annotations

from collections.abc import Mapping

from conman_core.model import Choice, Form, FormField
from conman_plugins.accesspoint.page import html
from conman_plugins.accesspoint.page.form import PREFIX, TYPED
from conman_plugins.accesspoint.page.languages import text
from conman_plugins.accesspoint.page.state import Problem

LARGEST_LIST = 22_000  #: bytes of a list of networks: the page stays under 40 kB
_BARS = (25, 50, 75)  #: percent from which on a signal has two, three, four bars
#: what is typed is no prose
_PLAIN = ' autocapitalize="none" autocorrect="off" spellcheck="false" autocomplete="off"'


def field_html(
    form: Form,
    field: FormField,
    language: str,
    problem: Problem | None,
    values: Mapping[str, str],
) -> str:
    """Return one field, filled in, with what is wrong beside it."""
    wrong = problem.sentence if problem and problem.field == field.name else ""
    own = f"{form.driver}-{field.name}"
    error = ""
    if wrong:
        said = html.escaped(text(language, wrong))
        error = f'<p class="err" role="alert"{html.attributes(id=f"e-{own}")}>{said}</p>'
    state = html.attributes(
        aria_invalid="true" if wrong else None,
        aria_describedby=f"e-{own}" if wrong else None,
        autofocus=bool(wrong),
    )
    label = html.escaped(text(language, field.label))
    given = values.get(field.name, "")
    named = html.attributes(id=own, name=PREFIX + field.name)
    if field.kind == "switch":
        ticked = html.attributes(checked=given == "yes")
        return (
            f'<div class="field"><label class="tick"><input type="checkbox" value="yes"'
            f"{named}{ticked}{state}><span>{label}</span></label>{error}</div>"
        )
    if field.choices and field.kind == "text":
        return _network_list(own, field, language, label=label, given=given, state=state) + error
    if not field.required:
        label += f' <span class="soft">{html.escaped(text(language, "optional"))}</span>'
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
    return f'{top}<input type="text"{named}{filled}{state}{_PLAIN}>{error}</div>'


def _network_list(
    own: str, field: FormField, language: str, *, label: str, given: str, state: str
) -> str:
    items, size = [], 0
    listed = False
    for place, choice in enumerate(field.choices):
        item = _network(own, field, choice, language, place=place, chosen=choice.value == given)
        size += len(item.encode("utf-8", "replace"))
        if size > LARGEST_LIST:
            break
        listed |= choice.value == given
        items.append(item)
    other, typed = f"{own}-other", f"{own}-typed"
    radio = html.attributes(
        id=other, name=PREFIX + field.name, value="", checked=bool(given) and not listed
    )
    filled = html.attributes(
        id=typed,
        name=PREFIX + field.name + TYPED,
        value="" if listed else given,
        data_typed=other,
        aria_label=text(language, "other.name"),
        placeholder=text(language, "other.name"),
    )
    return (
        f"<fieldset><legend>{label}</legend>{''.join(items)}"
        f'<div class="net"><input type="radio"{radio}{state}><div class="name">'
        f"<label{html.attributes(for_=other)}>{html.escaped(text(language, 'other'))}</label>"
        f'<input type="text"{filled}{_PLAIN}></div></div></fieldset>'
    )


def _network(
    own: str, field: FormField, choice: Choice, language: str, *, place: int, chosen: bool
) -> str:
    radio = html.attributes(
        id=f"{own}-{place}", name=PREFIX + field.name, value=choice.value, checked=chosen
    )
    facts = ""
    if choice.protected:
        said = html.attributes(aria_label=text(language, "protected"))
        facts += f'<span class="lock" role="img"{said}></span>'
    if choice.strength is not None:
        bars = 1 + sum(choice.strength >= limit for limit in _BARS)
        said = html.attributes(aria_label=text(language, "signal", bars=str(bars)))
        facts += f'<span class="bars b{bars}" role="img"{said}><i></i><i></i><i></i><i></i></span>'
    return (
        f'<label class="net"><input type="radio"{radio}><span class="name">'
        f'{html.name(choice.value)}</span><span class="meta">{facts}</span></label>'
    )
