"""The part of Lean's language that statements and proofs are written in here.

A proof is text from elsewhere, and Lean's language can redefine itself: a proof that closed its
theorem could declare an axiom, or change how the next statement is read. So only terms made of
the tokens below are shown to Lean; none of them begins a command, a comment or a tactic.
"""

import re

CONSTANTS = frozenset(
    {"True", "True.intro", "False", "False.elim", "Not", "absurd"}
    | {"And", "And.intro", "And.left", "And.right", "Or", "Or.inl", "Or.inr", "Or.elim"}
    | {"Iff", "Iff.intro", "Iff.mp", "Iff.mpr", "Classical.em"}
    | {"Eq", "Eq.refl", "Eq.symm", "Eq.trans", "congrArg"}
    | {"Eq.rec", "Bool", "Bool.false", "Bool.true", "Bool.rec"}
    | {"Option", "Option.none", "Option.some", "Option.rec"}
)
"""What terms may speak of: names of `prelude.lean` that Lean's own library has as well."""

_KEYWORDS = frozenset({"Prop", "Type", "fun", "let", "have", "show", "from", "_"})

_TOKEN = re.compile(
    r"""
      (?P<space> [ \n]+ )
    | (?P<symbol> := | => | [()⟨⟩,:;@→∀] )
    | «(?P<quoted> [^«»\n]+ )»
    | (?P<word> [A-Za-z0-9_'.]+ )
    """,
    re.VERBOSE,
)

_FIELD = r"(\.(1|2|left|right|mp|mpr|intro|inl|inr|elim))"

# No keyword of Lean is one letter long or ends in a digit, so that the list of them, which grows,
# is not needed. Fields may follow: `h0.left`, `.inl h1`.
_NAME = re.compile(rf"([A-Za-z]|[A-Za-z]+[0-9]+)'*{_FIELD}*|{_FIELD}+")

_TAKEN = re.compile(r"(?:claim_\d+|statement_\d+|" + "|".join(CONSTANTS) + r")'*")
"""Names that would hide a constant, or speak of another claim. With primes, for `quoted`."""


def fault(text: str) -> str:
    """What keeps `text` from being shown to Lean, for a person; empty if nothing does."""
    position, closing = 0, []
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return f"{text[position]!r} may not be used in a term"
        position = token.end()
        if token["quoted"] is not None and not _is_name(token["quoted"]):
            return f"{token[0]} may not be used as a name"
        word = token["word"]
        if word and not (word in CONSTANTS or word in _KEYWORDS or _NAME.fullmatch(word)):
            return (
                f"{word!r} is no constant that a term may use, nor a letter or a name that ends "
                f"in digits; any other name is written «{word}»"
            )
        if token[0] in ("(", "⟨"):
            closing.append(")" if token[0] == "(" else "⟩")
        elif token[0] in (")", "⟩") and (not closing or closing.pop() != token[0]):
            return f"{token[0]!r} closes nothing that is open"
    if closing:
        return f"{closing[-1]!r} is missing at the end"
    return "" if text.strip() else "it is empty"


def _is_name(text: str) -> bool:
    """Whether «text» is a name, and hides nothing.

    Lean takes some names that begin with an underscore for its own.
    """
    hides = text in CONSTANTS or re.fullmatch(r"(claim|statement)_\d+", text)
    return text.isprintable() and not text.startswith("_") and not hides


def quoted(name: str) -> str:
    """A name that Lean reads, «name», for any text; different texts give different names.

    What cannot stand between « and » is written as its number: `%bb;` for ». A name that would
    hide a constant gets a prime.
    """
    safe = "".join(
        c if c.isprintable() and c not in "«»%" and (c != "_" or i) else f"%{ord(c):x};"
        for i, c in enumerate(name)
    )
    prime = "'" if _TAKEN.fullmatch(safe) else ""
    return f"«{safe or '%'}{prime}»"
