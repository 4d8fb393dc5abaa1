"""Our enumeration of laws is the Equational Theories Project's."""

import csv

import pytest

from selfplay_envs.proofs.laws import duals, exchanged, laws, number
from selfplay_envs.proofs.magma import Law, parse_law

KNOWN = {
    1: "x = x",
    2: "x = y",
    3: "x = x ◇ x",
    4: "x = x ◇ y",
    43: "x ◇ y = y ◇ x",
    46: "x ◇ y = z ◇ w",
    168: "x = (y ◇ x) ◇ (x ◇ z)",
    387: "x ◇ y = (y ◇ y) ◇ x",
    1689: "x = (y ◇ x) ◇ ((x ◇ z) ◇ z)",
    4512: "x ◇ (y ◇ z) = (x ◇ y) ◇ z",
    4694: "(x ◇ y) ◇ z = (w ◇ u) ◇ v",
}
"""Laws that are spoken of: commutative is 43, central groupoids 168, associative 4512."""


def test_there_are_4694_different_laws():
    assert len(laws()) == len(set(laws())) == 4694
    assert {n: str(laws()[n - 1]) for n in KNOWN} == KNOWN


def test_they_are_those_of_the_file(data):
    lines = (data / "equational_theories" / "laws.txt").read_text(encoding="utf-8").splitlines()
    assert [str(law) for law in laws()] == lines


def test_numbers_do_not_depend_on_names_and_sides():
    for i, law in enumerate(laws(), 1):
        assert number(law) == number(exchanged(law)) == i
    assert number(parse_law("b * a = a * b")[0]) == 43
    assert number(parse_law("(c * c) * b = b * c")[0]) == 387
    assert number(parse_law("x * y = x * y")[0]) is None
    assert number(parse_law("x = x * (x * (x * (x * (x * x))))")[0]) is None


def test_duals_are_paired():
    assert len(duals()) == len(laws())
    assert all(duals()[dual - 1] == n for n, dual in enumerate(duals(), 1))
    assert (duals()[3], duals()[42], duals()[167], duals()[4511]) == (5, 43, 168, 4512)


def test_the_file_of_pairs_has_no_dual_on_the_other_side(data):
    """Numbers and duals are what the file means by them."""
    with (data / "equational_theories" / "implications.csv").open() as file:
        rows = list(csv.DictReader(file))
    split = {int(row["hypothesis"]): row["split"] for row in rows}
    assert all(split.get(duals()[n - 1], side) == side for n, side in split.items())


@pytest.mark.parametrize("law", [Law(0, 0), Law((0, 1), (1, 0)), Law(((5, 3), 3), (1, 5))])
def test_a_law_is_found_under_other_names(law):
    found = number(law)
    assert found is not None
    assert laws()[found - 1] in (law.renamed(), exchanged(law))
