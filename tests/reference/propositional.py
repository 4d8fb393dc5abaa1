"""Intuitionistic sequents in plain Python, slowly: sets of formulas, rules one at a time."""

from selfplay_envs.proofs.formula import FALSUM, And, Formula, Implies, Or, subformulas

Goal = tuple[frozenset[Formula], Formula]
"""Hypotheses, and what is to be proved."""

LOOKAHEAD = 2


class Attempt:
    """Rules as in `selfplay_envs.proofs.propositional`, whose steps do not end here until there is
    something to choose."""

    def __init__(self, formula: Formula, max_goals: int = 16):
        self.rows = subformulas(formula)
        self.goals: list[Goal] = [(frozenset(), formula)]
        self.seen: frozenset[Formula] = frozenset()
        self.max_goals = max_goals
        self.failed = False
        self.settle()

    def key(self):
        return tuple(self.goals), self.seen, self.failed

    def copy(self) -> "Attempt":
        other = object.__new__(Attempt)
        other.__dict__ = dict(self.__dict__, goals=list(self.goals))
        return other

    @property
    def proved(self) -> bool:
        return not self.goals and not self.failed

    def settle(self) -> None:
        while self.goals and not self.failed and self.rule():
            pass
        if self.goals and not self.choices():
            self.failed = True

    def replace(self, *goals: Goal) -> None:
        """In place of the first goal; forgets what was to be proved if hypotheses grew."""
        if goals and goals[0][0] != self.goals[0][0]:
            self.seen = frozenset()
        self.goals[:1] = goals
        if len(self.goals) > self.max_goals:
            self.failed = True

    def turn_to(self, goal: Formula) -> None:
        """Another formula is to be proved from the same hypotheses."""
        held, before = self.goals[0]
        self.failed = self.failed or goal in self.seen
        self.seen |= {before}
        self.goals[0] = held, goal

    def rule(self) -> bool:
        """Does one thing that needs no choice; False if there is nothing to do."""
        held, goal = self.goals[0]
        if goal in held or FALSUM in held:
            self.goals.pop(0)
            self.seen = frozenset()
            return True
        more = held | {formula for row in self.rows for formula in at_hand(row, held)}
        asked = goal
        if isinstance(goal, Implies):
            more, asked = more | {goal.left}, goal.right
        if more != held:
            self.replace((more, asked))
            return True
        if asked != goal:
            self.turn_to(asked)
            return True
        if isinstance(goal, And):
            order = [goal.left, goal.right]
            if isinstance(goal.left, And) and not isinstance(goal.right, And):
                order.reverse()
            lacking = [part for part in dict.fromkeys(order) if part not in held]
            self.turn_to(lacking[0])
            if len(lacking) == 2:
                self.goals.insert(1, (held | {lacking[0]}, goal))
                self.failed = self.failed or len(self.goals) > self.max_goals
            return True
        for row in self.rows:
            if isinstance(row, Or) and row in held and not {row.left, row.right} & held:
                self.replace((held | {row.left}, goal), (held | {row.right}, goal))
                return True
        return False

    def leads_back(self, formula: Formula, steps: int) -> bool:
        held, goal = self.goals[0]
        if formula == goal or formula in self.seen:
            return True
        through = isinstance(formula, Implies) and formula.left in held and steps > 0
        return through and self.leads_back(formula.right, steps - 1)

    def choices(self) -> list[int]:
        held, goal = self.goals[0]
        found = []
        for number, row in enumerate(self.rows):
            used = isinstance(row, Implies) and row in held and row.right not in held
            part = row in disjuncts(goal) and row != goal
            asked = row.left if used else row
            if (used or part) and not self.leads_back(asked, LOOKAHEAD):
                found.append(number)
        return found

    def act(self, action: int) -> None:
        held, goal = self.goals[0]
        row = self.rows[action]
        if row not in held:
            self.turn_to(row)
        else:
            self.turn_to(row.left)
            if row.right != goal:
                self.goals.insert(1, (held | {row.left, row.right}, goal))
                self.failed = self.failed or len(self.goals) > self.max_goals
        self.settle()


def disjuncts(formula: Formula) -> set[Formula]:
    if isinstance(formula, Or):
        return disjuncts(formula.left) | disjuncts(formula.right)
    return {formula}


def at_hand(row: Formula, held: frozenset[Formula]) -> set[Formula]:
    """What a row gives by itself."""
    found = set()
    if isinstance(row, And):
        found |= {row.left, row.right} if row in held else set()
        found |= {row} if {row.left, row.right} <= held else set()
    if isinstance(row, Or) and {row.left, row.right} & held:
        found.add(row)
    if isinstance(row, Implies):
        found |= {row.right} if {row, row.left} <= held else set()
        found |= {row} if row.right in held else set()
    return found


def can_be_proved(attempt: Attempt, known: dict) -> bool:
    """Whether some line of play ends with a proof."""
    if attempt.proved or attempt.failed:
        return attempt.proved
    key = attempt.key()
    if key not in known:
        known[key] = any(
            can_be_proved(after(attempt, action), known) for action in attempt.choices()
        )
    return known[key]


def after(attempt: Attempt, action: int) -> Attempt:
    other = attempt.copy()
    other.act(action)
    return other
