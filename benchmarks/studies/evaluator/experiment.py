"""A weak evaluator, its search, and a student that learns what the search found."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.studies.evaluator.guess import Guess, weak_evaluator
from benchmarks.studies.evaluator.truth import BATCH, MEASURES, Truth
from benchmarks.studies.study import Numbers, Tell
from selfplay import sharding
from selfplay.agent import Agent
from selfplay.config import Config
from selfplay.evaluation.players import Act, budgeted, raw_policy
from selfplay.networks.build import build
from selfplay.networks.contract import Network, Params
from selfplay.operators.contract import ImprovementOperator
from selfplay.operators.episodes import Episodes, Labeller
from selfplay.operators.raw import Raw
from selfplay.operators.search import Search
from selfplay.operators.targets import Targets
from selfplay.run.student import Student, make_student
from selfplay.search.model import Evaluator, constant_evaluator, network_evaluator
from selfplay.search.policy import without_noise
from selfplay.search.simulation import jit_search

Label = Callable[[Guess, jax.Array, Any], Targets]
"""`(weak evaluator, keys [B], State [B]) -> Targets [B]`."""
Play = Callable[[Any, jax.Array, jax.Array, jax.Array], Episodes]
"""`Labeller.play`."""

GAMES_AT_ONCE = 1_024
UPDATES_AT_ONCE = 20
"""Compiled as one loop; numbers of updates are multiples of it."""


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the study is."""

    simulations: tuple[int, ...] = (0, *(2**i for i in range(11)))
    """Of the searches that are judged."""
    eight_ply: int = 512
    """Positions after eight plies in which values are judged, of 67,557."""
    positions: int = 49_152
    """That are labelled for a student, a multiple of 512."""
    teacher: int = 16
    """Simulations of the search that labels, as in the preset; one of those that are judged."""
    updates: int = 800
    """Of a student, batches of 512 rows; a multiple of 20."""


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What all arms share, compiled once."""

    size: Size

    @functools.cached_property
    def agent(self) -> Agent:
        """The trained agent that comes with the game: its shape, its way to search."""
        return Agent.load("connect_four")

    @functools.cached_property
    def truth(self) -> Truth:
        """What is true of its game."""
        env: Any = self.agent.env
        return Truth(env, self.size.eight_ply)

    # Weak evaluators -------------------------------------------------------------------------

    def untrained(self, seed: int) -> Guess:
        """A network as it is before it has learnt anything."""
        return _quiet(self._network.init(jax.random.key(seed)))

    def one_epoch(self, seed: int) -> Guess:
        """One that has seen games of players who move at random, and how they ended, once."""
        rows = self._rows(self._random_games, (), seed, 2 * GAMES_AT_ONCE)
        updates = len(rows.weight) // BATCH // UPDATES_AT_ONCE * UPDATES_AT_ONCE
        return _quiet(self.fit(rows, np.arange(updates * BATCH).reshape(updates, BATCH), seed))

    def noisy(self, seed: int, noise: float) -> Guess:
        """The trained agent's network, with noise of its own for each position."""
        return Guess(self.agent.params, jnp.float32(noise), jax.random.key(seed))

    # What an arm is --------------------------------------------------------------------------

    def measure(
        self, make: Callable[[int], Guess], most: int, seed: int, folder: Path, tell: Tell
    ) -> Numbers:
        """A weak evaluator alone, searching, and what students learn from either.

        Args:
            make: from a seed to the evaluator.
            most: simulations of its longest search.
            seed: of the evaluator, of the positions that are learnt from, and of the students.
            folder: unused, nothing is kept on the way.
            tell: who is told.

        Returns:
            Each of `MEASURES`, a number for each number of simulations; the same of the student
            of its search, as student_..., and of the student of its own guesses, as copy_....
        """
        del folder
        tell("the weak evaluator", 0, 1)
        guess = make(seed)
        found: list[dict[str, float]] = []
        for count in self.size.simulations:
            if count <= most:
                tell("simulations", count, most)
                found.append(self.truth.measure(self._searching, (guess, jnp.int32(count))))
        numbers: Numbers = {what: [each[what] for each in found] for what in MEASURES}
        tell("its games", 0, 1)
        states = self._rows(self._own_games, guess, seed, rows=self.size.positions).state
        for kind, labels in (("student", self._search_labels), ("copy", self._own_labels)):
            learnt = self.truth.measure(
                self._alone, self.student(labels, guess, states, seed, tell)
            )
            numbers |= {f"{kind}_{what}": learnt[what] for what in MEASURES}
        return numbers

    # Distillation ----------------------------------------------------------------------------

    def student(self, label: Label, guess: Guess, states: Any, seed: int, tell: Tell) -> Params:
        """A network of the same shape that begins untrained, and learns labels of State [N]."""
        count = len(states.step_count)
        keys = jax.random.split(jax.random.key(seed), count)
        parts = []
        for start in range(0, count, BATCH):
            tell("labels", start, count)
            batch = jax.tree.map(lambda x, i=start: x[i : i + BATCH], (keys, states))
            parts.append(jax.device_get(label(guess, *batch)))
        targets = jax.tree.map(lambda *parts: np.concatenate(parts), *parts)
        tell("learning", 0, 1)
        drawn = np.random.default_rng(seed).integers(0, count, (self.size.updates, BATCH))
        return self.fit(targets, drawn, seed)

    def fit(self, targets: Targets, rows: np.ndarray, seed: int) -> Params:
        """Parameters that have learnt rows int [updates, batch] of the targets, in this order."""
        state = self._student.begin(None, jnp.int32(seed + 1))
        total = jnp.int32(len(rows))
        for number, part in enumerate(np.split(rows, len(rows) // UPDATES_AT_ONCE)):
            batches = jax.tree.map(lambda x, part=part: jnp.asarray(x[part]), targets)
            iteration = jnp.int32(seed * self.size.updates + number)
            state, _ = self._student.fit(state, batches, iteration, total)
        return self._student.acting(state)

    def _rows(self, play: Play, params: Any, seed: int, games: int = 0, rows: int = 0) -> Targets:
        """Targets [N] of at least so many games and rows, in random order; N is `rows`, if any."""
        parts: list[Targets] = []
        played = found = 0
        while played < games or found < rows:
            index = played + jnp.arange(GAMES_AT_ONCE, dtype=jnp.int32)
            targets = play(params, jax.random.key(seed), index, jnp.int32(0)).samples.targets
            counts = np.flatnonzero(targets.weight)
            parts.append(
                jax.tree.map(
                    lambda x, i=counts: np.asarray(x).reshape(-1, *x.shape[2:])[i], targets
                )
            )
            played, found = played + GAMES_AT_ONCE, found + len(counts)
        order = np.random.default_rng(seed).permutation(found)[: rows or None]
        return jax.tree.map(lambda *parts: np.concatenate(parts)[order], *parts)

    # What is compiled ------------------------------------------------------------------------

    @functools.cached_property
    def config(self) -> Config:
        """The agent's, but that a student sees smaller batches, for a short time."""
        config = self.agent.config
        learner = dataclasses.replace(
            config.learner, batch_size=BATCH, warmup_updates=50, average_decay=0.99
        )
        return dataclasses.replace(config, learner=learner, num_devices=1)

    @functools.cached_property
    def _network(self) -> Network:
        return build(self.config.network, self.agent.env)

    @functools.cached_property
    def _evaluator(self) -> Evaluator:
        return weak_evaluator(self.agent.env, self._network.apply)

    @functools.cached_property
    def _searching(self) -> Act:
        most = max(self.size.simulations)
        search = dataclasses.replace(self.config.search, num_simulations=most)
        return jit_search(budgeted(self.agent.env, self._evaluator, search))

    @functools.cached_property
    def _random_games(self) -> Play:
        """Games of players who move at random."""
        env = self.agent.env
        return jax.jit(Labeller(env, Raw(env, constant_evaluator(env))).play)

    @functools.cached_property
    def _own_games(self) -> Play:
        """Games of a weak evaluator, its moves drawn from its policy; openings as in the preset."""
        env, plies = self.agent.env, self.config.rollout.max_opening_plies
        return jax.jit(Labeller(env, Raw(env, self._evaluator), max_opening_plies=plies).play)

    @functools.cached_property
    def _alone(self) -> Act:
        evaluator = network_evaluator(self.agent.env, self._network.apply)
        return jax.jit(raw_policy(self.agent.env, evaluator))

    @functools.cached_property
    def _search_labels(self) -> Label:
        search = without_noise(self.config.search, self.size.teacher)
        return _labels(Search(self.agent.env, self._evaluator, search))

    @functools.cached_property
    def _own_labels(self) -> Label:
        return _labels(Raw(self.agent.env, self._evaluator))

    @functools.cached_property
    def _student(self) -> Student:
        mesh = sharding.make_mesh(1)
        return make_student(self.agent.env, self._network, self.config, mesh, jax.random.key(0))


def _quiet(params: Params) -> Guess:
    """A network without noise."""
    return Guess(params, jnp.float32(0), jax.random.key(0))


def _labels(operator: ImprovementOperator) -> Label:
    def label(guess: Guess, keys: jax.Array, states: Any) -> Targets:
        return operator.improve(guess, keys, (), states, jnp.int32(0)).targets

    return jit_search(label)
