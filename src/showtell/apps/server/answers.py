"""What the routes share: answers that take a while, and the problems that a route may answer with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from showtell.apps.server.problems import MEDIA_TYPE, Refusal
from showtell.apps.server.protection import Limits

__all__ = ["in_thread", "problems", "within"]

Answer = TypeVar("Answer")


async def within(limits: Limits, answer: Awaitable[Answer]) -> Answer:
    """An answer, or a problem when it takes too long."""
    try:
        async with asyncio.timeout(limits.answer_seconds):
            return await answer
    except TimeoutError:
        raise Refusal(504, "slow", "the answer took too long; ask for fewer pictures at once") from None


async def in_thread(limits: Limits, ask: Callable[[], Answer]) -> Answer:
    """What a method of the service that takes a while says."""
    return await within(limits, run_in_threadpool(ask))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes the problems that a route may answer with."""
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": "A problem (RFC 9457).", "content": {MEDIA_TYPE: reference}}
        for status in statuses
    }
