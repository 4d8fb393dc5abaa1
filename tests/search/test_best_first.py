"""Best-first search, on words that are spelled and walks that can be counted."""

import jax
import jax.numpy as jnp
import pytest

from selfplay.search.best_first import BestFirst, best_first
from selfplay.search.model import constant_evaluator
from tests import worlds
from tests.worlds import Walk, WalkState


def leaning(share):
    """Goes right with a share that is always the same."""

    def evaluate(params, keys, problem, state):
        logits = jnp.log(jnp.array([1 - share, share]))
        return jnp.broadcast_to(logits, (len(keys), 2)), jnp.zeros(len(keys))

    return evaluate


def test_it_finds_the_way_and_never_judges_a_place_twice():
    """With even shares places are judged in the order of their distance: 0, then 1 and -1, ..."""
    env = Walk()
    problems = jnp.array([3, -5, 8, 1], jnp.int8)
    found = best_first(env, constant_evaluator(env), (), problems, budget=1_000, at_once=1)
    assert [f.actions for f in found] == [(1,) * 3, (0,) * 5, (1,) * 8, (1,)]
    for distance, one in zip((3, 5, 8, 1), found, strict=True):
        assert one.evaluations <= 2 * distance
        assert not one.exhausted


def test_levins_bound():
    """Orseau et al. 2018, theorem 1: depth / policy(path) evaluations are enough."""
    for share in (0.5, 0.7, 0.3):
        for goal in (2, 5):
            found = best_first(
                Walk(), leaning(share), (), jnp.array([goal], jnp.int8), budget=10_000, at_once=1
            )
            assert found[0].actions == (1,) * goal
            assert found[0].evaluations <= goal / share**goal


def test_a_budget_ends_it():
    found = best_first(Walk(), leaning(0.01), (), jnp.array([8], jnp.int8), budget=5)
    assert found[0].actions is None
    assert found[0].evaluations == 5
    assert not found[0].exhausted


def test_it_says_that_nothing_is_left():
    """No way leads to 9, and there are 17 places."""
    found = best_first(Walk(), leaning(0.5), (), jnp.array([9, 2], jnp.int8), budget=1_000)
    assert found[0].exhausted
    assert found[0].actions is None
    assert found[0].evaluations == 17
    assert found[0].steps == 2 * 15 + 2  # every place's two ways, the walls' one
    assert found[1].actions == (1, 1)


def test_a_value_draws_it_along():
    """A value that rises to the right; with shares that do not care, fewer places are judged."""

    def rising(params, keys, problem, state):
        return jnp.zeros((len(keys), 2)), state.place.astype(jnp.float32) / 9.0

    problems = jnp.array([7], jnp.int8)
    blind = best_first(Walk(), rising, (), problems, budget=1_000, at_once=1)
    drawn = best_first(Walk(), rising, (), problems, budget=1_000, at_once=1, value_weight=5.0)
    assert blind[0].actions == drawn[0].actions == (1,) * 7
    assert drawn[0].evaluations < blind[0].evaluations


class Slope(Walk):
    """Its heuristic rises to the right."""

    def heuristic(self, problem, state):
        return state.place.astype(jnp.float32) / 9.0


def test_a_heuristic_alone_is_greedy_search():
    """All places to the right come before any to the left, and none is judged in vain."""
    env = Slope()
    goals = jnp.array([7, -5], jnp.int8)
    options = {"budget": 1_000, "at_once": 1, "heuristic_weight": 1e3}
    found = best_first(env, constant_evaluator(env), (), goals, **options)
    assert [one.actions for one in found] == [(1,) * 7, (0,) * 5]
    assert [one.evaluations for one in found] == [7, 9 + 4]  # 0 to 6; 0 to 8, and -1 to -4


def test_problems_do_not_know_of_each_other():
    """Side by side or alone, a search comes to the same."""
    env = Walk()
    goals = jnp.array([6, -2, 4], jnp.int8)
    together = best_first(env, leaning(0.6), (), goals, budget=50)
    alone = [best_first(env, leaning(0.6), (), goals[i : i + 1], budget=50)[0] for i in range(3)]
    assert together == alone


def test_each_problem_has_a_budget_and_a_width_of_its_own():
    search = BestFirst(Walk(), leaning(0.3))
    goals = jnp.array([8, 8, -8], jnp.int8)
    budgets, widths = [5, 9, 16], [1, 4, 2]
    together = search((), goals, budget=budgets, at_once=widths)
    alone = [
        search((), goals[i : i + 1], budget=budgets[i], at_once=widths[i])[0] for i in range(3)
    ]
    assert together == alone
    assert [one.evaluations for one in together[:2]] == budgets[:2]
    with pytest.raises(ValueError, match="budget must be one for each of 3 problems, got 2"):
        search((), goals, budget=[5, 5])
    with pytest.raises(ValueError, match="at_once must be at least 1, got 0"):
        search((), goals, budget=5, at_once=[1, 0, 1])


def test_two_players_are_refused():
    env = worlds.Nim(stones=4)
    with pytest.raises(ValueError, match="one player, Nim has 2"):
        best_first(env, constant_evaluator(env), (), (), budget=5)


def test_no_budget_is_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        best_first(Walk(), leaning(0.5), (), jnp.array([3], jnp.int8), budget=0)


class Grove(Walk):
    """Any 12 steps lead there; a place is all steps so far, after a leading 1."""

    max_steps = 12

    def _start(self, problem):
        return WalkState.start(1, place=jnp.int32(1))

    def _legal(self, problem, state):
        return jnp.ones(2, jnp.bool_)

    def _play(self, problem, state, action):
        place = state.place * 2 + action
        there = state.step_count == 11
        return state.replace(
            place=place, terminated=there, rewards=jnp.where(there, 1.0, 0.0)[None]
        )


def test_dives_find_what_is_long_and_easy():
    """Every path is a solution: a dive has one in 12 steps, the best-first queue in hundreds."""
    env, problems = Grove(), jnp.zeros(1, jnp.int8)

    def searched(**options):
        return best_first(
            env, constant_evaluator(env), (), problems, budget=5_000, at_once=1, **options
        )[0]

    slow, fast = searched(), searched(dives=True)
    assert fast.actions is not None
    assert len(fast.actions) == 12
    assert fast.evaluations <= 2 * 12
    assert slow.evaluations > 100
    assert fast == searched(dives=True)
    assert fast.actions != searched(dives=True, seed=1).actions


def test_without_memory_the_likelier_step_is_taken_again_and_again():
    """Of a way as long as one likes the last step alone counts; else the rest of it adds up."""
    env, problems = Grove(), jnp.zeros(1, jnp.int8)
    search = BestFirst(env, leaning(0.7))
    options = {"budget": 5_000, "at_once": 1}
    spent = [
        search((), problems, path_memory=memory, **options)[0].evaluations
        for memory in (0.0, 0.25, 1.0)
    ]
    assert spent[:2] == [12, 12]
    assert 12 / 0.7**12 >= spent[2] > 100
    # With 1/4 no way costs more than log(4/3) - 4/3 log 0.7 = 0.76, and a step aside costs 1.2 at
    # least; with 3/4 it may be 2.8.
    assert search((), problems, path_memory=0.75, **options)[0].evaluations > 12
    with pytest.raises(ValueError, match=r"path_memory must be between 0 and 1, got 1\.5"):
        search((), problems, path_memory=1.5, **options)


def test_dives_leave_nothing_out():
    """What the queue alone exhausts is exhausted with dives, too."""
    goals = jnp.array([9, 2, -7], jnp.int8)
    found = best_first(Walk(), leaning(0.5), (), goals, budget=1_000, dives=True)
    assert found[0].exhausted
    assert found[0].evaluations == 17
    assert found[1].actions == (1, 1)
    assert found[2].actions == (0,) * 7


def test_a_limit_of_steps_is_kept_and_the_search_may_begin_on_the_way():
    """From 1, already a step on the way to 4: three steps will do, two will not."""
    env = Walk()
    problems = jnp.array([4, 4, 4], jnp.int8)
    start = jax.vmap(env.step, (0, 0, None))(problems, jax.vmap(env.init)(problems), jnp.int32(1))
    search = BestFirst(env, constant_evaluator(env))
    found = search((), problems, budget=500, start=start, longest=[2, 3, None])
    assert [one.actions for one in found] == [None, (1, 1, 1), (1, 1, 1)]
    assert found[0].exhausted


def test_with_a_limit_a_state_is_reached_again_by_fewer_steps():
    """Left is so likely that 0 would be seen as the end of a detour first, were it not the start;
    1 is reached by way of -1, 0 and 1, which leaves too few steps, and then at once.
    """
    env, problems = Maze(), jnp.zeros(1, jnp.int8)
    search = BestFirst(env, leaning(0.05))
    found = search((), problems, budget=500, at_once=1, longest=[3])
    assert found[0].actions == (1, 1, 1)


class Maze(Walk):
    """Two ways from 0 to 1, at once or by three steps through -1 and -2; the end is two further."""

    def _legal(self, problem, state):
        place = state.place
        return jnp.stack([(place <= 0) & (place > -3), (place >= 0) | (place == -3)])

    def _play(self, problem, state, action):
        back = jnp.where(state.place == -2, jnp.int8(1), state.place - jnp.int8(1))
        place = jnp.where(action == 1, state.place + jnp.int8(1), back)
        there = place == 3
        return state.replace(
            place=place, terminated=there, rewards=jnp.where(there, 1.0, 0.0)[None]
        )
