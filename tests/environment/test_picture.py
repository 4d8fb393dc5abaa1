"""Pictures of boards: what cannot be drawn is refused."""

import numpy as np
import pytest

from selfplay.environment import BoardPicture, Target

EMPTY = np.full((2, 3), -1, np.int8)


def test_a_picture_may_have_moves_passes_and_no_winner():
    picture = BoardPicture(EMPTY, (Target(5, source=0), Target(None)))
    assert (picture.winning, picture.look, picture.stones) == ((), "grid", "discs")


@pytest.mark.parametrize(
    ("owners", "targets", "winning", "message"),
    [
        (EMPTY[0], (), (), "owners must be"),
        (EMPTY + 3, (), (), "got \\[2, 3\\] of \\[2\\]"),
        (EMPTY, (Target(6),), (), "squares of this board are 0 to 5, got 6"),
        (EMPTY, (Target(0, source=-1),), (), "got -1"),
        (EMPTY, (), (7,), "got 7"),
    ],
)
def test_what_is_not_on_the_board_is_refused(owners, targets, winning, message):
    with pytest.raises(ValueError, match=message):
        BoardPicture(owners, targets, winning)
