"""Presentations as text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay_envs.proofs.miller_schupp import presentations
from selfplay_envs.proofs.presentation_text import FORM, format_relators, parse

ROOT = Path(__file__).parents[3]
TELLS_OF_SOME = [
    *("docs/andrews_curtis.md", "docs/practice.md", "selfplay/commands/solving.py"),
    *("selfplay/run/solutions.py", "envs/selfplay_envs/proofs/andrews_curtis.py"),
]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("xyX = yxy, y", (1, 2, -1, -2, -1, -2), (2,)),
        ("xyx = yxy, x^4 = y^3", (1, 2, 1, -2, -1, -2), (1, 1, 1, 1, -2, -2, -2)),
        ("⟨x, y | x y^-2, X^(-3) Y^5 = 1⟩", (1, -2, -2), (1, 1, 1, -2, -2, -2, -2, -2)),
        ("<x, y | xxX y^0, yxX>", (1,), (2,)),
        ("⟨x, y | x⁻¹ y² x y⁻³, x y⁰ = y²⟩", (-1, 2, 2, 1, -2, -2, -2), (1, -2, -2)),
    ],
)
def test_texts(text, first, second):
    assert parse(text) == (first, second)


@given(st.sampled_from(presentations()))
def test_what_is_written_is_read_back(relators):
    assert parse(format_relators(*relators)) == relators


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("xyX = yxy", "there must be 2 relators, as many as letters, got 1"),
        ("x, y, xy", "got 3"),
        ("", "got 1$"),
        ("x, ", 'a word is empty; write "1"'),
        ("x, yz", "'z' is no letter"),
        ("x, y^", "'\\^' is no letter"),
        ("x = y = X, y", "a relation has one ="),
        ("x^2000, y", "words have at most 1000 letters"),
        ("xyXY, y", "determinant of its relators' exponent sums must be 1 or -1, got 0"),
        ("x^2, y", "got 2"),
    ],
)
def test_what_is_none_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        parse(text)


@pytest.mark.parametrize("file", [None, *TELLS_OF_SOME])
def test_what_is_shown_as_an_example_is_one(file):
    text = FORM if file is None else (ROOT / file).read_text(encoding="utf-8")
    examples = re.findall(r'"([xyXY^ =0-9-]+,[xyXY^ =0-9-]+)"', text)
    assert examples
    for example in examples:
        parse(example)
