"""Propositional problems in the TPTP language, such as those of the ILTP library.

G. Sutcliffe, "The TPTP problem library and associated infrastructure", Journal of Automated
Reasoning 43 (2009); T. Raths, J. Otten and C. Kreitz, "The ILTP problem library for intuitionistic
logic", Journal of Automated Reasoning 38 (2007). Read are `fof` statements without terms.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from selfplay_envs.proofs.formula import Formula, Implies
from selfplay_envs.proofs.syntax import Grammar, Token, is_name, read_formula

_GRAMMAR = Grammar(dict.fromkeys("∧∨→↔", 1), "∧∨")
"""TPTP has no precedences among signs with two sides."""

_SIGNS = {"&": "∧", "|": "∨", "=>": "→", "<=>": "↔", "~": "¬", "$false": "⊥", "$true": "⊤"}

_TOKEN = re.compile(
    r"(?P<skip>\s+|%[^\n]*|/\*.*?\*/)|(?P<word>\$?\w+)|'(?P<quoted>(?:[^'\\]|\\.)*)'"
    r"|(?P<sign><=>|=>|<=|<~>|~&|~\||!=|.)",
    re.DOTALL,
)

_AXIOMS = ("axiom", "hypothesis", "definition", "assumption", "lemma", "theorem", "corollary")

_STATUS = re.compile(r"^%\s*Status \(intuit\.\)\s*:\s*([\w-]+)", re.MULTILINE)

_STATUSES = {"Theorem": True, "Non-Theorem": False}


@dataclasses.dataclass(frozen=True)
class TptpProblem:
    """What a file says."""

    formula: Formula
    """Axioms and conjecture as one: A₁ → (A₂ → … → conjecture), the axioms in the file's order.

    It has as many subformulas as A₁ ∧ (A₂ ∧ …) → conjecture, and each axiom is at hand after one
    step of a proof instead of two.
    """
    is_theorem: bool | None
    """By the header's "Status (intuit.)"; None where that is unsolved or missing."""


def read_tptp(path: Path) -> TptpProblem:
    """The problem in a file. Raises ValueError, which names the file, as `parse_tptp` does."""
    try:
        return parse_tptp(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse_tptp(text: str) -> TptpProblem:
    """The problem that a text in TPTP's language states.

    Raises:
        ValueError: it is not propositional, includes other files, has no conjecture or several, or
            is not TPTP; says in which line.
    """
    axioms: list[Formula] = []
    conjectures: list[Formula] = []
    tokens = list(_tokens(text))
    while tokens:
        role, formula, tokens = _statement(tokens)
        (conjectures if role == "conjecture" else axioms).append(formula)
    if len(conjectures) != 1:
        raise ValueError(f"one conjecture is needed, there are {len(conjectures)}")
    formula = conjectures[0]
    for axiom in reversed(axioms):
        formula = Implies(axiom, formula)
    status = _STATUS.search(text)
    return TptpProblem(formula, _STATUSES.get(status[1]) if status else None)


def _tokens(text: str) -> Iterator[Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        if not found["skip"]:
            word = found["quoted"] if is_name(found["quoted"] or "") else found[0]
            yield Token(_SIGNS.get(word, word), f"line {line}")
        line += found[0].count("\n")


def _statement(tokens: list[Token]) -> tuple[str, Formula, list[Token]]:
    """Role and formula of the first statement, and the tokens after it."""
    if tokens[0].text == "include":
        raise ValueError(f"{tokens[0].where}: other files are not included; put all in one file")
    start = _words(tokens[:6])
    if start[:1] != ["fof"] or start[1:2] != ["("] or start[3:4] != [","] or start[5:] != [","]:
        raise ValueError(
            f"{tokens[0].where}: fof(name, role, formula). was expected, but there is "
            f"{' '.join(start)}"
        )
    role = start[4]
    if role != "conjecture" and role not in _AXIOMS:
        roles = ", ".join((*_AXIOMS, "conjecture"))
        raise ValueError(f"{tokens[4].where}: a role is one of {roles}; got {role}")
    end = _end(tokens, 6, ",)")
    close = _end(tokens, end, ")")  # what stands between is an annotation
    if _words(tokens[close : close + 2]) != [")", "."]:
        raise ValueError(f"{tokens[0].where}: this statement does not end with ).")
    inner = tokens[6:end]
    _refuse_first_order(inner)
    return role, read_formula(inner, _GRAMMAR), tokens[close + 2 :]


def _end(tokens: list[Token], start: int, signs: str) -> int:
    """Index of the first of the signs that is in no parentheses, or of what follows the last."""
    depth = 0
    for index in range(start, len(tokens)):
        text = tokens[index].text
        if depth == 0 and text in signs:
            return index
        depth += (text in "([") - (text in ")]")
    return len(tokens)


def _refuse_first_order(tokens: Sequence[Token]) -> None:
    """Raises ValueError for what only first-order formulas have."""
    following = [*_words(tokens[1:]), ""]
    for token, after in zip(tokens, following, strict=True):
        quantifies = token.text in ("!", "?", "[", "=", "!=") or token.text[:1].isupper()
        if quantifies or (after == "(" and is_name(token.text)):
            raise ValueError(
                f"{token.where}: {token.text!r} belongs to a first-order formula; this reads "
                "propositional ones: names, ~ & | => <=> $true $false"
            )


def _words(tokens: Sequence[Token]) -> list[str]:
    return [token.text for token in tokens]
