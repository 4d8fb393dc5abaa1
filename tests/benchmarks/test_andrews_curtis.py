"""The searches against the slow rules, on presentations small enough to be exhausted."""

from benchmarks.andrews_curtis.search import Outcome, inverse, neighbours, product, solve
from selfplay_envs.proofs.andrews_curtis_replay import is_trivial, replayed, spelled
from selfplay_envs.proofs.miller_schupp import presentations
from tests.reference import andrews_curtis as reference


def test_words():
    assert inverse("xxY") == "yXX"
    assert product("xyX", "xYY") == "xY"
    assert product("xy", "YX") == ""


def test_neighbours_are_the_moves_of_the_slow_rules():
    for pair in reference.random_pairs(100, 12, seed=0):
        texts = tuple("".join(reference.NAMES[letter] for letter in word) for word in pair)
        expected = [
            tuple("".join(reference.NAMES[letter] for letter in word) for word in moved)
            for moved in reference.moves(*pair)
        ]
        assert neighbours(texts) == expected


def search(index, kind, **limits):
    relators = presentations()[index]
    found = solve(tuple(map(spelled, relators)), kind, **limits)
    if found.moves is not None:
        assert is_trivial(replayed(relators, found.moves)[-1])
    return found


def depth(relators):
    """Moves of the shortest solution, by the slow rules, layer by layer."""
    layer, seen, moves = {relators}, {relators}, 0
    while not any(sum(map(len, pair)) == 2 for pair in layer):
        layer = {new for pair in layer for new in reference.moves(*pair)} - seen
        layer = {pair for pair in layer if max(map(len, pair)) <= 8}
        seen |= layer
        moves += 1
    return moves


def test_breadth_first_finds_the_shortest_path():
    limits = {"budget": 100_000, "count": "generated", "longest": 8}
    found = search(0, "breadth_first", **limits)
    assert found.moves is not None
    assert len(found.moves) == depth(presentations()[0]) == 5
    greedy = search(0, "greedy", **limits)
    assert greedy.moves is not None
    assert greedy.generated < found.generated


def test_a_budget_is_kept():
    for count in ("popped", "generated"):
        found = search(1000, "greedy", budget=50, count=count, longest=24)
        assert found.moves is None
        assert getattr(found, count) == 50


def test_what_is_exhausted_is_not_solved():
    """Of ⟨xx, y⟩ no move fits in two letters."""
    nothing = solve(("xx", "y"), "breadth_first", budget=9, count="popped", longest=2)
    assert nothing == Outcome(None, popped=1, generated=1)
