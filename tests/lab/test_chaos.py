"""A minute of chaos: see `script/lab chaos` for ten."""

from __future__ import annotations

import pytest

from tests.lab.chaos import run

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(300)]


def test_conman_is_online_whenever_a_network_is_there_and_leaks_nothing() -> None:
    run(60.0, 7, print)
