"""Where the access point has to be while a network is tried on the same radio. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from conman_core import Form
from conman_plugins.accesspoint.page.messages import Submission
from conman_plugins.accesspoint.plan import Plan


def lists(forms: Iterable[Form]) -> bool:
    """Tell whether there is anything to choose from."""
    return any(field.choices for form in forms for field in form.fields)


def make_room(
    plan: Plan | None, forms: Iterable[Form], submission: Submission, *, leaves: bool
) -> tuple[bool, int | None]:
    """Return whether the access point has to go, and else the channel in MHz to move it to.

    A radio that works on one channel only can be access point and client at once if both are on
    the network's. Of a network that hides, or that was typed, the channel is not known.
    """
    if plan is None or not plan.together or not plan.one_channel:
        return leaves, None
    choices = (
        choice
        for form in forms
        for field in form.fields
        for choice in field.choices
        if form.driver == submission.driver
        and submission.values.get(field.name) == choice.value
        and choice.frequency
    )
    frequency = next((choice.frequency for choice in choices), None)
    if frequency is None or not plan.reaches(frequency):
        return True, None
    return False, frequency
