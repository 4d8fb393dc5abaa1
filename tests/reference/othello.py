"""Othello in plain Python, square by square, for boards of any even size."""

EMPTY, BLACK, WHITE = 0, 1, 2
DIRECTIONS = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]

Square = tuple[int, int]


class Othello:
    """A game in progress. `moves()` are squares, or [None] for a pass, or [] at the end."""

    def __init__(self, size: int):
        self.size = size
        self.board = {(r, c): EMPTY for r in range(size) for c in range(size)}
        low, high = size // 2 - 1, size // 2
        self.board |= {(low, high): BLACK, (high, low): BLACK}
        self.board |= {(low, low): WHITE, (high, high): WHITE}
        self.mover = BLACK

    def turned(self, player: int, square: Square) -> list[Square]:
        """The discs that turn over when `player` plays on `square`."""
        if self.board[square] != EMPTY:
            return []
        found = []
        for down, right in DIRECTIONS:
            run = []
            row, column = square[0] + down, square[1] + right
            while self.board.get((row, column), EMPTY) == 3 - player:
                run.append((row, column))
                row, column = row + down, column + right
            if self.board.get((row, column), EMPTY) == player:
                found += run
        return found

    def places(self, player: int) -> list[Square]:
        return [square for square in self.board if self.turned(player, square)]

    def moves(self) -> list[Square] | list[None]:
        if self.places(self.mover):
            return self.places(self.mover)
        return [None] if self.places(3 - self.mover) else []

    def play(self, square: Square | None) -> None:
        if square is not None:
            for other in [square, *self.turned(self.mover, square)]:
                self.board[other] = self.mover
        self.mover = 3 - self.mover

    def lead(self) -> int:
        """Black's discs less white's."""
        discs = list(self.board.values())
        return discs.count(BLACK) - discs.count(WHITE)

    def copy(self) -> "Othello":
        other = Othello(self.size)
        other.board, other.mover = dict(self.board), self.mover
        return other


def best_lead(game: Othello) -> int:
    """Black's lead at the end if both play perfectly; a 4x4 board takes seconds."""

    def search(game: Othello, low: int, high: int) -> int:
        """The mover's lead, by alpha-beta."""
        moves = game.moves()
        if not moves:
            return game.lead() if game.mover == BLACK else -game.lead()
        for move in moves:
            after = game.copy()
            after.play(move)
            low = max(low, -search(after, -high, -low))
            if low >= high:
                break
        return low

    most = game.size**2
    return search(game, -most, most) * (1 if game.mover == BLACK else -1)
