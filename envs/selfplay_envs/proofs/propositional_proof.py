"""Proofs in natural deduction as λ-terms that Lean checks, and what they are said to prove.

Lines are `have`s, blocks are functions (W. A. Howard 1980, "The formulae-as-types notion of
construction"). Names are fresh, a0, a1, … for atoms and h0, h1, … for lines, whatever the atoms are
called. Of a formula with large parts that occur often, each of these is written once, as s0, s1, …
by `let`: a chain of n equivalences written out has 2ⁿ symbols.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from selfplay.environment import Certifier, Judgement
from selfplay.environment.certificate import Claim
from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, parts
from selfplay_envs.proofs.lean import Lean
from selfplay_envs.proofs.natural_deduction import NOWHERE, Line, Rule, as_text
from selfplay_envs.proofs.propositional_replay import read_rows, replay

LARGE = 32
"""Symbols of a part that is written once."""


class PropositionalCertifier(Certifier):
    """Shows proofs of a formula to Lean, for all propositions in place of its atoms."""

    suffix = ".lean"

    def __init__(self) -> None:
        self._lean = Lean()

    def statement(self, problem: Any) -> str:
        """∀ (a0 a1 … : Prop), and the formula."""
        names = LeanNames(read_rows(problem))
        return names.bound("∀", ",", names.definitions() + names.formula(names.root))

    def proof(self, problem: Any, actions: Sequence[int]) -> str:
        """A term of that type. Raises ValueError if `actions` prove nothing."""
        return term(LeanNames(read_rows(problem)), replay(problem, actions))

    def explain(self, problem: Any, actions: Sequence[int]) -> str:
        """Numbered lines of natural deduction. Raises ValueError if `actions` prove nothing."""
        return as_text(replay(problem, actions))

    def document(self, claims: Sequence[Claim], titles: Sequence[str] = ()) -> str:
        """What Lean is shown, and before it the titles in comments."""
        return self._lean.document(claims, titles)

    def judge(self, claims: Sequence[Claim]) -> list[Judgement]:
        """What Lean says of each claim; on no axioms may any rest."""
        return self._lean.judge(claims)


class LeanNames:
    """How a formula and its parts are written in Lean, given its subformulas, the formula last."""

    def __init__(self, rows: Sequence[Formula]):
        self.root = rows[-1]
        self._text: dict[Formula, str] = {}
        self._atoms: list[str] = []
        self._definitions: list[str] = []
        sizes: dict[Formula, int] = {}
        uses = Counter(part for row in rows for part in parts(row))
        for row in rows:
            sizes[row] = 1 + sum(sizes[part] for part in parts(row))
            self._text[row] = self._written(row)
            if isinstance(row, Atom):
                self._atoms.append(self._text[row])
            if uses[row] > 1 and sizes[row] >= LARGE:
                name = f"s{len(self._definitions)}"
                self._definitions.append(f"let {name} : Prop := {self._text[row]};\n")
                self._text[row], sizes[row] = name, 1

    def _written(self, row: Formula) -> str:
        if isinstance(row, Atom):
            return f"a{len(self._atoms)}"
        if isinstance(row, Falsum):
            return "False"
        left, right = (self._text[part] for part in parts(row))
        if isinstance(row, Implies):
            return f"({left} → {right})"
        return f"({'And' if isinstance(row, And) else 'Or'} {left} {right})"

    def formula(self, row: Formula) -> str:
        """A subformula."""
        return self._text[row]

    def definitions(self) -> str:
        """Of the parts that are written once."""
        return "".join(self._definitions)

    def bound(self, binder: str, mark: str, body: str) -> str:
        """`body` for all atoms, if there are any."""
        return f"{binder} ({' '.join(self._atoms)} : Prop){mark} {body}" if self._atoms else body


def term(names: LeanNames, proof: Sequence[Line]) -> str:
    """What a proof is in Lean."""
    lines = "".join(_Terms(names, proof).block(NOWHERE))
    return names.bound("fun", " =>", names.definitions() + lines)


class _Terms:
    """The lines of a proof as terms."""

    def __init__(self, names: LeanNames, proof: Sequence[Line]):
        self.names, self.proof = names, proof
        self.members: dict[int, list[int]] = {}
        for number, line in enumerate(proof):
            if line.rule is not Rule.ASSUMED:
                self.members.setdefault(line.block, []).append(number)

    def block(self, assumption: int) -> Iterator[str]:
        """What is proved under an assumption: its lines, the last one without a name."""
        members = self.members.get(assumption, [])
        if not members:
            yield f"h{assumption}"
        for number, following in itertools.zip_longest(members, members[1:]):
            if following is None:
                yield from self.line(number)
            else:
                yield f"have h{number} : {self.names.formula(self.proof[number].formula)} := "
                yield from self.line(number)
                yield ";\n"

    def line(self, number: int) -> Iterator[str]:
        """What proves a line."""
        line = self.proof[number]
        if line.rule is Rule.DISCHARGED:
            yield from self.function(line.premises[0])
        elif line.rule is Rule.CASES:
            disjunction, left, _, right, _ = line.premises
            yield f"Or.elim h{disjunction} "
            yield from self.function(left)
            yield " "
            yield from self.function(right)
        else:
            yield " ".join([*_HEADS[line.rule], *(f"h{premise}" for premise in line.premises)])

    def function(self, assumption: int) -> Iterator[str]:
        """From a proof of the assumption to what is proved under it."""
        yield f"(fun (h{assumption} : {self.names.formula(self.proof[assumption].formula)}) =>\n"
        yield from self.block(assumption)
        yield ")"


_HEADS: dict[Rule, list[str]] = {
    Rule.REPEATED: [],
    Rule.AND_MADE: ["And.intro"],
    Rule.LEFT_OF_AND: ["And.left"],
    Rule.RIGHT_OF_AND: ["And.right"],
    Rule.OR_BY_LEFT: ["Or.inl"],
    Rule.OR_BY_RIGHT: ["Or.inr"],
    Rule.APPLIED: [],
    Rule.ABSURD: ["False.elim"],
}
