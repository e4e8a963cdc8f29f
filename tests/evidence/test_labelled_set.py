"""The checker agrees with people about the figures of the labelled set."""

import pytest

from tests.evidence.labelled.scores import score, texts

# Nothing here depends on what differs between versions of Python or Django.

FLOORS = {
    "extraction recall": 0.98,
    "extraction precision": 0.97,
    "green precision": 0.99,
    "red precision": 0.95,
}


@pytest.mark.parametrize("is_held_out", [False, True], ids=["in sight", "held out"])
def test_the_checker_labels_as_people_do(is_held_out: bool) -> None:
    found = score(texts(held_out=is_held_out))
    shares = found.shares()
    low = {name: shares[name] for name, floor in FLOORS.items() if shares[name] < floor}
    assert not low, "\n".join([str(low), *found.lost, *found.wrong])


def test_the_set_is_large_enough_to_tell() -> None:
    assert sum(len(text.figures) for held_out in (False, True) for text in texts(held_out=held_out)) >= 300
