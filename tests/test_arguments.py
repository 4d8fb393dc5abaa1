"""What was typed, taken apart."""

import pytest

from selfplay.arguments import named_values


@pytest.mark.parametrize(
    ("words", "values", "rest"),
    [
        ("--seed 3", {}, "--seed 3"),
        ("--env-args", {}, ""),
        ("--env-args size 5 --seed 3", {"size": 5}, "--seed 3"),
        ("--seed 3 --env-args swap true komi 7.5", {"swap": True, "komi": 7.5}, "--seed 3"),
        ("--env-args swap False name go", {"swap": False, "name": "go"}, ""),
        ("--env-args komi -0.5 size -5 --seed 3", {"komi": -0.5, "size": -5}, "--seed 3"),
        ("--env-args -h", {}, "-h"),
    ],
)
def test_names_and_values_behind_a_flag(words, values, rest):
    found, left = named_values("--env-args", words.split())
    assert found == values
    assert [type(value) for value in found.values()] == [type(value) for value in values.values()]
    assert left == rest.split()


def test_a_name_without_a_value_is_refused():
    with pytest.raises(ValueError, match="names and values, such as size 5; got size 5 swap"):
        named_values("--env-args", "--env-args size 5 swap --seed 1".split())
