"""What an outside judge is shown of an episode: a certificate, and what the judge says of it.

A verifier is ours, and quick; what it accepts may train. A judge outside this project shares no
code with it; what it accepts may be reported. The statement is written from the problem alone,
by code that never sees the episode: no proof can change what it is said to prove.
"""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any

from selfplay.environment.verifier import Verdict

Claim = tuple[str, str]
"""A statement, and what is said to prove it, both in the judge's language."""


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What an outside judge says of one claim."""

    verdict: Verdict
    judge: str
    """Who was asked, such as "Lean 4.35.0 (wheel)"; empty where nobody was there to be asked."""
    message: str
    """Why, for a person; empty where it was accepted."""


class Certifier(abc.ABC):
    """Turns an episode into something that a judge outside this project can check."""

    suffix: str
    """Of the file that is kept, such as ".lean"."""

    @abc.abstractmethod
    def statement(self, problem: Any) -> str:
        """What solving `problem` would prove, in the judge's language."""

    @abc.abstractmethod
    def proof(self, problem: Any, actions: Sequence[int]) -> str:
        """The episode in the judge's language. Raises ValueError if `actions` prove nothing."""

    @abc.abstractmethod
    def explain(self, problem: Any, actions: Sequence[int]) -> str:
        """The episode as a person would read it. Raises ValueError as `proof` does."""

    @abc.abstractmethod
    def document(self, claims: Sequence[Claim], titles: Sequence[str] = ()) -> str:
        """The file that is kept: what the judge is shown.

        Titles say what the claims are about, as people write problems; for people alone.
        """

    @abc.abstractmethod
    def judge(self, claims: Sequence[Claim]) -> list[Judgement]:
        """What the judge says of each claim, in order.

        Never raises for a bad claim. A judge that is missing, crashes, or runs out of time or
        memory has decided nothing.
        """
