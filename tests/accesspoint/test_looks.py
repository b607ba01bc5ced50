"""A fresh list is asked for once, however often the button is pressed."""

from __future__ import annotations

from tests.accesspoint.sessionkit import Stage, story
from tests.core.machine import until


def test_who_presses_again_and_again_is_no_trouble_for_others() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        for _ in range(50):
            stage.session.look()
        await until(lambda: stage.core.happened.count("open") == 2)
        await stage.on_air()
        assert stage.core.happened.count("look") == 1
        stage.session.look()
        await until(lambda: stage.core.happened.count("look") == 2)
        await until(lambda: stage.core.happened.count("open") == 3)

    story(tale)
