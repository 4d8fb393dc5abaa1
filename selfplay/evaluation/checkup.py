"""What a run in training is looked at for, now and then: truth, errors, guesses, openings."""

import jax
import jax.numpy as jnp

from selfplay.evaluation.gauges import gauges, make_guess
from selfplay.evaluation.look import Look
from selfplay.networks.contract import Params
from selfplay.replay import buffer as replay
from selfplay.replay.openings import THOUSAND, measures
from selfplay.run import looks
from selfplay.run.directory import RunDirectory
from selfplay.run.progress import Row
from selfplay.run.session import Session


class Checkup:
    """Looks at a session; of one look to the next it remembers the network."""

    def __init__(self, run: RunDirectory, session: Session, look: Look):
        """One that has seen nothing yet."""
        self._run, self._session, self._look = run, session, look
        self._guess = make_guess(session.program.env, session.program.network)
        self._earlier: Params | None = None

    def __call__(self) -> Row:
        """Metrics of the session as it stands."""
        session = self._session
        params = session.program.acting(session.state)
        row, right = self._look(params)
        row |= looks.metrics(self._run.looks, session.iteration, right)
        return row | self._guesses(params) | self._openings()

    def _guesses(self, params: Params) -> Row:
        """What the network says of rows it learns from; nothing before there are any."""
        session, earlier = self._session, self._earlier
        # The parameters themselves are given to the next iteration, and gone then.
        self._earlier = jax.tree.map(jnp.copy, params)
        if not int(session.state.buffer.size.min()):
            return {}
        rows = session.program.rows(session.state, jnp.int32(session.iteration))
        policy, value = self._guess(params, rows)
        before = None if earlier is None else self._guess(earlier, rows)[0]
        return gauges(*jax.device_get((policy, value, rows.state.step_count, rows.value, before)))

    def _openings(self) -> Row:
        """How the last thousand games began, beside the thousand before them."""
        found = replay.newest(self._session.state.openings)
        if len(found) < THOUSAND:
            return {}
        before = found[THOUSAND : 2 * THOUSAND]
        return measures(found[:THOUSAND], before if len(before) == THOUSAND else None, age=1)
