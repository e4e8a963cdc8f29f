"""Why a query has no result. Each has a stable code and a sentence for the person or agent that wrote the query."""

from typing import Final

SENTENCES: Final = {
    "not_one_select": "Write exactly one SELECT statement.",
    "syntax": "The statement is not valid SQL: {detail}",
    "too_long": "The statement has more than {detail} characters. Write a shorter one.",
    "too_complex": "The statement is nested too deeply. Write a simpler one.",
    "unknown_table": "There is no table “{detail}” here.",
    "table_function": "Tables can be read only by their names, and not by the function {detail}.",
    "function_not_allowed": "The function {detail} is not allowed.",
    "type_not_allowed": "The type {detail} is not allowed.",
    "recursion": "Recursive queries are not allowed.",
    "not_allowed": "{detail} is not allowed.",
    "query_failed": "The query failed: {detail}",
    "query_stopped": "The query was stopped: {detail}",
}

STOPPED: Final = "query_stopped"


class NoResult(Exception):
    """`code` is a key of SENTENCES."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(SENTENCES[code].format(detail=detail))
        self.code = code
        self.detail = detail
