"""Go in plain Python, slowly: chains by walking, past positions kept whole."""

Point = tuple[int, int]


class Go:
    """Rules as in `selfplay_envs.games.go`; players 0 (black) and 1, points (row, column)."""

    def __init__(self, size: int, komi: float):
        self.size, self.komi = size, komi
        self.stones: dict[Point, int] = {}
        self.player = 0
        self.passes = 0
        self.count = 0
        self.past = {frozenset()}

    def beside(self, point: Point) -> list[Point]:
        row, column = point
        near = (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)
        return [(r, c) for r, c in near if 0 <= r < self.size and 0 <= c < self.size]

    def region(self, stones: dict[Point, int], point: Point) -> tuple[set[Point], set[Point]]:
        """All points connected to `point` that hold the same as it, and those beside them."""
        inside, edge, todo = {point}, set(), [point]
        while todo:
            for near in self.beside(todo.pop()):
                if stones.get(near) != stones.get(point):
                    edge.add(near)
                elif near not in inside:
                    inside.add(near)
                    todo.append(near)
        return inside, edge

    def is_captured(self, stones: dict[Point, int], point: Point) -> bool:
        return all(near in stones for near in self.region(stones, point)[1])

    def after(self, point: Point) -> dict[Point, int] | None:
        """The stones after a move on an empty point, or None for a suicide."""
        stones = {**self.stones, point: self.player}
        dead = set()
        for near in self.beside(point):
            if stones.get(near) == 1 - self.player and self.is_captured(stones, near):
                dead |= self.region(stones, near)[0]
        stones = {p: owner for p, owner in stones.items() if p not in dead}
        return None if self.is_captured(stones, point) else stones

    def legal(self) -> list[int]:
        actions = []
        for action in range(self.size**2):
            point = divmod(action, self.size)
            if point not in self.stones:
                stones = self.after(point)
                if stones is not None and frozenset(stones.items()) not in self.past:
                    actions.append(action)
        return [*actions, self.size**2]

    def play(self, action: int) -> None:
        if action == self.size**2:
            self.passes += 1
        else:
            stones = self.after(divmod(action, self.size))
            assert stones is not None
            self.stones, self.passes = stones, 0
        self.past.add(frozenset(self.stones.items()))
        self.player, self.count = 1 - self.player, self.count + 1

    def ended(self) -> bool:
        return self.passes == 2 or self.count == 2 * self.size**2

    def margin(self) -> float:
        """By how many points black would win."""
        area = [-0.0, self.komi]
        for row in range(self.size):
            for column in range(self.size):
                owner = self.stones.get((row, column))
                edge = self.region(self.stones, (row, column))[1]
                colours = {self.stones[p] for p in edge} if owner is None else {owner}
                if len(colours) == 1:
                    area[colours.pop()] += 1
        return area[0] - area[1]
