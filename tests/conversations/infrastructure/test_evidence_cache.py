"""The cache that sources share: counted together, and an outage is a stated reason."""

import pytest
from django.core.cache import cache

from conversations.infrastructure.evidence_cache import EvidenceCache
from evidence.record import MissingReason
from evidence.sources.base import Failed


async def test_questions_are_counted_together() -> None:
    assert [await EvidenceCache().count("a", 60) for _ in range(3)] == [1, 2, 3]
    assert await EvidenceCache().count("b", 60) == 1


async def test_an_answer_is_kept() -> None:
    assert await EvidenceCache().get("a") is None
    await EvidenceCache().put("a", b"value", 60)
    assert await EvidenceCache().get("a") == b"value"


async def test_no_source_is_asked_while_the_cache_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    for name in ("aget", "aset", "aadd"):
        monkeypatch.setattr(cache, name, away)
    shared = EvidenceCache()
    for call in (shared.get("a"), shared.put("a", b"", 1), shared.count("a", 1)):
        with pytest.raises(Failed) as failed:
            await call
        assert failed.value.reason is MissingReason.UNAVAILABLE
