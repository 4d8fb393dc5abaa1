"""What does a run fold? Standard chains on a budget, and how many of their best folds it knows.

    SELFPLAY_DATA=FOLDER python -m benchmarks.hp_lattice.folding RUN

Of each standard chain that fits the run's environment it draws whole folds without replacement
(`beams`), with a few simulations a step, as many folds as the budget of simulations allows, and
keeps the best; replica exchange Monte Carlo has as many steps. Of the 24- and the 25-mer, all of
whose ground states are known, it draws 10,000 folds and counts the different ones among those with
the most contacts: an agent that knows one fold has collapsed. It does so twice, by draws that do
not know of one another, and without replacement.

Actions are drawn from the search's improved policy, the noise at its root off.
"""

import dataclasses
import statistics
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.hp_lattice import replica_exchange
from benchmarks.hp_lattice.beams import Beams
from benchmarks.hp_lattice.standard import Standard, read_ground_states, read_standard
from selfplay.agent import Agent
from selfplay.evaluation.players import without_noise
from selfplay.search.policy import search
from selfplay.search.simulation import jit_search
from selfplay_envs.science.hp_designed import left_first
from selfplay_envs.science.hp_lattice_scorer import count_contacts

DIVERSE = ("2D-24", "2D-25")
"""Chains whose ground states are all known, and several."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    run: tyro.conf.Positional[Path]
    simulations: int = 2
    """For each residue, where the budget counts."""
    budget: int = 10_000
    """Simulations for a chain."""
    prior_temperature: float = 1.4
    """Of the network's policy, where nothing is replaced."""
    value_scale: float = 0.1
    """How much a search's values count, where nothing is replaced."""
    diverse_simulations: int = 16
    """For each residue, where different folds count."""
    temperature: float = 1.5
    """Of draws that do not know of one another."""
    folds: int = 10_000
    """Sampled where different folds count."""
    batch: int = 1_000
    """Folds sampled at once."""
    seeds: int = 5
    """Repeats of the budgeted search, and of replica exchange: the median and the best are told."""


class Sampler:
    """Samples folds by a run's agent."""

    def __init__(self, agent: Agent, num_simulations: int, temperature: float):
        self.agent = agent
        self.config = without_noise(agent.config.search, num_simulations)
        self.temperature = temperature
        self._fold = jit_search(self._sample, static_argnames=("batch", "moves"))

    def folds(self, chain: str, count: int, seed: int, batch: int) -> list[str]:
        """So many folds of the chain, as turns L, S, R; those that got stuck are left out."""
        problem = self.agent.env.parse_problem(chain)
        batch = min(batch, count)
        found = []
        for key in jax.random.split(jax.random.key(seed), -(-count // batch)):
            actions, whole = jax.device_get(
                self._fold(self.agent.params, key, problem, batch=batch, moves=len(chain) - 2)
            )
            found += [
                "".join("LSR"[a] for a in fold) if ok else ""
                for fold, ok in zip(actions, whole, strict=True)
            ]
        return [fold for fold in found[:count] if fold]

    def _sample(self, params: Any, key: jax.Array, problem: Any, *, batch: int, moves: int):
        """Actions int32 [batch, moves], and whether they lay the whole chain (bool [batch])."""
        env = self.agent.env
        problems, states = jax.tree.map(
            lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), (problem, env.init(problem))
        )

        def lay(state: Any, key: jax.Array):
            search_key, action_key = jax.random.split(key)
            result = search(
                env,
                self.agent.evaluator,
                params,
                jax.random.split(search_key, batch),
                problems,
                state,
                self.config,
            )
            logits = jnp.log(result.action_weights) / self.temperature
            action = jax.random.categorical(action_key, logits).astype(jnp.int32)
            return jax.vmap(env.step)(problems, state, action), action

        last, actions = jax.lax.scan(lay, states, jax.random.split(key, moves))
        return actions.T, last.step_count == moves  # one that is stuck takes no more steps


def contacts_of(chain: str, fold: str) -> int:
    """Contacts by the scorer, which shares no rule with the environment."""
    return count_contacts(chain, ["LSR".index(turn) for turn in fold])


def without_replacement(agent: Agent, num_simulations: int, arguments: Arguments) -> Beams:
    """Draws with so many simulations for each residue."""
    config = dataclasses.replace(
        without_noise(agent.config.search, num_simulations),
        prior_temperature=arguments.prior_temperature,
        value_scale=arguments.value_scale,
    )
    return Beams(agent, config)


def best_on_budget(beams: Beams, standard: Standard, arguments: Arguments, seed: int) -> int:
    """The most contacts among as many folds as the budget allows."""
    cost = arguments.simulations * (len(standard.chain) - 2)
    count = max(arguments.budget // cost, 1)
    folds = beams.folds(standard.chain, count, seed, min(count, arguments.batch))
    return max((contacts_of(standard.chain, fold) for fold in folds), default=0)


def ground_states_found(standard: Standard, folds: list[str]) -> int:
    """How many different ones of its ground states are among them.

    Raises RuntimeError if a fold is as good as the ground states and none of them.
    """
    known = read_ground_states(standard.name)
    distinct = {left_first(fold) for fold in folds}
    best = {fold for fold in distinct if contacts_of(standard.chain, fold) == standard.contacts}
    if not best <= known:
        raise RuntimeError(f"{standard.name}: a fold as good as the ground states is none")
    return len(best)


def print_diversity(console: Console, agent: Agent, chains: list[Standard], arguments: Arguments):
    """Ground states among many folds, drawn in either way."""
    sampler = Sampler(agent, arguments.diverse_simulations, arguments.temperature)
    beams = without_replacement(agent, arguments.diverse_simulations, arguments)
    table = Table("chain", "ground states", "replaced", "not replaced")
    for standard in chains:
        found = [
            ground_states_found(standard, draw(standard.chain, arguments.folds, 0, arguments.batch))
            for draw in (sampler.folds, beams.folds)
        ]
        known = len(read_ground_states(standard.name))
        table.add_row(standard.name, *map(str, (known, *found)))
    console.print(
        f"{arguments.folds:,} folds, {arguments.diverse_simulations} simulations a residue"
    )
    console.print(table)


def told(found: list[int]) -> str:
    """Median and best of several."""
    return f"{statistics.median(found):g} ({max(found)})"


def main() -> None:
    """Prints two tables."""
    arguments = tyro.cli(Arguments)
    console = Console(width=100)
    agent = Agent.load(arguments.run)
    length: int = agent.env.max_steps + 2
    chains = read_standard(length)
    beams = without_replacement(agent, arguments.simulations, arguments)
    table = Table("chain", "residues", "best known", "agent", "replica exchange")
    for standard in chains:
        seeds = range(arguments.seeds)
        exchange = [
            replica_exchange.most_contacts(standard.chain, arguments.budget, seed)[0]
            for seed in seeds
        ]
        agents = [best_on_budget(beams, standard, arguments, seed) for seed in seeds]
        table.add_row(
            standard.name,
            str(len(standard.chain)),
            str(standard.contacts),
            told(agents),
            told(exchange),
        )
    console.print(
        f"{arguments.budget:,} simulations or steps a chain; median (best) of {arguments.seeds}"
    )
    console.print(table)
    print_diversity(console, agent, [c for c in chains if c.name in DIVERSE], arguments)


if __name__ == "__main__":
    main()
