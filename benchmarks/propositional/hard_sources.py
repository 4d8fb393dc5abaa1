"""Where hard formulas to practise on come from: theorems by the way in which they are made.

Three things that a proof of a small random formula seldom meets: equivalences in equivalences, with
sides changed here and there; classical truths under a double negation, where ⊥ may be any formula
that implies all atoms; and theorems as premises of others. Libraries have families of the first two
kinds (chains of ↔, cycles of them): here the shape, the leaves and what is changed are drawn.
"""

import itertools
import random
from collections.abc import Sequence

from benchmarks.propositional.sources import (
    NEW,
    atoms_of,
    random_formula,
    replaced,
    rewrite_somewhere,
    substituted,
    under,
)
from selfplay_envs.proofs.formula import (
    FALSUM,
    And,
    Falsum,
    Formula,
    Implies,
    Or,
    atoms,
    equivalence,
    negation,
    parts,
    subformulas,
)

# Equivalences in equivalences ---------------------------------------------------------------------


def joined(rng: random.Random, leaves: Sequence[Formula], equivalences: float) -> Formula:
    """A random tree over the leaves, in their order; such a share of its nodes are ↔."""
    if len(leaves) == 1:
        return leaves[0]
    cut = rng.randint(1, len(leaves) - 1)
    left, right = (joined(rng, side, equivalences) for side in (leaves[:cut], leaves[cut:]))
    make = rng.choice([And, Or, Implies])
    return (equivalence if rng.random() < equivalences else make)(left, right)


def leaves_of(rng: random.Random, count: int) -> list[Formula]:
    """Atoms, most of them different, and small formulas over them."""
    names = atoms_of(max(2, rng.randint(count // 2, count)))
    simple = rng.random()
    return [
        random_formula(rng, names, 0 if rng.random() < simple else rng.randint(1, 2))
        for _ in range(count)
    ]


def turned(rng: random.Random, formula: Formula, share: float) -> Formula:
    """The formula with the sides of such a share of its ∧, ∨ and ↔ changed: an equivalent one."""
    match formula:
        case And(left=Implies(left=a, right=b), right=Implies(left=c, right=d)) if (a, b) == (d, c):
            sides = [turned(rng, side, share) for side in (a, b)]
            return equivalence(*(sides[::-1] if rng.random() < share else sides))
        case And(left=a, right=b) | Or(left=a, right=b):
            sides = [turned(rng, side, share) for side in (a, b)]
            return type(formula)(*(sides[::-1] if rng.random() < share else sides))
        case Implies(left=a, right=b):
            return Implies(turned(rng, a, share), turned(rng, b, share))
    return formula


def commuted(rng: random.Random, size: int) -> Formula:
    """A tree, most of it ↔, and the same with sides changed and laws applied, under → or ↔."""
    before = joined(rng, leaves_of(rng, rng.randint(3, 3 + size // 10)), rng.uniform(0.5, 1.0))
    after = turned(rng, before, rng.uniform(0.3, 1.0))
    for _ in range(rng.randint(0, 2)):
        after = rewrite_somewhere(rng, after)
    sides = (before, after) if rng.random() < 0.5 else (after, before)
    return rng.choice([Implies, equivalence])(*sides)


def exchanged(rng: random.Random, size: int) -> Formula:
    """From a ↔ b follows a formula with b in place of some a: replacing what is equivalent."""
    names = atoms_of(rng.randint(2, 3 + size // 16))
    old, new = rng.choice(names), random_formula(rng, names, rng.randint(0, 2))
    before = joined(rng, leaves_of(rng, rng.randint(2, 2 + size // 12)), rng.uniform(0.3, 1.0))
    after = turned(rng, replaced(before, old, new), 0.3)
    facts = [rng.choice([equivalence(old, new), equivalence(new, old)])]
    return under(rng, facts, rng.choice([Implies, equivalence])(before, after))


# Classical truths ---------------------------------------------------------------------------------


def is_classical(formula: Formula) -> bool:
    """Whether two-valued logic makes it true, by a table of all values, a bit each."""
    names = list(atoms(formula))
    rows = 1 << len(names)
    every = (1 << rows) - 1
    values: dict[Formula, int] = {}
    for i, name in enumerate(names):
        values[name] = sum(1 << row for row in range(rows) if row >> i & 1)
    for part in subformulas(formula):
        match part:
            case Falsum():
                values[part] = 0
            case And(left=a, right=b):
                values[part] = values[a] & values[b]
            case Or(left=a, right=b):
                values[part] = values[a] | values[b]
            case Implies(left=a, right=b):
                values[part] = values[a] ^ every | values[b]
    return values[formula] == every


def doubly_negated(rng: random.Random, formula: Formula) -> Formula:
    """((f → ⊥) → ⊥) of a classical truth f, where ⊥ may be all the atoms and something more.

    A theorem: ¬¬f is one (V. Glivenko 1929), and its proof goes through with any formula for ⊥ from
    which all atoms follow.
    """
    if rng.random() < 0.4:
        return negation(negation(formula))
    names = list(atoms(formula))
    rng.shuffle(names)
    more = [NEW] if rng.random() < 0.3 else []
    absurd = _all_of(rng, [*names, *more])
    formula = substituted(formula, {FALSUM: absurd})
    return Implies(Implies(formula, absurd), absurd)


def _all_of(rng: random.Random, formulas: Sequence[Formula]) -> Formula:
    """Their conjunction, bracketed by chance."""
    if len(formulas) == 1:
        return formulas[0]
    cut = rng.randint(1, len(formulas) - 1)
    return And(_all_of(rng, formulas[:cut]), _all_of(rng, formulas[cut:]))


def even(rng: random.Random, size: int) -> Formula:
    """Each leaf of a tree of ↔ twice, which is classically true, doubly negated."""
    leaves = list(dict.fromkeys(leaves_of(rng, rng.randint(2, 2 + size // 12))))
    twice = [*leaves, *leaves]
    rng.shuffle(twice)
    return doubly_negated(rng, joined(rng, twice, 1.0))


def classical(rng: random.Random, size: int) -> Formula:
    """Some random formula that is classically true, doubly negated."""
    while True:
        names = atoms_of(rng.randint(2, 4))
        leaves = [
            rng.choice([name, name, negation(name)])
            for name in rng.choices(names, k=rng.randint(4, 4 + size // 6))
        ]
        formula = joined(rng, leaves, rng.uniform(0.0, 0.6))
        if is_classical(formula):
            return doubly_negated(rng, formula)


def uncolourable(rng: random.Random, size: int) -> Formula:
    """No two neighbours are equivalent, though the neighbours form an odd cycle: absurd."""
    count = rng.choice([3, 3, 5, 5, 7][: 2 + size // 20])
    names = atoms_of(count + rng.randint(0, 2))
    cycle = rng.sample(names, count)
    pairs = list(itertools.pairwise([*cycle, cycle[0]]))
    pairs += [(a, b) for a, b in (rng.sample(names, 2) for _ in range(rng.randint(0, 2)))]
    more = [NEW] if rng.random() < 0.3 else []
    absurd = rng.choice([FALSUM, _all_of(rng, rng.sample([*names, *more], len(names) + len(more)))])
    rules = [Implies(equivalence(a, b), absurd) for a, b in dict.fromkeys(pairs)]
    return under(rng, rules, absurd)


# Theorems in theorems -----------------------------------------------------------------------------


def composed(rng: random.Random, theorems: Sequence[Formula]) -> Formula:
    """Something that follows once some theorems are proved, among hypotheses of no use."""
    chosen = rng.sample(theorems, rng.randint(1, 2))
    names = list(dict.fromkeys(itertools.chain(*map(atoms, chosen))))
    results = [random_formula(rng, [*names, NEW], rng.randint(0, 1)) for _ in chosen]
    rules: list[Formula] = [
        Implies(theorem, result) for theorem, result in zip(chosen, results, strict=True)
    ]
    if len(rules) == 2 and rng.random() < 0.5:
        rules = [Implies(chosen[0], Implies(chosen[1], results[0]))]
        results = results[:1]
    goal = rng.choice(results) if rng.random() < 0.6 else _all_of(rng, results)
    for _ in range(rng.randint(0, 2)):
        rules.append(
            Implies(random_formula(rng, names, rng.randint(0, 2)), rng.choice([goal, *names]))
        )
    return under(rng, list(dict.fromkeys(rules)), goal)


def weakened(rng: random.Random, theorem: Formula) -> Formula:
    """A theorem under hypotheses of no use, made of its parts."""
    there = [part for part in subformulas(theorem) if parts(part)]
    rules: list[Formula] = [
        Implies(*rng.sample(there, 2)) for _ in range(rng.randint(1, 3)) if len(there) > 1
    ]
    return under(rng, rules, theorem)
