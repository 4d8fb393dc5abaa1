"""Sequents against a slow reference, a prover that knows the answer, and Lean.

All play is at one size, in one batch, compiled once.
"""

import functools
import itertools
import random
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.propositional import g4ip, mutation
from selfplay.config import NetworkConfig
from selfplay.environment import Verdict
from selfplay.networks.build import build
from selfplay_envs.proofs import lean
from selfplay_envs.proofs.formula import Formula
from selfplay_envs.proofs.formula_table import encode, stack
from selfplay_envs.proofs.propositional import Propositional, PropositionalState
from selfplay_envs.proofs.syntax import parse
from tests.envs.proofs.formulas import any_formulas
from tests.reference.propositional import Attempt, after, can_be_proved

SIZE, GAMES = 32, 256


class Episode(NamedTuple):
    formula: Formula
    problem: object
    actions: list[int]
    reward: float


@functools.cache
def formulas() -> list[Formula]:
    return any_formulas(0, GAMES, leaves=14, num_atoms=3, size=SIZE)


@functools.cache
def compiled(max_goals: int):
    env = Propositional(subformulas=SIZE, max_goals=max_goals)
    return env, jax.jit(jax.vmap(env.init)), jax.jit(jax.vmap(env.step))


def play(max_goals: int, wins: bool) -> list[Episode]:
    """Random episodes, beside the reference all the way; `wins`: by lines that prove, if any do."""
    env, init, step = compiled(max_goals)
    tables = [encode(formula, SIZE) for formula in formulas()]
    references = [Attempt(formula, max_goals) for formula in formulas()]
    known: list[dict] = [{} for _ in tables]
    actions: list[list[int]] = [[] for _ in tables]
    rewards = np.zeros(GAMES)
    rng = random.Random(int(wins))
    problem = stack(tables)
    state = init(problem)
    while True:
        now = jax.device_get(state)
        rewards += now.rewards[:, 0]
        running = np.flatnonzero(~(now.terminated | now.truncated))
        if not running.size:
            break
        chosen = np.full(GAMES, SIZE, np.int32)
        for i in running:
            legal = members(now.choices[i])
            if legal:
                assert_same(now, i, references[i])
                good = [
                    a for a in legal if wins and can_be_proved(after(references[i], a), known[i])
                ]
                chosen[i] = rng.choice(good or legal)
                references[i].act(chosen[i])
            actions[i].append(int(chosen[i]))
        state = step(problem, state, jnp.asarray(chosen))
    assert not now.truncated.any()
    for i, reference in enumerate(references):
        assert reference.proved == (rewards[i] == 1)
        assert reference.failed == (rewards[i] == -1)
    return [Episode(*row) for row in zip(formulas(), tables, actions, rewards, strict=True)]


def members(words) -> list[int]:
    return [32 * w + b for w, word in enumerate(words.tolist()) for b in range(32) if word >> b & 1]


def assert_same(states, i, reference: Attempt) -> None:
    """A state at a choice is the reference's."""

    def rows(words):
        return frozenset(reference.rows[member] for member in members(words))

    waiting = states.num_goals[i] - 1
    held = [states.held[i], *states.waiting_held[i][:waiting][::-1]]
    goals = [states.goal[i], *states.waiting_goal[i][:waiting][::-1]]
    wanted = [(rows(words), reference.rows[goal]) for words, goal in zip(held, goals, strict=True)]
    assert wanted == reference.goals
    assert rows(states.seen[i]) == reference.seen
    assert members(states.choices[i]) == reference.choices()


@functools.cache
def episodes() -> list[Episode]:
    return play(16, wins=True) + play(5, wins=False)


def test_theorems_and_they_alone_have_lines_that_prove_them():
    won = episodes()[:GAMES]
    theorem = [g4ip.prove(e.formula).outcome is g4ip.Outcome.THEOREM for e in won]
    assert [episode.reward == 1 for episode in won] == theorem
    assert 60 < sum(theorem) < GAMES - 60


def test_the_replay_accepts_what_was_proved():
    verifier = Propositional(subformulas=SIZE).verifier()
    for episode in episodes():
        said = verifier.verify(episode.problem, episode.actions)
        assert said is (Verdict.ACCEPTED if episode.reward == 1 else Verdict.REJECTED)


def test_lean_accepts_what_was_proved():
    certifier = Propositional(subformulas=SIZE).certifier()
    if not lean.Lean().available():
        pytest.skip("there is no Lean here")
    proved = [episode for episode in episodes() if episode.reward == 1]
    claims = [
        (certifier.statement(e.problem), certifier.proof(e.problem, e.actions)) for e in proved
    ]
    shifted = [(s, p) for (s, _), (t, p) in itertools.pairwise(claims[:20]) if s != t]
    judged = certifier.judge(claims + shifted)
    assert {j.verdict for j in judged[: len(claims)]} == {Verdict.ACCEPTED}
    assert {j.verdict for j in judged[len(claims) :]} == {Verdict.REJECTED}


def test_corrupted_lines_are_rejected_by_lean():
    """Where our own check finds fault; `benchmarks.propositional.mutation` does it at length."""
    if not lean.Lean().available():
        pytest.skip("there is no Lean here")
    proved = [mutation.Episode(e.problem, e.actions) for e in episodes() if e.reward == 1]
    counts = mutation.of_lines(proved, random.Random(0))
    assert counts["wrong lines, Lean: rejected"] >= 50
    assert set(counts) <= {"wrong lines, Lean: rejected", "valid lines, Lean: accepted"}


def test_lean_reads_no_atom_as_something_else():
    """Atoms called like connectives, keywords and our own names; terms of many levels."""
    if not lean.Lean().available():
        pytest.skip("there is no Lean here")
    env = Propositional(subformulas=128)
    certifier = env.certifier()
    names = ["Or", "fun", "False", "h0", "a1", "s0", "Prop", "have", "or", "x'"]
    deep = parse(" -> ".join([f"p{i}" for i in range(60)] + ["p0"]))
    wide = parse(" | ".join(f"p{i}" for i in range(60)) + " -> p59")
    doubled = "a"
    for i in range(9):  # written out, a megabyte
        doubled = f"({doubled} <-> b{i})"
    texts = [f"{a} -> ({a} -> {b}) -> {b}" for a, b in itertools.pairwise(names)]
    texts += [f"{doubled} -> {doubled}", "⊥ -> x", "~~(Or | ~Or)"]
    tables = [encode(parse(text), 128) for text in texts] + [encode(deep, 128)]
    plays = [[128]] * (len(tables) - 2) + [[4, 2], [128]]
    claims = [
        (certifier.statement(table), certifier.proof(table, actions))
        for table, actions in zip(tables, plays, strict=True)
    ]
    assert max(len(statement) for statement, _ in claims) < 2_000
    assert {j.verdict for j in certifier.judge(claims)} == {Verdict.ACCEPTED}
    assert "∀ (a0 a1 : Prop), (a0 → ((a0 → a1) → a1))" in {statement for statement, _ in claims}
    with pytest.raises(ValueError, match="end before the proof does"):
        certifier.proof(encode(wide, 128), [])


def test_the_replay_never_raises():
    env = Propositional(subformulas=SIZE)
    table = encode(parse("((p -> q) -> p) -> p"), SIZE)
    for actions in ([], [SIZE], [99], [-1], [3] * 5_000, [2**40]):
        assert env.verifier().verify(table, actions) is Verdict.REJECTED
    proof = encode(parse("p -> p"), SIZE)
    assert env.verifier().verify(proof, [SIZE]) is Verdict.ACCEPTED
    assert env.verifier().verify(proof, [SIZE, 0]) is Verdict.REJECTED


def test_problems_are_read_from_both_languages():
    env = Propositional(subformulas=16)
    tptp = "% c\nfof(a, axiom, p => q).\nfof(c, conjecture, ( ~q => ~p )).\n"
    assert env.format_problem(env.parse_problem(tptp)) == "(p → q) → ¬q → ¬p"
    assert env.format_problem(env.parse_problem(f"/* c */ {tptp[4:]}")) == "(p → q) → ¬q → ¬p"
    with pytest.raises(ValueError, match=r"line 2: fof\(name, role, formula\)\. was expected"):
        env.parse_problem("% clauses\ncnf(a, axiom, p | ~q).")
    assert env.format_problem(env.parse_problem("p&~q->r")) == "p ∧ ¬q → r"
    with pytest.raises(ValueError, match=r"17 different subf.*--env-args subformulas 32 has"):
        env.parse_problem("p1 | p2 | p3 | p4 | p5 | p6 | p7 | p8 | p9")
    with pytest.raises(ValueError, match=r"character"):
        env.parse_problem("p -> -> q")


@pytest.mark.parametrize("arguments", [{"subformulas": 48}, {"max_goals": 2}])
def test_arguments_that_do_not_fit(arguments):
    with pytest.raises(ValueError, match=r"one of 16, 32, 64, 128, and max_goals between 4"):
        Propositional(**arguments)


@pytest.mark.parametrize("goals", [0, 7])
def test_numbers_of_goals_that_do_not_fit(goals):
    with pytest.raises(ValueError, match=f"between 1 and max_goals, 6, got {goals}"):
        Propositional(subformulas=16, max_goals=6, goals=goals)


def goals_of(env: Propositional, *goals: tuple[str, str], choices: str = ""):
    """A state of (p → q) ∧ (q → r) → p → r by hand, the goal at work first; sets are rows."""

    def words(rows):
        return jnp.array([sum(1 << int(row) for row in rows)], jnp.uint32)

    waiting = [*goals[1:][::-1], *[("", "0")] * (env.max_goals + 1 - len(goals))]
    return env.parse_problem("(p -> q) & (q -> r) -> p -> r"), PropositionalState.start(
        1,
        held=words(goals[0][0]),
        goal=jnp.int8(goals[0][1]),
        waiting_held=jnp.stack([words(held) for held, _ in waiting]),
        waiting_goal=jnp.array([int(goal) for _, goal in waiting], jnp.int8),
        num_goals=jnp.int8(len(goals)),
        seen=words(""),
        choices=words(choices),
    )


STACK = (("124", "0"), ("0124", "3"), ("12", "6"), ("4", "3"), ("01", "2"))
"""Goals of that formula, hypotheses first: no play leads there, and nobody asks."""


@functools.cache
def observe(goals: int):
    """Sees so many one by one."""
    env = Propositional(subformulas=16, max_goals=6, goals=goals)
    observe = jax.jit(env.observe)
    return env, lambda *stack, choices="": observe(*goals_of(env, *stack, choices=choices))


def test_goals_are_seen_one_by_one():
    plain, several = observe(1)[1], observe(3)[1]
    for count in (1, 2, 3, 5):
        seen = several(*STACK[:count], choices="4")
        assert seen.mask.any(-1).tolist() == [place < count for place in range(3)]
        each = [STACK[:1], STACK[1:2], STACK[2:count]]
        for place, goals in enumerate(each[:count]):
            alone = plain(*goals, choices="" if place else "4")
            row = jax.tree.map(lambda x, i=place: x[i], seen)
            jax.tree.map(np.testing.assert_array_equal, row, alone)


def test_the_golden_observation_of_five_goals():
    """Of a token the kind counts 32; held 16, to prove 8, to act on 4; the same behind it 2, 1."""
    wanted = [  # of p, q, p → q, r, q → r, ∧, p → r, and the whole
        [8, 16, 144, 0, 148, 64, 128, 128],
        [16, 16, 144, 8, 144, 64, 128, 128],
        [2, 18, 145, 1, 130, 64, 136, 128],
    ]
    assert observe(3)[1](*STACK, choices="4").tokens[:, :8].tolist() == wanted


def test_a_state_is_worth_the_product_of_what_its_goals_are_worth():
    config = NetworkConfig(kind="graph", width=8, depth=1)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(0.1, 0.8, x.shape), x.dtype),
        jax.eval_shape(build(config, observe(3)[0]).init, jax.random.key(0)),
    )

    def judged(goals, *stacks):
        env, see = observe(goals)
        seen = jax.tree.map(lambda *rows: jnp.stack(rows), *(see(*stack) for stack in stacks))
        return jax.jit(build(config, env).apply)(params, seen)

    logits, values = judged(1, STACK[:1], STACK[1:2])
    all_logits, value = judged(3, STACK[:2])
    first, second = (1 + np.asarray(values, np.float64)) / 2
    np.testing.assert_allclose(value, [2 * first * second - 1], atol=1e-5)
    np.testing.assert_allclose(all_logits[0], logits[0], atol=1e-5)
    assert abs(first - second) > 0.01


def test_what_fails_in_a_small_model_is_refuted():
    env = Propositional(subformulas=16)
    said = env.refutation(env.parse_problem("p | ~p"))
    assert said.startswith("it fails in world 0 of\n")
    assert "p" in said
    assert env.refutation(env.parse_problem("~~(p | ~p)")) == ""
