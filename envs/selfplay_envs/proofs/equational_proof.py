"""Equational proofs as terms that Lean checks, with what they are said to prove, and for people.

A step is an instance of the law under a one-hole context, by congruence; the steps of a chain are
joined by transitivity. Only contexts and instances are written, Lean finds the equations between:
spelling these out as well takes it two to four times as long. Products that a proof writes more
than once are written once, as t0, t1, … by `let`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from selfplay.environment import Certifier, Judgement
from selfplay.environment.certificate import Claim
from selfplay_envs.proofs.equational_replay import read_problem, steps_of
from selfplay_envs.proofs.lean import Lean
from selfplay_envs.proofs.magma import Law, Term, name, show
from selfplay_envs.proofs.rewriting import Chain, Implication, Rewriting, chain, path, replaced

HOLE = -1
"""Of a context, in place of a variable."""

_BRANCHES = ("left", "right")


class EquationalCertifier(Certifier):
    """Shows proofs that one law implies another to Lean, for all operations on all types."""

    suffix = ".lean"

    def __init__(self) -> None:
        self._lean = Lean()

    def statement(self, problem: Any) -> str:
        """The implication; see the function `statement`."""
        return statement(read_problem(problem))

    def proof(self, problem: Any, actions: Sequence[int]) -> str:
        """A term of that type. Raises ValueError if `actions` prove nothing."""
        return term(read_problem(problem), _proved(problem, actions))

    def explain(self, problem: Any, actions: Sequence[int]) -> str:
        """A chain of equations. Raises ValueError if `actions` prove nothing."""
        return explained(read_problem(problem), _proved(problem, actions))

    def document(self, claims: Sequence[Claim], titles: Sequence[str] = ()) -> str:
        """What Lean is shown, and before it the titles in comments."""
        return self._lean.document(claims, titles)

    def judge(self, claims: Sequence[Claim]) -> list[Judgement]:
        """What Lean says of each claim; on no axioms may any rest."""
        return self._lean.judge(claims)


def _proved(problem: Any, actions: Sequence[int]) -> Chain:
    try:
        return chain(read_problem(problem), steps_of(problem, actions))
    except OverflowError as error:
        raise ValueError(str(error)) from error


def statement(problem: Implication) -> str:
    """∀ (G : Type) (f : G → G → G), the hypothesis for all of G → the conclusion for all of G."""
    hypothesis, conclusion = (
        f"∀ ({_names(law)} : G), Eq {' '.join(_Terms({}).part(side) for side in law.sides)}"
        for law in (problem.hypothesis, problem.conclusion)
    )
    return f"∀ (G : Type) (f : G → G → G), ({hypothesis}) → {conclusion}"


def term(problem: Implication, way: Chain) -> str:
    """The chain as a term of the statement's type; nothing of it is checked here."""
    head = f"fun (G : Type) (f : G → G → G) h ({_names(problem.conclusion)} : G) =>\n"
    shared = _shared(way)
    names = dict[Term, str]()
    for product in shared:
        definition = _Terms(names).whole(product)
        names[product] = f"t{len(names)}"
        head += f"let {names[product]} : G := {definition};\n"
    terms = _Terms(names)
    if not way.steps:
        return f"{head}Eq.refl {terms.part(way.terms[0])}"
    steps = [terms.step(*pair) for pair in zip(way.terms, way.steps, strict=False)]
    joined = "".join(f"Eq.trans {step}\n(" for step in steps[:-1])
    return f"{head}{joined}{steps[-1][1:-1]}{')' * (len(steps) - 1)}"


class _Terms:
    """How terms are written in Lean, some of them by names."""

    def __init__(self, names: dict[Term, str]):
        self.names = names

    def whole(self, term: Term) -> str:
        """A term, without the outermost parentheses."""
        if isinstance(term, int):
            return "c" if term == HOLE else name(term)
        return self.names.get(term) or f"f {self.part(term[0])} {self.part(term[1])}"

    def part(self, term: Term) -> str:
        """A term that may stand as an argument."""
        text = self.whole(term)
        return f"({text})" if " " in text else text

    def step(self, before: Term, step: Rewriting) -> str:
        """That a term equals what the step makes of it, in parentheses."""
        law = f"(h {' '.join(map(self.part, step.instance))})"
        if not step.left_to_right:
            law = f"(Eq.symm {law})"
        context = replaced(before, step.position, HOLE)
        if context == HOLE:
            return law
        return f"(congrArg (fun (c : G) => {self.whole(context)}) {law})"


def _shared(way: Chain) -> list[Term]:
    """Products that are written more than once, parts before wholes."""
    uses: Counter[Term] = Counter()
    waiting = [part for pair in zip(way.terms, way.steps, strict=False) for part in _written(*pair)]
    while waiting:
        here = waiting.pop()
        if not isinstance(here, int):
            uses[here] += 1
            if uses[here] == 1:  # the next time, its name stands for its parts
                waiting += here
    return sorted((term for term, count in uses.items() if count > 1), key=lambda t: len(show(t)))


def _written(before: Term, step: Rewriting) -> Iterator[Term]:
    """What stands in a step's text: its instance, and what is beside the way to its position."""
    yield from step.instance
    for branch in path(before, step.position):
        assert not isinstance(before, int)
        yield before[1 - branch]
        before = before[branch]


def _names(law: Law) -> str:
    return " ".join(map(name, range(law.num_variables)))


def explained(problem: Implication, way: Chain) -> str:
    """The chain, below each term the instance of the law that gave it, where, in which direction.

    A position is the branches that lead to it, as in left.right.
    """
    lines = [f"The law: {problem.hypothesis}", f"To prove: {problem.conclusion}", ""]
    lines.append(f"    {show(way.terms[0])}")
    for before, step, after in zip(way.terms, way.steps, way.terms[1:], strict=False):
        lines += [f"  = {show(after)}", f"        {_reason(before, step)}"]
    return "\n".join(lines if way.steps else [*lines, "        on both sides"])


def _reason(before: Term, step: Rewriting) -> str:
    values = ", ".join(f"{name(v)} := {show(value)}" for v, value in enumerate(step.instance))
    branches = path(before, step.position)
    where = ".".join(_BRANCHES[branch] for branch in branches) or "the whole"
    direction = "" if step.left_to_right else ", read from right to left"
    return f"by the law with {values}, at {where}{direction}"
