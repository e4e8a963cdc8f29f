"""Cursors and frames from clients: read, or refused with the field and the rule, and never a crash."""

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conversations.domain.errors import InvalidInput
from streaming.wire import client_commands
from streaming.wire.client_commands import MAX_CURSOR, MAX_RATE, MAX_WAITED_MS

SOMETHING_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_no_cursor_means_from_the_beginning() -> None:
    assert client_commands.cursor(None) == 0


@given(st.integers(0, MAX_CURSOR))
def test_a_cursor_is_read(number: int) -> None:
    assert client_commands.cursor(str(number)) == number


@given(st.text() | st.integers(min_value=MAX_CURSOR + 1).map(str) | st.integers(max_value=-1).map(str))
def test_anything_else_is_refused_by_name(text: str) -> None:
    assume(re.fullmatch("[0-9]{1,10}", text, re.ASCII) is None or int(text) > MAX_CURSOR)
    with pytest.raises(InvalidInput) as refused:
        client_commands.cursor(text)
    assert [(problem.field, problem.rule) for problem in refused.value.problems] == [("after", "cursor")]


@pytest.mark.parametrize("text", ["", " 1", "1 ", "1_0", "١", "²", "9" * 5000])
def test_what_python_would_read_and_we_do_not_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        client_commands.cursor(text)


@given(st.text(), st.dictionaries(st.text().filter(lambda name: name != "type"), SOMETHING_JSON))
def test_a_frame_is_its_type_and_its_fields(type_: str, fields: dict[str, object]) -> None:
    command, rest = client_commands.command(json.dumps({"type": type_, **fields}))
    assert command == type_
    assert json.dumps(rest, sort_keys=True) == json.dumps(fields, sort_keys=True)


@given(st.text() | SOMETHING_JSON.map(json.dumps))
def test_any_text_is_a_frame_or_refused(text: str) -> None:
    try:
        command, _ = client_commands.command(text)
    except InvalidInput as refused:
        [problem] = refused.problems
        assert problem.field in {"body", "type"}
    else:
        assert isinstance(command, str)


@pytest.mark.parametrize("text", ["[" * 60_000, '{"a":' * 10_000, "9" * 5000])
def test_a_frame_that_is_too_deep_or_too_long_to_decode_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        client_commands.command(text)


# Rates


def test_no_rate_means_as_fast_as_it_comes() -> None:
    assert client_commands.rate(None) is None


@given(st.integers(1, MAX_RATE))
def test_a_rate_is_read(number: int) -> None:
    assert client_commands.rate(str(number)) == number


@given(st.text() | st.integers(min_value=MAX_RATE + 1).map(str) | st.integers(max_value=0).map(str))
def test_any_other_rate_is_refused_by_name(text: str) -> None:
    assume(re.fullmatch("[0-9]{1,10}", text, re.ASCII) is None or not 1 <= int(text) <= MAX_RATE)
    with pytest.raises(InvalidInput) as refused:
        client_commands.rate(text)
    assert [(problem.field, problem.rule) for problem in refused.value.problems] == [("rate", "rate")]


# Acknowledgements


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, MAX_WAITED_MS))
def test_what_was_sent_may_be_acknowledged_and_nothing_more(seq: int, sent: int, waited: int) -> None:
    if seq <= sent:
        assert client_commands.ack({"seq": seq, "waited_ms": waited}, sent) == (seq, waited / 1000)
    else:
        with pytest.raises(InvalidInput) as refused:
            client_commands.ack({"seq": seq, "waited_ms": waited}, sent)
        assert [(problem.field, problem.rule) for problem in refused.value.problems] == [("seq", "not_sent")]


def test_how_long_ago_need_not_be_said() -> None:
    assert client_commands.ack({"seq": 3}, 3) == (3, 0.0)


@given(SOMETHING_JSON)
def test_any_other_acknowledgement_is_refused_by_name(value: object) -> None:
    assume(type(value) is not int)
    for field, fields in (("seq", {"seq": value}), ("waited_ms", {"seq": 1, "waited_ms": value})):
        with pytest.raises(InvalidInput) as refused:
            client_commands.ack(fields, 5)
        assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    "fields",
    [{}, {"seq": None}, {"seq": True}, {"seq": 1.0}, {"seq": "1"}, {"seq": -1}, {"seq": 6}],
)
def test_a_seq_that_is_no_seq_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        client_commands.ack(fields, 5)


@pytest.mark.parametrize("waited", [-1, MAX_WAITED_MS + 1, True, 1.5, "1"])
def test_a_time_that_is_no_time_is_refused(waited: object) -> None:
    with pytest.raises(InvalidInput):
        client_commands.ack({"seq": 1, "waited_ms": waited}, 5)


# Keys


@given(SOMETHING_JSON | st.text(st.characters(exclude_categories=())))
def test_a_key_comes_back_only_where_a_frame_can_carry_it(value: object) -> None:
    found = client_commands.key({"idempotency_key": value})
    assert found is None or (found == value and isinstance(found.encode(), bytes))


@pytest.mark.parametrize("key", ["\ud800", "k" * 201, 5, None])
def test_a_key_that_cannot_be_one_does_not_come_back(key: object) -> None:
    assert client_commands.key({"idempotency_key": key}) is None
