"""The budget of calls outside of debates: within the user's limits for the day, and the installation's."""

from dataclasses import dataclass
from operator import sub
from uuid import UUID, uuid4

from django.db import transaction

from conversations.budgets import ledger, service
from conversations.budgets.ledger import Account, Amount
from conversations.domain.budget_guard import Call
from conversations.domain.errors import OverBudget
from conversations.domain.events import Usage
from conversations.infrastructure import database
from conversations.models import Reservation


@dataclass(frozen=True)
class _Held:
    accounts: list[Account]
    row: Reservation


class DayBudget:
    """The budget guard of a user's calls that belong to no conversation.

    Its reservations are kept in memory: one that is never settled counts as spent."""

    def __init__(self, owner: int) -> None:
        self._owner = owner
        self._held: dict[UUID, _Held] = {}

    async def reserve(self, call: Call, keep: Call | None = None) -> UUID:
        """Raises OverBudget and LogUnavailable."""
        return await database.call(self._reserve, call, timeout=database.REQUEST_SECONDS)

    async def settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        held = self._held.pop(reservation, None)
        if held is not None:
            await database.call(self._settle, held, usage, seconds, timeout=database.REQUEST_SECONDS)

    def _reserve(self, call: Call) -> UUID:
        accounts = ledger.day_accounts(self._owner, ledger.today())
        ledger.open_entries(accounts)
        row = service.reservation_of(uuid4(), accounts[0].day, call, seconds=0.0)
        need = service.amount(row)
        with database.writing(), transaction.atomic():
            entries = ledger.lock_entries(accounts)
            for account in accounts:
                if (limit := account.exceeded(entries[account.entry_key], need)) is not None:
                    raise OverBudget(f"{limit} does not cover this request.")
            ledger.add(entries.values(), need)
        self._held[row.pk] = _Held(accounts, row)
        return row.pk

    def _settle(self, held: _Held, usage: Usage | None, seconds: float) -> None:
        used = service.used(held.row, usage, seconds)
        with database.writing(), transaction.atomic():
            entries = ledger.lock_entries(held.accounts)
            ledger.add(entries.values(), Amount(*map(sub, used, service.amount(held.row))))
