"""A search from two ends, on patterns that are changed until they match."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.search.best_first import best_first
from selfplay.search.edges import Edge, Node, way
from selfplay.search.meeting import Meeting
from selfplay.search.model import constant_evaluator
from tests.patterns import LENGTH, OPEN, Matching, Patterns, TwoEnds, distance, match

PAIRS = ["0123~4403", "01?3~2240", "0000~2?31", "443?~0?12"]


def problems_of(pairs):
    return jnp.stack([Patterns().parse_problem(pair) for pair in pairs])


def searched(env, pairs, **options):
    return best_first(env, constant_evaluator(env), (), problems_of(pairs), **options)


def solves(env, problem, actions) -> bool:
    """Whether they do, played by the rules."""
    state = env.init(problem)
    for action in actions:
        assert not bool(state.ended)
        state = env.step(problem, state, jnp.int32(action))
    return bool(env.solved(problem, state))


def test_both_ends_meet():
    """By ways that the rules confirm, after fewer states than a search of pairs judges."""
    env = TwoEnds()
    found = searched(env, PAIRS, budget=800)
    alone = searched(Patterns(), PAIRS, budget=800)
    for pair, problem, one, other in zip(PAIRS, problems_of(PAIRS), found, alone, strict=True):
        assert one.actions is not None
        assert solves(env, problem, one.actions)
        assert list(one.actions) == sorted(one.actions, key=lambda action: action // 2)
        assert distance(pair) <= len(one.actions)
        assert one.evaluations <= other.evaluations
    assert sum(one.evaluations for one in found) < sum(one.evaluations for one in alone) / 4


def test_ways_are_no_longer_than_is_allowed():
    """Neither by the problem's limit nor by the environment's; and the shortest is found."""
    pair = PAIRS[1]
    shortest = distance(pair)
    for limit in (shortest, shortest - 1):
        for env, longest in ((TwoEnds(), [limit]), (TwoEnds(max_steps=limit), None)):
            (found,) = searched(env, [pair], budget=1_000, longest=longest)
            assert (found.actions is not None) == (limit == shortest)


class Never(TwoEnds):
    """Nothing is solved."""

    def __init__(self):
        super().__init__(max_steps=1_000)

    def _play(self, problem, state, action):
        after = super()._play(problem, state, action)
        return after.replace(terminated=jnp.bool_(False), rewards=jnp.zeros(1))

    def encounter(self):
        return Apart()


class Apart(Matching):
    def features(self, end):
        return ()

    def meets(self, left, right):
        return False


def test_a_state_moves_one_end_alone():
    """So there are no more states than what both become, not the product of it."""
    (found,) = searched(Never(), ["0??1~?2?3"], budget=10_000)
    assert found.exhausted
    assert found.evaluations == 4 * 5**2 + 2 * 5**2 - 1  # half a turn of ?2?3 is as good as none


class Liar(TwoEnds):
    def encounter(self):
        return Together()


class Together(Apart):
    def meets(self, left, right):
        return True


def test_what_the_rules_do_not_confirm_is_no_solution():
    (found,) = searched(Liar(), PAIRS[:1], budget=50)
    assert found.actions is None


def test_ends_need_somebody_who_says_which_meet():
    class Silent(TwoEnds):
        def encounter(self):
            return None

    with pytest.raises(ValueError, match=r"Silent has ends.* encounter\(\) must return"):
        searched(Silent(), PAIRS[:1], budget=1)


# The meeting itself --------------------------------------------------------------------------


def node(edge, depth, ends, costs):
    actions = len(ends)
    order = np.arange(actions, dtype=np.int16)
    zeros = np.zeros(actions, np.float32)
    return Node(b"", edge, depth, 0.0, 0.0, 0.0, order, costs, zeros, np.array(ends, np.int8))


def made_up(rng, moves=5, nodes=60):
    """A tree of states whose moves make anything of their ends; either end's, or both's at first.

    Yields each with what its moves make; the last of its moves is illegal.
    """
    costs = np.zeros(moves + 1, np.float32)
    costs[-1] = np.inf
    leaves = []
    for number in range(nodes):
        edge = leaves[rng.integers(len(leaves))] if leaves else None
        depth = edge.node.depth + 1 if edge else 0
        ends = [edge.end if edge else rank % 2 for rank in range(moves + 1)]
        one = node(edge, depth, ends, costs)
        leaves += [Edge(one, rank) for rank in range(moves)]
        # few digits first, so that ends come again, and more of them, so that not all meet
        after = rng.integers(2 + number % 3, size=(moves + 1, LENGTH), dtype=np.int8)
        after[rng.random(after.shape) < 0.1] = OPEN
        yield one, after


@pytest.mark.parametrize("limit", [4, 7, 100])
def test_the_shortest_way_of_all_that_meet(limit):
    """Against all pairs; of an end that comes again the first way counts."""
    met = asked = pairs = 0
    for seed in range(20):
        encounter = Matching()
        meeting = Meeting(encounter, limit)
        begun = np.array([[0, 1, 2, 3], [1, 0, 3, 2]], np.int8)
        meeting.begin(begun)
        first = [{begun[0].tobytes(): ()}, {begun[1].tobytes(): ()}]
        for one, after in made_up(np.random.default_rng(seed)):
            lengths = []
            for rank, row in enumerate(after[:-1]):
                end, name = int(one.ends[rank]), row.tobytes()
                if name in first[end]:
                    continue
                first[end][name] = way(Edge(one, rank))
                for other, known in first[1 - end].items():
                    pairs += 1
                    if match(name, other):
                        lengths.append(len(first[end][name]) + len(known))
            best = min((length for length in lengths if length <= limit), default=None)
            told = meeting.offer(one, after)
            assert (None if told is None else len(told)) == best
            if told is not None:
                met += 1
                splits = range(len(told) + 1)
                assert any(
                    match(left, right)
                    for split in splits
                    for left in _at(first[0], told[:split])
                    for right in _at(first[1], told[split:])
                )
        asked += len(encounter.asked)
        assert len(set(encounter.asked)) == len(encounter.asked)
    assert met
    assert asked < pairs / 4


def _at(first, actions):
    """The ends to which a way led first."""
    return [end for end, known in first.items() if known == actions]


def test_only_ends_whose_features_allow_it_are_compared():
    """Which is all of these that match, and none that do not: their features tell everything."""
    words = [bytes(word) for word in itertools.product((0, 1, OPEN), repeat=LENGTH)]
    encounter = Matching()
    meeting = Meeting(encounter, 2)
    after = np.array([list(word) for word in words], np.int8)
    meeting.begin(np.array([[2] * LENGTH, [2] * LENGTH], np.int8))
    costs = np.zeros(len(words), np.float32)
    assert meeting.offer(node(None, 0, [0] * len(words), costs), after) == (len(words) - 1,)
    encounter.asked.clear()
    assert meeting.offer(node(None, 0, [1] * len(words), costs), after) is not None
    assert all(match(*pair) for pair in encounter.asked)
