"""Magmas that refute, for Lean to check by cases: not every magma with one law has the other.

The statement speaks of all types and operations. The proof takes the type Option (… Bool) of n
elements, of Lean's own library, and an operation that is its table by recursors; the hypothesis is
proved for each choice of values by computing both sides, and the conclusion fails for one choice,
where it would say that two elements are one, by a predicate that tells them apart.

More than MAX_CASES choices of values are too many for that. Of such a problem the statement is the
two laws as people write them, the proof the table, and the check of `magma_models` judges alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from selfplay.environment import Certifier, Judgement, Verdict
from selfplay.environment.certificate import Claim
from selfplay_envs.proofs import magma_models
from selfplay_envs.proofs.lean import Lean
from selfplay_envs.proofs.magma import Law, Term, parse_law, variables
from selfplay_envs.proofs.magma_model_replay import completed, law

MAX_CASES = 1_024
"""Values of the hypothesis's variables; five elements and four variables are 625."""

OWN_JUDGE = "this project's own check of the table (too many cases for Lean)"


class ModelCertifier(Certifier):
    """Shows tables to Lean, if there are not too many cases."""

    suffix = ".lean"

    def __init__(self, most: int):
        """Of an environment with tables of up to so many elements."""
        self._lean, self._most = Lean(), most

    def statement(self, problem: Any) -> str:
        """Not every magma with the hypothesis has the conclusion; or the two laws."""
        hypothesis, conclusion = law(problem.hypothesis), law(problem.conclusion)
        if _is_small(hypothesis, int(problem.elements)):
            return f"Not ({implication(hypothesis, conclusion)})"
        return f"{hypothesis} ⊢ {conclusion}"

    def proof(self, problem: Any, actions: Sequence[int]) -> str:
        """A term of that type, or the table. Raises ValueError if `actions` prove nothing."""
        hypothesis, conclusion, table = self._read(problem, actions)
        if _is_small(hypothesis, len(table)):
            return refutation(hypothesis, conclusion, table)
        return "\n".join(" ".join(map(str, row)) for row in table.tolist())

    def explain(self, problem: Any, actions: Sequence[int]) -> str:
        """The table, and where the conclusion fails. Raises ValueError as `proof` does."""
        hypothesis, conclusion, table = self._read(problem, actions)
        return magma_models.explained(table, hypothesis, conclusion)

    def document(self, claims: Sequence[Claim], titles: Sequence[str] = ()) -> str:
        """What Lean is shown, and in a comment what it is not; the titles before it."""
        shown = [claim for claim in claims if not _is_plain(claim)]
        rest = [f"/- {laws}\n{table}\n-/\n" for laws, table in claims if _is_plain((laws, table))]
        return "\n".join([*([self._lean.document(shown, titles)] if shown else []), *rest])

    def judge(self, claims: Sequence[Claim]) -> list[Judgement]:
        """What Lean says of each claim, on no axioms; of large ones what our own check says."""
        shown = iter(self._lean.judge([claim for claim in claims if not _is_plain(claim)]))
        return [_own_judgement(*claim) if _is_plain(claim) else next(shown) for claim in claims]

    def _read(self, problem: Any, actions: Sequence[int]) -> tuple[Law, Law, np.ndarray]:
        hypothesis, conclusion = law(problem.hypothesis), law(problem.conclusion)
        try:
            table = completed(problem, actions, self._most)
        except OverflowError as error:
            raise ValueError(str(error)) from error
        if table is None:
            raise ValueError(f"no table with these choices refutes {hypothesis} ⊢ {conclusion}")
        return hypothesis, conclusion, table


def _is_small(hypothesis: Law, elements: int) -> bool:
    return elements**hypothesis.num_variables <= MAX_CASES


def _is_plain(claim: Claim) -> bool:
    """Whether it is not in Lean's language."""
    return "⊢" in claim[0]


def _own_judgement(statement: str, proof: str) -> Judgement:
    """Reads laws and table anew."""
    try:
        hypothesis, conclusion = (parse_law(text)[0] for text in statement.split("⊢"))
        table = np.array([[int(x) for x in row.split()] for row in proof.splitlines()], np.int64)
        is_right = magma_models.refutes(table, hypothesis, conclusion)
    except ValueError as error:
        return Judgement(Verdict.REJECTED, OWN_JUDGE, str(error))
    if not is_right:
        return Judgement(Verdict.REJECTED, OWN_JUDGE, "the table does not refute it")
    return Judgement(Verdict.ACCEPTED, OWN_JUDGE, "")


# Lean's language --------------------------------------------------------------------------------


def implication(hypothesis: Law, conclusion: Law) -> str:
    """Every magma with the hypothesis has the conclusion: a proposition of Lean's."""
    return (
        f"∀ (m : Type) (f : m → m → m), ({_for_all(hypothesis, {})}) → {_for_all(conclusion, {})}"
    )


def refutation(hypothesis: Law, conclusion: Law, table: np.ndarray) -> str:
    """A Lean term that proves Not (implication). Raises ValueError if the table shows no such."""
    where = magma_models.failing(conclusion, table)
    if where is None or magma_models.failing(hypothesis, table) is not None:
        raise ValueError(f"this table does not refute {hypothesis} ⊢ {conclusion}")
    n = len(table)
    given = {v: np.array(value) for v, value in where.items()}
    left, right = (int(magma_models.evaluated(s, table, given)) for s in conclusion.sides)
    told_apart = _cases(
        n, "b", lambda _: "Prop", ["True" if value == left else "False" for value in range(n)]
    )
    values = " ".join(f"e{where[v]}" for v in sorted(where))
    return "".join(
        [
            f"fun (h : {implication(hypothesis, conclusion)}) =>\n",
            f"let m : Type := {_type(n)};\n",
            *(f"let e{value} : m := {_element(n, value)};\n" for value in range(n)),
            f"let f : m → m → m := {_operation(table)};\n",
            f"let p : m → Prop := fun (b : m) => {told_apart};\n",
            f"@Eq.rec m e{left} (fun (b : m) (i : @Eq m e{left} b) => p b) True.intro e{right}\n",
            f"(h m f\n({_each_case(hypothesis, table, {})})\n{values})",
        ]
    )


def _for_all(law: Law, given: dict[int, str]) -> str:
    """The law in the magma f on m, for all values of the variables that are not given."""
    names = {v: f"x{v}" for v in sorted({*variables(law.left), *variables(law.right)})}
    left, right = (_applied(side, names | given) for side in law.sides)
    rest = " ".join(names[v] for v in names if v not in given)
    equation = f"@Eq m {left} {right}"
    return f"∀ ({rest} : m), {equation}" if rest else equation


def _applied(term: Term, names: dict[int, str]) -> str:
    if isinstance(term, int):
        return names[term]
    left, right = (_applied(part, names) for part in term)
    return f"(f {left} {right})"


def _each_case(law: Law, table: np.ndarray, given: dict[int, int]) -> str:
    """A proof of the law for all values of the variables that are not given."""
    names = {v: f"e{value}" for v, value in given.items()}
    rest = [v for v in sorted({*variables(law.left), *variables(law.right)}) if v not in given]
    if not rest:
        values = {v: np.array(value) for v, value in given.items()}
        return f"@Eq.refl m e{int(magma_models.evaluated(law.left, table, values))}"
    first, n = rest[0], len(table)
    branches = [_each_case(law, table, given | {first: value}) for value in range(n)]
    claim = _cases(n, f"x{first}", lambda value: _for_all(law, names | {first: value}), branches)
    return f"fun (x{first} : m) => {claim}"


def _operation(table: np.ndarray) -> str:
    n = len(table)
    rows = [_cases(n, "c", lambda _: "m", [f"e{value}" for value in row]) for row in table]
    return f"fun (b c : m) => {_cases(n, 'b', lambda _: 'm', rows)}"


def _type(elements: int) -> str:
    """With so many elements."""
    return "Bool" if elements == 2 else f"(Option {_type(elements - 1)})"


def _element(elements: int, value: int) -> str:
    """Number `value` of a type."""
    if elements == 2:
        return ("Bool.false", "Bool.true")[value]
    if value == 0:
        return f"(@Option.none {_type(elements - 1)})"
    return f"(@Option.some {_type(elements - 1)} {_element(elements - 1, value - 1)})"


def _cases(elements: int, term: str, kind: Callable[[str], str], branches: Sequence[str]) -> str:
    """By which element a term is: one of `branches`, of type `kind` of the term."""
    motive = f"(fun (y{elements} : {_type(elements)}) => {kind(f'y{elements}')})"
    if elements == 2:
        return f"(@Bool.rec {motive} ({branches[0]}) ({branches[1]}) {term})"
    inner = _type(elements - 1)

    def of_some(value: str) -> str:
        return kind(f"(@Option.some {inner} {value})")

    rest = _cases(elements - 1, f"z{elements}", of_some, branches[1:])
    others = f"(fun (z{elements} : {inner}) => {rest})"
    return f"(@Option.rec {inner} {motive} ({branches[0]}) {others} {term})"
