"""Closed sets of words that are stored: written strictly, and read with the words of later versions."""

from enum import StrEnum
from typing import Any, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

STORED: Final = "stored"
"""The context in which pydantic validates what was stored: its unknown words are read as they are."""


class Word(StrEnum):
    """A word of what is stored. A later version may write words that this one does not know."""

    @classmethod
    def read(cls, stored: str) -> Self:
        """The member for a stored word. An unknown word becomes a value of its own, which equals no member; values that
        are written are validated strictly instead."""
        if stored in cls._value2member_map_:
            return cls(stored)
        word = str.__new__(cls, stored)
        word._name_ = word._value_ = stored
        return word

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def validate(
            value: Any, strictly: core_schema.ValidatorFunctionWrapHandler, info: core_schema.ValidationInfo
        ) -> Any:
            is_stored = info.context == STORED and isinstance(value, str)
            return cls.read(value) if is_stored else strictly(value)

        return core_schema.with_info_wrap_validator_function(validate, handler(source))
