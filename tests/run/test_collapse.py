"""What is said of generations that grow alike; the mirror's own measurements are among them."""

import json
from pathlib import Path

import pytest

from selfplay.run.collapse import findings

MIRROR = Path(__file__).parents[2] / "benchmarks/results/studies/mirror.json"


def rows(per_thousand, heterozygosity):
    """Rows of a distillation: what was labelled stands in the first row of each generation."""
    told = [{"generation": 0.0}]
    for number, (distinct, differ) in enumerate(zip(per_thousand, heterozygosity, strict=True), 1):
        told += [
            {
                "generation": float(number),
                "labels/rows": 9.0,
                "openings/per_thousand": distinct,
                "openings/heterozygosity": differ,
            },
            {"generation": float(number)},
        ]
    return told


def names(told):
    return [finding.name for finding in findings(told)]


def alarm(arm, seed):
    """The first generation of the mirror's lineage of which something is said, and what."""
    cells = json.loads(MIRROR.read_text())["cells"]
    numbers = next(cell[3] for cell in cells if cell[:2] == [arm, seed])
    series = rows(numbers["distinct"][1:], numbers["heterozygosity"][1:])
    for end in range(2, len(series), 2):
        if found := names(series[:end]):
            return end // 2, found[0]
    return None


def test_nothing_is_said_before_there_are_labels_or_of_older_rows():
    assert names([]) == names([{"generation": 0.0}]) == names([{"labels/rows": 1.0}]) == []


def test_half_of_the_openings_are_missed():
    assert names(rows([800, 600, 401], [1.0, 1.0, 0.99])) == []
    told = rows([800, 600, 399], [1.0, 1.0, 0.99])
    assert names(told) == ["lost_openings"]
    assert "begin in 399 ways; in the first generation it was 800." in findings(told)[0].sentence


def test_one_opening_is_seen_at_once():
    told = rows([1], [0.0])
    assert names(told) == ["begin_alike"]
    assert "100.0 %" in findings(told)[0].seen
    assert names(rows([1, 800], [0.0, 0.99])) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mirrors_lineages(seed):
    for arm in ("raw, 10 % real", "raw, accumulated", "search 2", "search 8", "search 32"):
        assert alarm(arm, seed) is None
    assert alarm("raw, likeliest", seed) == (1, "begin_alike")
    generation, name = alarm("raw", seed)
    assert name == "lost_openings" and 14 <= generation <= 18
