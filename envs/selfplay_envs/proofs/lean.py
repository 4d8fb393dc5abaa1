"""Lean 4 as a judge that shares no code with us: which claims it accepts as proved.

All statements come first in a document, as definitions, so that no proof can change how one is
read; then, for each, a theorem of that statement, and the question on which axioms it rests:

    @[reducible] def statement_0 : Prop := (∀ (p : Prop), p → p)
    theorem claim_0 : statement_0 := (fun (p : Prop) (h0 : p) => h0)
    #print axioms claim_0

A claim is accepted if Lean came to its end, reported no error on a line that is no claim's, and
all that it said of the claim's lines is the answer: once, with no axioms but allowed ones.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from selfplay.environment import Judgement, Verdict
from selfplay_envs.proofs import lean_process, lean_terms
from selfplay_envs.proofs.lean_process import MISSING, Answer, Message, Program

PRELUDE = Path(__file__).with_name("prelude.lean").read_text(encoding="utf-8")
"""How a document begins for a Lean without its own library."""

STOCK_HEADER = """\
set_option autoImplicit false
set_option linter.all false
set_option maxRecDepth 1000000
"""
"""How a document begins for a Lean with its own library. Untested: none was at hand."""

STOCK_EXCLUDED_MIDDLE = frozenset({"propext", "Classical.choice", "Quot.sound"})
"""What `Classical.em` rests on in Lean's own library, where it is a theorem."""

MAX_RUNS = 64
"""Of Lean, for one batch; its claims that are still in doubt then are undecided."""

_AXIOMS = re.compile(
    r"'(?P<claim>claim_\d+)' (does not depend on any axioms|depends on axioms: \[(?P<names>.*)\])",
    re.DOTALL,
)

_EXHAUSTED = re.compile(
    r"\(deterministic\) timeout|maximum recursion depth|deep recursion|excessive memory"
    r"|out of memory|[Ss]tack overflow|interrupted|internal exception|maximum number of errors"
)
"""What Lean says of its own limits and faults rather than of a proof."""

Claims = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lean:
    """Judges claims by the Lean that `lean_process.find` finds: (statement, proof), both terms.

    Both are written in the part of Lean's language that `lean_terms` describes.
    """

    time_limit: float = 60.0
    """Seconds of one run."""
    memory_mib: int = 4096
    """MiB that a run may use; a start needs 110."""
    stack_mib: int = 512
    """MiB of stack; 512 are enough for terms of 20,000 levels."""
    batch: int = 200
    """Claims in one run, at most."""

    def __post_init__(self):
        for name in ("time_limit", "memory_mib", "stack_mib", "batch"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")

    def available(self) -> bool:
        """Whether there is a Lean to be asked; if not, `lean_process.MISSING` says what to do."""
        return lean_process.find() is not None

    def document(self, claims: Claims, titles: Sequence[str] = ()) -> str:
        """The file that Lean is shown for these claims, on each of which it is asked once.

        It begins with titles, if there are any, in comments.

        Raises ValueError for a claim that would not be shown to it.
        """
        for statement, proof in claims:
            if fault := _fault(statement, proof):
                raise ValueError(f"not a claim that Lean may be shown: {fault}")
        comments = "".join(f"-- {' '.join(title.split())}\n" for title in titles)
        return comments + _document(claims, lean_process.find())[0]

    def judge(self, claims: Claims, allowed_axioms: Sequence[str] = ()) -> list[Judgement]:
        """What Lean says of each claim, in order.

        Args:
            claims: statements and their proofs.
            allowed_axioms: on which a proof may rest, such as "Classical.em".

        Raises ValueError if an axiom that proves anything is to be allowed.
        """
        if "sorryAx" in allowed_axioms:
            raise ValueError("allowed_axioms must name axioms, got sorryAx, which is no proof")
        program = lean_process.find()
        if program is None:
            return [Judgement(Verdict.UNDECIDED, "", MISSING) for _ in claims]
        allowed = frozenset(allowed_axioms)
        if program.library and "Classical.em" in allowed:
            allowed |= STOCK_EXCLUDED_MIDDLE
        judgements = {}
        for index, claim in enumerate(claims):
            if fault := _fault(*claim):
                judgements[index] = Judgement(Verdict.REJECTED, program.name, fault)
        rest = [index for index in range(len(claims)) if index not in judgements]
        for start in range(0, len(rest), self.batch):
            judgements |= self._settle(program, claims, rest[start : start + self.batch], allowed)
        return [judgements[index] for index in range(len(claims))]

    def _settle(
        self, program: Program, claims: Claims, batch: list[int], allowed: frozenset[str]
    ) -> dict[int, Judgement]:
        """Claims that a run leaves in doubt are asked again in two halves, until each is alone.

        So a claim that crashes Lean, or exhausts it, spoils no other's verdict.
        """
        judgements: dict[int, Judgement] = {}
        groups = [batch]
        for _ in range(MAX_RUNS):
            if not groups:
                break
            group = groups.pop()
            answers = self._ask(program, [claims[index] for index in group], allowed)
            judgements |= dict(zip(group, answers, strict=True))
            doubt = [i for i in group if judgements[i].verdict is Verdict.UNDECIDED]
            if len(group) > 1:
                half = (len(doubt) + 1) // 2
                groups += [part for part in (doubt[:half], doubt[half:]) if part]
        return judgements

    def _ask(self, program: Program, claims: Claims, allowed: frozenset[str]) -> list[Judgement]:
        """One run."""
        document, owners = _document(claims, program)
        answer = lean_process.run(
            program,
            document,
            time_limit=self.time_limit,
            memory_mib=self.memory_mib,
            stack_mib=self.stack_mib,
        )
        verdicts = _conclude(answer, owners, len(claims), allowed)
        return [Judgement(verdict, program.name, why) for verdict, why in verdicts]


def _fault(statement: str, proof: str) -> str:
    """Why a claim is not shown to Lean; empty if it may be."""
    for what, text in [("statement", statement), ("proof", proof)]:
        if fault := lean_terms.fault(text):
            return f"the {what} was not shown to Lean: {fault}"
    return ""


def _document(claims: Claims, program: Program | None) -> tuple[str, list[int | None]]:
    """A file's text, and for each of its lines the claim that it belongs to."""
    header = STOCK_HEADER if program and program.library else PRELUDE
    parts: list[tuple[str, int | None]] = [(f"{header}\n", None)]
    for i, (statement, _) in enumerate(claims):
        parts.append((f"@[reducible] def statement_{i} : Prop := ({statement})\n", i))
    for i, (_, proof) in enumerate(claims):
        parts.append((f"\ntheorem claim_{i} : statement_{i} := ({proof})\n", i))
        parts.append((f"#print axioms claim_{i}\n", i))
    owners = [owner for text, owner in parts for _ in range(text.count("\n"))]
    return "".join(text for text, _ in parts), owners


def _conclude(
    answer: Answer, owners: list[int | None], num_claims: int, allowed: frozenset[str]
) -> list[tuple[Verdict, str]]:
    """A verdict for each claim, and why."""
    said: list[list[Message]] = [[] for _ in range(num_claims)]
    trouble = answer.trouble
    for message in answer.messages:
        owner = owners[message.line - 1] if 0 < message.line <= len(owners) else None
        if owner is not None:
            said[owner].append(message)
        elif message.severity == "error":
            trouble = trouble or f"Lean did not get to the claims: {message.text}"
    if trouble:
        return [(Verdict.UNDECIDED, trouble)] * num_claims
    return [_verdict(f"claim_{i}", said[i], allowed) for i in range(num_claims)]


def _verdict(name: str, said: list[Message], allowed: frozenset[str]) -> tuple[Verdict, str]:
    errors = [message.text for message in said if message.severity == "error"]
    exhausted = [error for error in errors if _EXHAUSTED.search(error)]
    if errors:
        return (Verdict.UNDECIDED if exhausted else Verdict.REJECTED), [*exhausted, *errors][0]
    answers = [found for message in said if (found := _AXIOMS.fullmatch(message.text))]
    axioms = {name.strip() for found in answers for name in (found["names"] or "").split(",")}
    if stray := sorted(axioms - {""} - allowed):
        return Verdict.REJECTED, f"the proof rests on axioms: {', '.join(stray)}"
    if len(said) == len(answers) == 1 and answers[0]["claim"] == name:
        return Verdict.ACCEPTED, ""
    return Verdict.UNDECIDED, "Lean did not say just that the proof rests on no axioms"
