"""What became of the latest settings that a person entered: kept for the page, told as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conman_core import Form, Outcome, PluginContext, Verdict
from conman_plugins.accesspoint.page.state import Attempt

_PHASES = {Verdict.ONLINE: "online", Verdict.PORTAL: "portal"}
_LONGEST_TITLE = 64


def describe(number: int, driver: str, values: Mapping[str, str], forms: Sequence[Form]) -> Attempt:
    """Return a try that begins: named by the form's first field, and without secrets."""
    fields = next((form.fields for form in forms if form.driver == driver), ())
    plain = {
        field.name: values[field.name]
        for field in fields
        if field.kind != "secret" and field.name in values
    }
    first = plain.get(fields[0].name, "") if fields else ""
    title = "".join(c if c.isprintable() else "?" for c in first)[:_LONGEST_TITLE] or driver
    return Attempt(number, driver, title, plain, "trying", None, "")


def concluded(attempt: Attempt, outcome: Outcome) -> Attempt:
    """Return a try with what came of it."""
    phase = "failed" if outcome.verdict is None else _PHASES.get(outcome.verdict, "limited")
    reason = outcome.reason.name if outcome.reason else None
    return replace(attempt, phase=phase, reason=reason, sentence=outcome.sentence)


def to_remember(attempt: Attempt | None) -> Attempt | None:
    """Return what a phone that comes back later is told: what failed, with the reason.

    What worked is over, and of a try that was cut short nobody knows what would have come of it.
    """
    return attempt if attempt and attempt.phase not in {"trying", "online"} else None


def tell(context: PluginContext, attempt: Attempt) -> None:
    """Tell people how far a try has come."""
    title = attempt.title
    sentences = {
        "trying": f"{title} is tried: a person entered it",
        "online": f"{title} works",
        "failed": f"{title} does not work: {attempt.sentence}",
        "limited": f"{title} is joined, but the internet is not reached: {attempt.sentence}",
        "portal": f"{title} is joined, but wants a login: {attempt.sentence}",
    }
    context.say(
        sentences[attempt.phase],
        event="attempt",
        driver=attempt.driver,
        title=title,
        state=attempt.phase,
        reason=attempt.reason,
    )
