"""Waiting for news, but not for ever."""

from __future__ import annotations

import asyncio

from conman_core import DriverContext


async def until_news(context: DriverContext, news: asyncio.Event, seconds: float) -> None:
    """Return when `news` is set, or after so many seconds of the context's clock."""
    waits = [
        asyncio.ensure_future(news.wait()),
        asyncio.ensure_future(context.sleep(seconds)),
    ]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
