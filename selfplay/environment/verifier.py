"""Who judges a finished episode: a verifier, apart from the rules that were played by.

A verdict is a value. A verifier that crashes or runs out of time has not accepted anything.
"""

import abc
import dataclasses
import enum
import hashlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np


class Verdict(enum.Enum):
    """What a verifier says."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"
    """It crashed, ran out of time, or does not know."""


class RejectedError(RuntimeError):
    """A judge refused what was taken for a solution: a fault of the environment or its exporter."""


class Verifier(abc.ABC):
    """Judges episodes on the host, in plain Python, by code that the environment does not share."""

    @abc.abstractmethod
    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether playing `actions` from the beginning solves `problem`.

        What it accepts may train. It never raises for a bad episode: that is REJECTED.
        """


@dataclasses.dataclass(frozen=True)
class Fallible(Verifier):
    """Another verifier that is wrong now and then, to see what such a one does to training.

    Its errors are those of a bad checker rather than of a tired one: asked again, it says the
    same.
    """

    verifier: Verifier
    error: float
    """In [0, 1]: how often it says the opposite."""
    seed: int = 0

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """The other's verdict, or its opposite; what is undecided stays so."""
        verdict = self.verifier.verify(problem, actions)
        if verdict is Verdict.UNDECIDED or self._lot(problem, actions) >= self.error:
            return verdict
        return Verdict.REJECTED if verdict is Verdict.ACCEPTED else Verdict.ACCEPTED

    def _lot(self, problem: Any, actions: Sequence[int]) -> float:
        """In [0, 1), drawn by the question alone."""
        digest = hashlib.blake2b(np.array([self.seed, *actions], np.int64).tobytes(), digest_size=8)
        for leaf in jax.tree.leaves(problem):
            digest.update(np.asarray(leaf).tobytes())
        return int.from_bytes(digest.digest()) / 2**64
