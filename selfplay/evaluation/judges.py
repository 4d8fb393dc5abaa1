"""How a distillation's first teacher and its students are judged, one generation after another."""

import functools

import jax
import numpy as np

from selfplay.evaluation.gauges import Guess, gauges, make_guess
from selfplay.evaluation.held_out import make_held_out
from selfplay.evaluation.look import Look, make_look
from selfplay.networks.contract import Network, Params
from selfplay.run import looks, progress
from selfplay.run.distillation import Distillation
from selfplay.run.progress import Row


class Judges:
    """How the first teacher and its students are judged on held-out truth."""

    def __init__(self, on: Distillation):
        self._on = on
        self._own = on.config.network == on.given[0].settings
        self._student = self._make(on.network)

    def first(self) -> Row:
        """The first teacher's. Students who begin as it are held against it, too."""
        return progress.timed("seconds/look", self._first)

    def _first(self) -> Row:
        on, given = self._on, self._on.given[0]
        look = self._student if self._own else self._make(given.network)
        row, right = look(given.params)
        if on.settings.student == "teacher":
            looks.metrics(on.run.looks, 0, right)
        return row

    def student(self, params: Params) -> Row:
        """A student's, beside the best student before it, and beside the teacher's guesses."""
        return progress.timed("seconds/look", self._look, params)

    def _look(self, params: Params) -> Row:
        on, reference = self._on, self._on.reference
        row, right = self._student(params)
        row |= looks.metrics(on.run.looks, on.iteration, right)
        guessed = jax.device_get(self._guess(params, reference))
        known = map(np.asarray, (reference.state.step_count, reference.value))
        return row | gauges(*guessed, *known, earlier=self._taught)

    @functools.cached_property
    def _guess(self) -> Guess:
        return make_guess(self._on.env, self._on.network)

    @functools.cached_property
    def _taught(self) -> np.ndarray:
        """What the first teacher thinks of the rows that all students are held against."""
        given = self._on.given[0]
        guess = self._guess if self._own else make_guess(self._on.env, given.network)
        return np.asarray(guess(given.params, self._on.reference)[0])

    def _make(self, network: Network) -> Look:
        on, given = self._on, self._on.given[0]
        exact = make_look(on.env, network, on.config)
        held_out = make_held_out(
            on.env, network, on.config, on.settings.look_episodes, (given.network, given.params)
        )

        def look(params: Params) -> tuple[Row, np.ndarray]:
            (known, right), (played, solved) = exact(params), held_out(params)
            return known | played, right if right.size else solved

        return look
