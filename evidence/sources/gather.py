"""Asks all sources at the same time, for as long as a debate may wait for its record."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from evidence.record import Missing, MissingReason
from evidence.sources.base import Failed, Gathered, Job, Question, Source

logger = structlog.get_logger(__name__)

# All sources together; people wait for the first word meanwhile.
SECONDS: Final = 3.0
# Reasons that nothing is wrong with the source.
_EXPECTED: Final = frozenset({MissingReason.NO_DATA, MissingReason.LICENCE})


async def gather(sources: Sequence[Source], question: Question, seconds: float = SECONDS) -> Gathered:
    """What the sources have about the question. What has not come in time, or not at all, is missing."""
    jobs = [job for source in sources for job in source.jobs(question)]
    tasks = [asyncio.create_task(_answer(job)) for job in jobs]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        parts = [
            task.result() if task.done() else _lacking(job, MissingReason.TIMEOUT)
            for job, task in zip(jobs, tasks, strict=True)
        ]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Gathered(
        tuple(fact for part in parts for fact in part.facts),
        {symbol: prices for part in parts for symbol, prices in part.prices.items()},
        tuple(dict.fromkeys(missing for part in parts for missing in part.missing)),
    )


async def _answer(job: Job) -> Gathered:
    try:
        return await job.run()
    except Failed as failure:
        logger.warning(
            "evidence_missing", source=job.source, reason=failure.reason.value, detail=str(failure)
        )
        return _lacking(job, failure.reason)
    except Exception:
        # An answer that nobody thought of must not end the debate.
        logger.exception("evidence_failed", source=job.source)
        return _lacking(job, MissingReason.UNAVAILABLE)


def _lacking(job: Job, reason: MissingReason) -> Gathered:
    return Gathered(
        missing=tuple(
            Missing(subject=subject, metric=metric, reason=reason) for subject, metric in job.wanted
        )
    )
