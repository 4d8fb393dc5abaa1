"""The certificate of an Andrews–Curtis episode: the list of its moves, which anyone can replay.

No outside judge is needed for so little: a presentation, moves, and the rule that each applies are
checked by a few lines of plain Python, `andrews_curtis_replay`, or by hand. A certificate reads

    ⟨x, y | XyxYY, Xy⟩
    xrX Yry rS Xrx rs sr

where a move is named by what its relator becomes, r the first and s the second; capitals are
inverses.
"""

from collections.abc import Sequence
from typing import Any

from selfplay.environment import Certifier, Judgement, Verdict
from selfplay_envs.proofs import andrews_curtis_replay as replay
from selfplay_envs.proofs import presentation_text
from selfplay_envs.proofs.andrews_curtis_replay import Word

JUDGE = "replay of the moves as they are written"

NAMES = ("rs", "rS", "xrX", "Xrx", "yrY", "Yry", "sr", "sR", "xsX", "Xsx", "ysY", "Ysy")
"""Of moves 0 to 11 in a certificate."""


class MoveList(Certifier):
    """Writes the moves down, and has them replayed."""

    suffix = ".txt"

    def statement(self, problem: Any) -> str:
        """The presentation: "⟨x, y | XyxYY, Xy⟩"."""
        return replay.shown(_relators(problem))

    def proof(self, problem: Any, actions: Sequence[int]) -> str:
        """The moves' names. Raises ValueError if they do not trivialise the presentation."""
        relators = _relators(problem)
        try:
            fault = _fault(relators, actions)
        except OverflowError as error:
            fault = str(error)
        if fault:
            raise ValueError(f"the moves prove nothing of {replay.shown(relators)}: {fault}")
        return " ".join(NAMES[action] for action in actions)

    def explain(self, problem: Any, actions: Sequence[int]) -> str:
        """Each move with the presentation it leads to. Raises ValueError as `proof` does."""
        self.proof(problem, actions)
        return replay.explained(_relators(problem), actions)

    def document(self, claims: Sequence[tuple[str, str]], titles: Sequence[str] = ()) -> str:
        """Two lines for each claim, a blank one between; a statement is its own title."""
        return "\n".join(f"{statement}\n{proof}\n" for statement, proof in claims)

    def judge(self, claims: Sequence[tuple[str, str]]) -> list[Judgement]:
        """Reads each claim anew and replays it."""
        return [_judgement(statement, proof) for statement, proof in claims]


def _judgement(statement: str, proof: str) -> Judgement:
    unknown = [name for name in proof.split() if name not in NAMES]
    try:
        if unknown:
            raise ValueError(f"no move is called {unknown[0]!r}")
        relators = presentation_text.parse(statement)
        fault = _fault(relators, [NAMES.index(name) for name in proof.split()])
    except ValueError as error:
        return Judgement(Verdict.REJECTED, JUDGE, str(error))
    except OverflowError as error:
        return Judgement(Verdict.UNDECIDED, JUDGE, str(error))
    return Judgement(Verdict.REJECTED if fault else Verdict.ACCEPTED, JUDGE, fault)


def _fault(relators: tuple[Word, Word], moves: Sequence[int]) -> str:
    """Why moves do not trivialise a presentation; empty where they do."""
    reached = replay.replayed(relators, moves)[-1]
    return "" if replay.is_trivial(reached) else f"they lead to {replay.shown(reached)}"


def _relators(problem: Any) -> tuple[Word, Word]:
    """The words of a problem."""
    first, second = (tuple(int(letter) for letter in row if letter != 0) for row in problem.words)
    return first, second
