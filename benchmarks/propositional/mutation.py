"""Does the judge see what is wrong? Proofs with one step corrupted, shown to replay and to Lean.

Run `python -m benchmarks.propositional.mutation`. Proofs come of random play on generated formulas
of all levels, one a formula. Each is corrupted in two ways:

- an action is replaced by another one, and the replay is asked. Where it accepts, these actions
  prove the formula as well: Lean, asked about the proof that they make, has to agree.
- a line of natural deduction is: its formula, its rule, or one of its premises. Lean is asked about
  the term. Our own check of the lines, which Lean does not see, says which mutants are valid.
"""

import dataclasses
import random
from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from selfplay.environment import Verdict
from selfplay_envs.proofs.natural_deduction import Line, Rule, check
from selfplay_envs.proofs.propositional import Propositional
from selfplay_envs.proofs.propositional_proof import LeanNames, PropositionalCertifier, term
from selfplay_envs.proofs.propositional_replay import read_rows, replay

_OTHER_SIDE = {
    Rule.LEFT_OF_AND: Rule.RIGHT_OF_AND,
    Rule.RIGHT_OF_AND: Rule.LEFT_OF_AND,
    Rule.OR_BY_LEFT: Rule.OR_BY_RIGHT,
    Rule.OR_BY_RIGHT: Rule.OR_BY_LEFT,
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is measured."""

    proofs: int = 400
    subformulas: int = 64
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Episode:
    """Actions that prove a formula."""

    problem: Any
    actions: list[int]


def proofs(env: Propositional, count: int, seed: int) -> list[Episode]:
    """So many proofs by random play, each of a formula that was drawn once."""
    batch, steps = 512, 32

    @jax.jit
    def play(key: jax.Array):
        problem_key, play_key = jax.random.split(key)
        problems = jax.vmap(env.sample_problem)(jax.random.split(problem_key, batch))

        def step(states: Any, key: jax.Array):
            legal = jax.vmap(env.legal_action_mask)(problems, states)
            actions = jax.random.categorical(key, jnp.where(legal, 0.0, -jnp.inf)).astype(jnp.int32)
            states = jax.vmap(env.step)(problems, states, actions)
            return states, (actions, states.rewards[:, 0])

        states = jax.vmap(env.init)(problems)
        return problems, jax.lax.scan(step, states, jax.random.split(play_key, steps))[1]

    found: dict[str, Episode] = {}
    key = jax.random.key(seed)
    while len(found) < count:
        key, play_key = jax.random.split(key)
        problems, (actions, rewards) = jax.device_get(play(play_key))
        for i in np.flatnonzero((rewards == 1).any(0)):
            problem = jax.tree.map(lambda leaf, i=i: leaf[i], problems)
            length = int((rewards[:, i] == 1).argmax()) + 1
            episode = Episode(problem, actions[:length, i].tolist())
            if len(found) < count:
                found.setdefault(env.format_problem(problem), episode)
    return list(found.values())


def corrupt_action(episode: Episode, num_actions: int, rng: random.Random) -> Episode:
    """Another action in place of one."""
    actions = list(episode.actions)
    place = rng.randrange(len(actions))
    actions[place] = rng.choice([a for a in range(num_actions) if a != actions[place]])
    return Episode(episode.problem, actions)


def corrupt_line(
    problem: Any, proof: list[Line], rng: random.Random
) -> tuple[list[Line], str] | None:
    """The lines with one changed, and their term; None if no change is seen in the term."""
    rows = read_rows(problem)
    names = LeanNames(rows)
    for _ in range(100):
        number = rng.randrange(len(proof))
        line = proof[number]
        changes = [dataclasses.replace(line, formula=rng.choice(rows))]
        if line.rule in _OTHER_SIDE:
            changes.append(dataclasses.replace(line, rule=_OTHER_SIDE[line.rule]))
        if line.premises and line.rule not in (Rule.DISCHARGED, Rule.CASES):
            premises = list(line.premises)
            premises[rng.randrange(len(premises))] = rng.randrange(number)
            changes.append(dataclasses.replace(line, premises=tuple(premises)))
        mutant = [*proof[:number], rng.choice(changes), *proof[number + 1 :]]
        text = term(names, mutant)
        if text != term(names, proof):
            return mutant, text
    return None


def is_valid(problem: Any, proof: list[Line]) -> bool:
    """Whether our own check finds nothing wrong with the lines."""
    try:
        check(proof, read_rows(problem)[-1])
    except ValueError:
        return False
    return True


def of_actions(env: Propositional, episodes: list[Episode], rng: random.Random) -> Counter[str]:
    """What the replay says of corrupted actions, and Lean of those that it accepts."""
    verifier, certifier = env.verifier(), PropositionalCertifier()
    mutants = [corrupt_action(episode, env.num_actions, rng) for episode in episodes]
    said = [verifier.verify(mutant.problem, mutant.actions) for mutant in mutants]
    valid = [m for m, verdict in zip(mutants, said, strict=True) if verdict is Verdict.ACCEPTED]
    claims = [
        (certifier.statement(m.problem), certifier.proof(m.problem, m.actions)) for m in valid
    ]
    counts = Counter(f"replay: {verdict.value}" for verdict in said)
    counts.update(f"of these, Lean: {j.verdict.value}" for j in certifier.judge(claims))
    return counts


def of_lines(episodes: list[Episode], rng: random.Random) -> Counter[str]:
    """What Lean says of corrupted lines, by what our own check does."""
    certifier = PropositionalCertifier()
    mutants = []
    for episode in episodes:
        found = corrupt_line(episode.problem, replay(episode.problem, episode.actions), rng)
        if found is not None:
            mutants.append((episode.problem, *found))
    claims = [(certifier.statement(problem), text) for problem, _, text in mutants]
    judged = certifier.judge(claims)
    return Counter(
        f"{'valid' if is_valid(problem, lines) else 'wrong'} lines, Lean: {judgement.verdict.value}"
        for (problem, lines, _), judgement in zip(mutants, judged, strict=True)
    )


def main() -> None:
    arguments = tyro.cli(Arguments)
    env = Propositional(subformulas=arguments.subformulas)
    rng = random.Random(arguments.seed)
    episodes = proofs(env, arguments.proofs, arguments.seed)
    certifier = PropositionalCertifier()
    whole = [
        (certifier.statement(e.problem), certifier.proof(e.problem, e.actions)) for e in episodes
    ]
    judged = certifier.judge(whole)
    print(judged[0].judge or judged[0].message)
    print(f"proofs: {dict(Counter(j.verdict.value for j in judged))}")
    print(f"an action replaced: {dict(of_actions(env, episodes, rng))}")
    print(f"a line changed: {dict(of_lines(episodes, rng))}")


if __name__ == "__main__":
    main()
