"""Formulas as people write them, in Unicode or ASCII.

From the tightest to the loosest: ¬ (~ !), ∧ (& && /\\), ∨ (| || \\/), → (-> =>), ↔ (<-> <=>); ⊥ or
false, ⊤ or true. Chains of ∧, ∨ and → associate to the right, as in Lean. A chain of ↔ needs
parentheses: intuitionistically they make a difference. Atoms are identifiers of Unicode letters,
digits, _ and '.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn

from selfplay_envs.proofs.formula import (
    FALSUM,
    VERUM,
    And,
    Atom,
    Falsum,
    Formula,
    Implies,
    Or,
    equivalence,
    negation,
)


class Token(NamedTuple):
    """A word or a sign."""

    text: str
    """As in this file's grammar, whatever it was spelled like: "→", "¬", "(", or a name."""
    where: str
    """For a message: "character 3"."""


class Grammar(NamedTuple):
    """How tightly signs bind."""

    binding: Mapping[str, int]
    """Of each sign with two sides; of two beside each other the higher one binds first, and two
    different ones of the same height need parentheses."""
    chains: str
    """Signs that may follow themselves, and associate to the right."""


_USUAL = Grammar({"∧": 4, "∨": 3, "→": 2, "↔": 1}, "∧∨→")

_MAKE = {"∧": And, "∨": Or, "→": Implies, "↔": equivalence}

_CONSTANTS = {"⊥": FALSUM, "⊤": VERUM}

_SPELLINGS = {
    "∧": ("∧", "/\\", "&&", "&"),
    "∨": ("∨", "\\/", "||", "|"),
    "→": ("→", "->", "=>"),
    "↔": ("↔", "<->", "<=>"),
    "¬": ("¬", "~", "!"),
    "⊥": ("⊥", "false"),
    "⊤": ("⊤", "true"),
    "(": ("(",),
    ")": (")",),
}
_SIGNS = {spelling: sign for sign, spellings in _SPELLINGS.items() for spelling in spellings}

_NAME = re.compile(r"[^\W\d][\w']*")
_LONGEST_FIRST = sorted((re.escape(s) for s in _SIGNS if not _NAME.match(s)), key=len, reverse=True)
_TOKEN = re.compile(rf"\s*(?:({_NAME.pattern})|({'|'.join(_LONGEST_FIRST)}))")


def is_name(text: str) -> bool:
    """Whether an atom may be called so."""
    return _NAME.fullmatch(text) is not None and text not in _SIGNS


def parse(text: str) -> Formula:
    """The formula that a text such as "(p → q) ∧ ~r" spells.

    Raises:
        ValueError: it spells none; says where, and what was expected.
    """
    return read_formula(_tokens(text), _USUAL)


def _tokens(text: str) -> Iterable[Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            position += len(text[position:]) - len(text[position:].lstrip())
            raise ValueError(
                f"at character {position + 1}: {text[position]!r} is not a sign of logic; formulas "
                "look like (p → q) ∧ ¬r ∨ ⊥, or (p -> q) & ~r | false"
            )
        word = found[1] or found[2]
        yield Token(_SIGNS.get(word, word), f"character {found.end() - len(word) + 1}")
        position = found.end()


def read_formula(tokens: Iterable[Token], grammar: Grammar) -> Formula:
    """The formula that all the tokens make, by operator precedence (E. W. Dijkstra 1961).

    Raises ValueError if they make none.
    """
    done: list[Formula] = []
    signs: list[Token] = []  # each waits for what stands to its right
    complete = False  # whether a formula ends here
    for token in tokens:
        text = token.text
        if not complete:
            if text in ("(", "¬"):
                signs.append(token)
            elif text in _CONSTANTS or is_name(text):
                done.append(_CONSTANTS.get(text) or Atom(text))
                complete = True
            else:
                _complain(token, "an atom, ¬, ⊥, ⊤ or (")
        elif text == ")":
            while signs and signs[-1].text != "(":
                _apply(signs.pop(), done)
            if not signs:
                _complain(token, "the end, for no ( is open")
            signs.pop()
        elif text in grammar.binding:
            while signs and _binds_before(signs[-1], token, grammar):
                _apply(signs.pop(), done)
            signs.append(token)
            complete = False
        else:
            _complain(token, "∧, ∨, →, ↔" + (" or )" if _is_open(signs) else " or the end"))
    if not complete:
        raise ValueError("at the end: an atom, ¬, ⊥, ⊤ or ( was expected")
    while signs:
        sign = signs.pop()
        if sign.text == "(":
            raise ValueError(f"at the end: ) was expected, for the ( at {sign.where} is still open")
        _apply(sign, done)
    return done.pop()


def _binds_before(before: Token, token: Token, grammar: Grammar) -> bool:
    """Whether the sign before takes what stands between it and this one."""
    if before.text in ("(", "¬"):
        return before.text == "¬"
    first, second = grammar.binding[before.text], grammar.binding[token.text]
    chained = before.text == token.text and token.text in grammar.chains
    if first == second and not chained:
        raise ValueError(
            f"at {token.where}: {before.text} and {token.text} beside each other need parentheses"
        )
    return first > second


def _apply(sign: Token, done: list[Formula]) -> None:
    """Puts a sign and its sides together, in place."""
    right = done.pop()
    done.append(negation(right) if sign.text == "¬" else _MAKE[sign.text](done.pop(), right))


def _is_open(signs: list[Token]) -> bool:
    return any(sign.text == "(" for sign in signs)


def _complain(token: Token, expected: str) -> NoReturn:
    raise ValueError(f"at {token.where}: {expected} was expected, but there is {token.text!r}")


def show(formula: Formula) -> str:
    """The formula in Unicode with few parentheses; `parse` gives it back."""
    text: list[str] = []
    waiting: list[tuple[Formula, int] | str] = [(formula, 0)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            text.append(item)
            continue
        here, needed = item
        if isinstance(here, Atom):
            text.append(here.name)
        elif isinstance(here, Falsum) or here == VERUM:
            text.append("⊥" if isinstance(here, Falsum) else "⊤")
        elif isinstance(here, Implies) and here.right == FALSUM:
            text.append("¬")
            waiting.append((here.left, 5))
        else:
            sign, left, right = _seen_as(here)
            height = _USUAL.binding[sign]
            looser = height + (sign not in _USUAL.chains)
            inner = [(left, height + 1), f" {sign} ", (right, looser)]
            if height < needed:
                inner = ["(", *inner, ")"]
            waiting.extend(reversed(inner))
    return "".join(text)


def _seen_as(formula: And | Or | Implies) -> tuple[str, Formula, Formula]:
    """Its sign and sides; (p → q) ∧ (q → p) is seen as p ↔ q."""
    left, right = formula.left, formula.right
    if isinstance(formula, And):
        if isinstance(left, Implies) and right == Implies(left.right, left.left):
            return "↔", left.left, left.right
        return "∧", left, right
    return ("∨" if isinstance(formula, Or) else "→"), left, right
