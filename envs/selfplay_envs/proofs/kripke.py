"""Kripke models: worlds in which a formula has no proof.

A model is a set of worlds with an order; atoms that hold in a world hold in all above it. A → B
holds in a world if B holds in every world from there on in which A does. What fails in some world
has no intuitionistic proof, and what has none fails in a finite tree (S. Kripke, "Semantical
analysis of intuitionistic logic I", 1965).
"""

import dataclasses

from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Or, parts, subformulas

MAX_HEIGHT = 100
"""Worlds in a row that the search looks at."""

MAX_SHRUNK = 128
"""Worlds of a model that is worth making smaller."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A tree of worlds; world 0 is the root, below all others."""

    above: tuple[tuple[int, ...], ...]
    """Of each world those directly above it, all of higher number."""
    atoms: tuple[frozenset[str], ...]
    """Of each world the names of the atoms that hold there."""


# The judge: plain definitions, nothing of the search --------------------------------------------


def refutes(model: Model, formula: Formula) -> bool:
    """Whether the formula fails in the model's root.

    Raises:
        ValueError: the model is none: a world lies above none of lower number, or an atom that
            holds in a world does not hold above it.
    """
    _check(model)
    worlds = range(len(model.above))
    holds: dict[Formula, set[int]] = {}
    for part in subformulas(formula):
        if isinstance(part, Atom):
            holds[part] = {world for world in worlds if part.name in model.atoms[world]}
        elif isinstance(part, Falsum):
            holds[part] = set()
        elif isinstance(part, And):
            holds[part] = holds[part.left] & holds[part.right]
        elif isinstance(part, Or):
            holds[part] = holds[part.left] | holds[part.right]
        else:
            holds[part] = set()
            for world in reversed(worlds):
                here = world not in holds[part.left] or world in holds[part.right]
                if here and holds[part].issuperset(model.above[world]):
                    holds[part].add(world)
    return 0 not in holds[formula]


def _check(model: Model) -> None:
    if not model.above or len(model.above) != len(model.atoms):
        raise ValueError("a model has at least one world, and atoms for each")
    reached = {0}
    for world, above in enumerate(model.above):
        reached.update(above)
        for other in above:
            if not world < other < len(model.above):
                raise ValueError(f"world {other} cannot lie above world {world}")
            if not model.atoms[world] <= model.atoms[other]:
                raise ValueError(f"what holds in world {world} must hold in {other}, above it")
    if len(reached) != len(model.above):
        raise ValueError("every world lies above the root")


def describe(model: Model) -> str:
    """The model for a person, a line for each world."""
    lines = []
    for world, (above, names) in enumerate(zip(model.above, model.atoms, strict=True)):
        what = ", ".join(sorted(names)) or "no atom"
        line = f"world {world}: {what} {'holds' if len(names) < 2 else 'hold'}"
        if above:
            line += "; directly above it: " + ", ".join(map(str, above))
        lines.append(line)
    return "\n".join(lines)


# The search -------------------------------------------------------------------------------------


class _OutOfStepsError(Exception):
    pass


@dataclasses.dataclass
class _World:
    true: int
    """Bitset of subformulas."""
    false: int
    """Likewise; the rest is whatever it is."""
    above: list["_World"]


def refute(formula: Formula, *, max_steps: int = 100_000) -> Model | None:
    """A model in whose root the formula fails, small but not always smallest.

    Args:
        formula: any.
        max_steps: of deduction that the search may take.

    Returns:
        None if there is no such model, or if it was not found in so many steps.
    """
    search = _Search(formula, max_steps)
    try:
        world = search.root()
    except _OutOfStepsError:
        return None
    if world is None:
        return None
    model = search.model(world)
    if not refutes(model, formula):
        raise RuntimeError("the search has found a model that is none; this is a fault in it")
    return _shrunk(model, formula)


def is_theorem(formula: Formula, *, max_steps: int = 100_000) -> bool | None:
    """Whether the search ends, in so many steps, without a model; None if it does not end."""
    try:
        return _Search(formula, max_steps).root() is None
    except _OutOfStepsError:
        return None


class _Search:
    """Decides in each world what is true and false, and then asks for the worlds above it.

    What a world says is closed under the rules that need no other world. A false A → B needs a
    world with A true and B false, here or above, where all stays true that is true here: each
    world above has more truths than the one below, so that the search ends.
    """

    def __init__(self, formula: Formula, max_steps: int):
        self.formulas = subformulas(formula)
        self.index = {part: i for i, part in enumerate(self.formulas)}
        self.sides = [tuple(self.index[p] for p in parts(part)) for part in self.formulas]
        self.made_of_it: list[list[int]] = [[i] for i in range(len(self.formulas))]
        for whole, sides in enumerate(self.sides):
            for side in sides:
                self.made_of_it[side].append(whole)
        kinds = (And, Or, Falsum, Atom)
        self.kind = [next((k for k in kinds if isinstance(f, k)), None) for f in self.formulas]
        self.falsum = sum(1 << i for i, kind in enumerate(self.kind) if kind is Falsum)
        self.failed: dict[int, list[int]] = {}
        """Of a false implication, truths above which no world makes it false."""
        self.steps_left = max_steps

    def root(self) -> _World | None:
        """A world in which the formula is false, with all above it; None if there is none."""
        return self.world(0, 1 << len(self.formulas) - 1, 0)

    def world(self, true: int, false: int, height: int) -> _World | None:
        """A world with these truths and falsehoods, with all that it needs above it."""
        if height > MAX_HEIGHT:
            raise _OutOfStepsError
        choices = [(true, false | self.falsum, _bits(false | self.falsum | true))]
        while choices:
            closed = self.close(*choices.pop())
            if closed is None:
                continue
            true, false = closed
            side = self.undecided(true, false)
            if side is not None:
                choices.append((true | 1 << side, false, [side]))
                choices.append((true, false | 1 << side, [side]))
                continue
            above = self.worlds_above(true, false, height)
            if above is not None:
                return _World(true, false, above)
        return None

    def close(self, true: int, false: int, news: list[int]) -> tuple[int, int] | None:
        """What follows within a world from some formulas' being decided; None if absurdity does."""
        news = list(news)
        while news:
            for whole in self.made_of_it[news.pop()]:
                self.steps_left -= 1
                if self.steps_left < 0:
                    raise _OutOfStepsError
                more_true, more_false = self.follows(whole, true, false)
                new = (more_true & ~true) | (more_false & ~false)
                true, false = true | more_true, false | more_false
                if true & false:
                    return None
                news += _bits(new)
        return true, false

    def follows(self, whole: int, true: int, false: int) -> tuple[int, int]:
        """What a formula and its sides say about each other: bitsets of truths and falsehoods."""
        if not self.sides[whole]:
            return 0, 0
        kind, here = self.kind[whole], 1 << whole
        left, right = (1 << side for side in self.sides[whole])
        if kind is None:  # an implication
            more_true = (right if true & here and true & left else 0) | (
                here if true & right else 0
            )
            more_false = right if false & here else 0
            more_false |= left if true & here and false & right else 0
            more_false |= here if true & left and false & right else 0
            return more_true, more_false
        if kind is Or:  # of the opposites it is what And is
            more_false, more_true = _of_both(here, left, right, false, true)
            return more_true, more_false
        return _of_both(here, left, right, true, false)

    def undecided(self, true: int, false: int) -> int | None:
        """A side that must be decided for its whole to be what it is said to be."""
        for whole, sides in enumerate(self.sides):
            if not sides:
                continue
            left, right = (1 << side for side in sides)
            is_true, is_false, kind = true >> whole & 1, false >> whole & 1, self.kind[whole]
            if (
                (kind is Or and is_true and not true & (left | right))
                or (kind is And and is_false and not false & (left | right))
                or (kind is None and is_true and not (false & left or true & right))
            ):
                return sides[0]
        return None

    def worlds_above(self, true: int, false: int, height: int) -> list[_World] | None:
        """Worlds that make every implication false that is false here; None if there are none."""
        above: list[_World] = []
        for whole in _bits(false):
            if self.kind[whole] is not None:
                continue
            left, right = (1 << side for side in self.sides[whole])
            if true & left or any(_has(world, left, right) for world in above):
                continue
            known = self.failed.setdefault(whole, [])
            if any(truths & ~true == 0 for truths in known):
                return None
            world = self.world(true | left, right, height + 1)
            if world is None:
                known.append(true)
                return None
            above.append(world)
        return above

    def model(self, root: _World) -> Model:
        """The tree of worlds, numbered with the lower ones first."""
        worlds = [root]
        for world in worlds:
            worlds += world.above
        number = {id(world): i for i, world in enumerate(worlds)}
        names = {i: f.name for i, f in enumerate(self.formulas) if isinstance(f, Atom)}
        return Model(
            tuple(tuple(number[id(other)] for other in world.above) for world in worlds),
            tuple(
                frozenset(name for i, name in names.items() if world.true >> i & 1)
                for world in worlds
            ),
        )


def _of_both(here: int, left: int, right: int, true: int, false: int) -> tuple[int, int]:
    """What a conjunction and its sides say about each other."""
    more_true = (left | right if true & here else 0) | (here if true & left and true & right else 0)
    more_false = here if false & (left | right) else 0
    if false & here:
        more_false |= (right if true & left else 0) | (left if true & right else 0)
    return more_true, more_false


def _has(world: _World, true: int, false: int) -> bool:
    """Whether a world, or one above it, has this truth and this falsehood."""
    waiting = [world]
    while waiting:
        here = waiting.pop()
        if here.true & true and here.false & false:
            return True
        waiting += here.above
    return False


def _bits(mask: int) -> list[int]:
    """The places of the ones, highest first."""
    places = []
    while mask:
        places.append(mask.bit_length() - 1)
        mask ^= 1 << places[-1]
    return places


def _shrunk(model: Model, formula: Formula) -> Model:
    """The model without worlds that it does not need."""
    if len(model.above) > MAX_SHRUNK:
        return model
    world = 1
    while world < len(model.above):
        smaller = _without(model, world)
        if refutes(smaller, formula):
            model = smaller
        else:
            world += 1
    return model


def _without(model: Model, gone: int) -> Model:
    """The worlds directly above the one that is gone lie directly above the one below it."""

    def renumbered(above: tuple[int, ...]) -> tuple[int, ...]:
        others = {o for w in above for o in (model.above[gone] if w == gone else (w,))}
        return tuple(sorted(other - (other > gone) for other in others))

    kept = [world for world in range(len(model.above)) if world != gone]
    return Model(
        tuple(renumbered(model.above[world]) for world in kept),
        tuple(model.atoms[world] for world in kept),
    )
