"""Moves as people write them."""

import pytest

from selfplay.display.web.moves import Positions
from selfplay.display.web.notation import read_moves
from selfplay.environment import make


@pytest.fixture(scope="module")
def narrow():
    return Positions(make("connect_four"))


@pytest.fixture(scope="module")
def wide():
    """Its columns are 1 to 12."""
    return Positions(make("connect_four", rows=2, columns=12))


@pytest.mark.parametrize("text", ["4453", "4 4 5 3", " 44,5;3 ", "4\n45\t3"])
def test_single_characters_need_no_spaces(narrow, text):
    assert read_moves(narrow, (), text) == {"moves": [3, 3, 4, 2], "error": None}


def test_longer_names_need_them(wide):
    assert read_moves(wide, (), "10, 1 12")["moves"] == [9, 0, 11]
    found = read_moves(wide, (), "10 44")
    assert found["moves"] == [9]
    assert found["error"]["message"].endswith("put spaces between moves")


def test_nothing_is_the_beginning(narrow):
    assert read_moves(narrow, (), " ") == {"moves": [], "error": None}


@pytest.mark.parametrize(
    ("text", "kept", "wrong", "message"),
    [
        ("44x", 2, "x", "move 3, “x”, is not possible there; these are: 1, 2, 3, 4, 5, 6, 7"),
        ("44 9", 2, "9", "move 3, “9”"),
        ("444444 417", 6, "4", "move 7, “4”, is not possible there; these are: 1, 2, 3, 5, 6, 7"),
        ("1212121 5", 7, "5", "move 8, “5”, comes after the end of the game"),
    ],
)
def test_mistakes_are_pointed_at(narrow, text, kept, wrong, message):
    found = read_moves(narrow, (), text)
    assert len(found["moves"]) == kept
    error = found["error"]
    assert text[error["start"] : error["end"]] == wrong
    assert error["start"] >= kept
    assert message in error["message"]
