"""Why a file is not loaded: a stable code, and a sentence for a person."""

from typing import Final

SENTENCES: Final = {
    "bad_cells": "Line {line} should have {expected} columns, as the first line has, not {found}.",
    "bad_json": "Line {line}, column {column}: this is not valid JSON.",
    "bad_row": "Line {line}: {detail}",
    "bad_value": "Line {line}, column “{column}”: “{value}” is not {type}.",
    "empty": "The file has no rows.",
    "encrypted": "The spreadsheet is protected by a password. Upload a copy without it.",
    "not_object": "Line {line}, column 1: each line must be a JSON object.",
    "too_complex": "The file takes too much time or memory to read. Upload a smaller part of it.",
    "too_many_columns": "The file has more than {most} columns.",
    "too_many_tables": "The file has {found} tables; {most} more are allowed.",
    "undecodable": "Line {line}: this is not text in UTF-8, UTF-16 or Windows-1252.",
    "unknown_column": "There is no column “{column}” in this data.",
    "unknown_type": "This type of file is not supported. Upload CSV, TSV, Excel (.xlsx), Parquet or JSON Lines.",
    "unreadable": "The file is damaged and cannot be read.",
}
_ARTICLES: Final = {
    "integer": "a whole number",
    "decimal": "a number",
    "float": "a number",
    "boolean": "true or false",
    "date": "a date",
    "timestamp": "a date with a time",
}


class Refused(Exception):
    """`code` is a key of SENTENCES; `details` are what its sentence names."""

    def __init__(self, code: str, **details: str | int) -> None:
        words = {**details, "type": _ARTICLES.get(str(details.get("type")), "")}
        super().__init__(SENTENCES[code].format_map(words))
        self.code = code
        self.details = details
