"""Who judges a finished episode: a verifier, apart from the rules that were played by.

A verdict is a value. A verifier that crashes or runs out of time has not accepted anything.
"""

import abc
import enum
from collections.abc import Sequence
from typing import Any


class Verdict(enum.Enum):
    """What a verifier says."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"
    """It crashed, ran out of time, or does not know."""


class Verifier(abc.ABC):
    """Judges episodes on the host, in plain Python, by code that the environment does not share."""

    @abc.abstractmethod
    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether playing `actions` from the beginning solves `problem`.

        What it accepts may train. It never raises for a bad episode: that is REJECTED.
        """
