"""Tables of formulas to practise on, as `formula_problems` reads them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from benchmarks.propositional import sources
from selfplay.files import write_text
from selfplay_envs.proofs.formula import Atom, Formula, subformulas
from selfplay_envs.proofs.formula_problems import FormulaProblem, is_held_out
from selfplay_envs.proofs.syntax import show

_COLUMNS = ("level", "held_out", "is_theorem", "expansions", "formula")


def row(formula: Formula, level: int, is_theorem: bool, expansions: int) -> FormulaProblem:
    """A formula of a table, its text as short as can be."""
    text = ascii_text(renamed(formula))
    return FormulaProblem(text, level, is_held_out(formula), is_theorem, expansions)


def write(path: Path, rows: Sequence[FormulaProblem]) -> None:
    """Writes a table."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for text, level, held_out, is_theorem, expansions in rows:
        writer.writerow([level, int(held_out), int(is_theorem), expansions, text])
    write_text(path, table.getvalue())


def ascii_text(formula: Formula) -> str:
    """As short as can be, a byte a sign."""
    text = show(formula).replace(" ", "")
    for sign, instead in {
        "∧": "&", "∨": "|", "→": "=>", "↔": "<=>", "¬": "~", "⊤": "true", "⊥": "false"
    }.items():  # fmt: skip
        text = text.replace(sign, instead)
    return text


def renamed(formula: Formula) -> Formula:
    """The same with one-letter atoms where they suffice."""
    names = [part for part in subformulas(formula) if isinstance(part, Atom)]
    letters = "abcdefghijklmnopqrstuvwxyz"
    short = {atom: Atom(letters[i % 26] + str(i // 26 or "")) for i, atom in enumerate(names)}
    return sources.substituted(formula, {**short})
