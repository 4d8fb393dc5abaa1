"""What a network sees, read back along its links, is what is there; on goals with holes."""

import functools

import jax
import numpy as np

from selfplay_envs.proofs import equational_view as view
from selfplay_envs.proofs.magma import Law, Term
from tests.envs.proofs.open_goals import GOALS, MAX_HOLES, SIZE, goals, subterms

LAW_NODES, KINDS = 18, 13
LAW, CONSTANTS = 2 * SIZE, 2 * SIZE + LAW_NODES
HOLES = CONSTANTS + 6


@functools.cache
def seen():
    """`Tokens` [GOALS]; as many sixteenths of the steps are left as the goal's number says."""
    there = goals()
    left = (np.arange(GOALS) % 17 / 16).astype(np.float32)
    tokens = jax.jit(jax.vmap(view.tokens))
    return jax.device_get(tokens(there.problems, there.codes, there.sizes, there.growth, left))


def read(links: np.ndarray, token: int, leaf) -> Term:
    """The term that a token is the root of; `leaf` says what one without parts is."""
    left, right, _ = links[token].tolist()
    if left == right == token:
        return leaf(token)
    return read(links, left, leaf), read(links, right, leaf)


def test_the_goal_is_read_along_the_links():
    there, tokens = goals(), seen()
    for goal, sides in enumerate(there.sides):
        links = tokens.links[goal]

        def leaf(token: int, links=links) -> int:
            is_, side = int(links[token, 2]), token // SIZE
            if is_ < HOLES:
                return is_ - CONSTANTS
            assert (is_ - HOLES) // MAX_HOLES == side
            return -1 - (is_ - HOLES) % MAX_HOLES

        assert tuple(read(links, side * SIZE, leaf) for side in (0, 1)) == sides


def apart(term: Term, side: int) -> Term:
    """Its holes as those of its side."""
    if isinstance(term, int):
        return term - 100 * side if term < 0 else term
    return apart(term[0], side), apart(term[1], side)


def bucket(growth: int) -> int:
    return 0 if growth == -128 else 1 + [-4, -2, 0, 2, 4, 6].index(min(max(growth, -4), 6))


def test_a_node_tells_its_kind_its_rewritings_and_where_it_occurs_too():
    there, tokens = goals(), seen()
    across = 0
    for goal, sides in enumerate(there.sides):
        parts = [[apart(part, side) for part in subterms(sides[side])] for side in (0, 1)]
        in_order = [
            (side * SIZE + i, part) for side in (0, 1) for i, part in enumerate(parts[side])
        ]
        for place, part in in_order:
            rest, elsewhere = divmod(int(tokens.tokens[goal, place]), 2)
            rest, right_to_left = divmod(rest, 7)
            kind, left_to_right = divmod(rest, 7)
            growth = there.growth[goal, [place, 2 * SIZE + place]].tolist()
            assert [left_to_right, right_to_left] == [*map(bucket, growth)]
            assert elsewhere == (part in parts[1 - place // SIZE])
            code = int(there.codes[goal].reshape(-1)[place])
            assert kind == code - 1
            if isinstance(part, tuple):
                first = next(at for at, other in in_order if other == part)
                assert tokens.links[goal, place, 2] == first
                across += first < SIZE <= place
    assert across > 5


def test_the_law_is_read_along_the_links():
    tokens = seen()
    for goal, (hypothesis, _) in enumerate(goals().laws):
        links = tokens.links[goal]
        begins = LAW, LAW + len(subterms(hypothesis.left))
        left, right = (
            read(links, at, lambda token, links=links: int(links[token, 2])) for at in begins
        )
        assert Law(left, right).renamed() == hypothesis.renamed()
        ids = tokens.tokens[goal, LAW:CONSTANTS] - KINDS * 7 * 7 * 2
        nodes = [*subterms(hypothesis.left), *subterms(hypothesis.right)]
        kinds = [1 + node if isinstance(node, int) else 0 for node in nodes]
        assert ids[: len(nodes)].tolist() == kinds


def test_what_is_there_is_what_is_not_masked():
    there, tokens = goals(), seen()
    for goal, sides in enumerate(there.sides):
        mask = tokens.mask[goal]
        assert mask[: 2 * SIZE].tolist() == (there.sizes[goal].reshape(-1) > 0).tolist()
        assert mask[LAW:CONSTANTS].sum() == sum(len(subterms(s)) for s in there.laws[goal][0].sides)
        assert mask[CONSTANTS:HOLES].sum() == there.laws[goal][1].num_variables
        holes = [{part for part in subterms(side) if isinstance(part, int)} for side in sides]
        shown = mask[HOLES : HOLES + 2 * MAX_HOLES].reshape(2, MAX_HOLES)
        assert shown.tolist() == [[-1 - h in side for h in range(MAX_HOLES)] for side in holes]
        assert mask[-1]


def test_all_is_in_range_and_the_clock_runs():
    tokens = seen()
    assert tokens.tokens.shape[1] == view.num_tokens(SIZE)
    for field, end in ((tokens.tokens, view.VOCABULARY), (tokens.positions, view.NUM_POSITIONS)):
        assert field.min() >= 0
        assert field.max() < end
    assert tokens.links.min() >= 0
    assert tokens.links.max() < view.num_tokens(SIZE)
    shown = tokens.tokens[:17, -1] - view.VOCABULARY + 16
    assert shown.tolist() == [0, *range(16)]
    assert (tokens.action_tokens == np.tile(np.arange(2 * SIZE), 2)[None]).all()
    assert view.action_kinds(SIZE) == (0,) * 2 * SIZE + (1,) * 2 * SIZE


def test_positions_tell_side_depth_and_part():
    """No two of them are told alike unless they are alike."""
    there, tokens = goals(), seen()

    def places(term: Term, depth: int = 0, right: bool = False) -> list[tuple[int, bool]]:
        here = [(min(depth, view.DEPTH - 1), right)]
        if isinstance(term, int):
            return here
        return here + places(term[0], depth + 1) + places(term[1], depth + 1, True)

    told = dict[int, tuple[str, int, int, bool]]()
    for goal, sides in enumerate(there.sides):
        law = there.laws[goal][0].sides
        for name, side, term, begin in [
            ("goal", 0, sides[0], 0),
            ("goal", 1, sides[1], SIZE),
            ("law", 0, law[0], LAW),
            ("law", 1, law[1], LAW + len(subterms(law[0]))),
        ]:
            for i, place in enumerate(places(term)):
                position = int(tokens.positions[goal, begin + i])
                assert told.setdefault(position, (name, side, *place)) == (name, side, *place)
    assert len(told) == len(set(told.values()))
    rest = np.unique(tokens.positions[:, CONSTANTS:])
    assert len(rest) == 3 and told.keys().isdisjoint(rest.tolist())
