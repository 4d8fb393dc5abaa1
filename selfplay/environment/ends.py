"""Problems with two ends, each worked on by moves of its own, until both are the same.

An equation is one: either side is rewritten, and it is proved when both read alike. A search of
such problems works from both ends and looks whether what it has reached from one was reached from
the other (I. Pohl 1971, "Bi-directional search"), which for ways of length d over b moves takes
some b^(d/2) states where one end alone takes b^d.
"""

import jax
from flax import struct


class Ends(struct.PyTreeNode):
    """What a state's two ends are, and what each move would make of its own, told by keys.

    Keys are 64 bits of hash, in two halves: equal for equal ends, and with all but certainty only
    for these. What both ends have in common, a move of one must not change, and all moves of
    either end must be legal whatever has become of the other.
    """

    keys: jax.Array
    """uint32 [2, 2]: of either end, both halves."""
    end: jax.Array
    """int8 [num_actions]: the end, 0 or 1, that each move works on."""
    after: jax.Array
    """uint32 [num_actions, 2]: the key of that end after the move."""
    is_known: jax.Array
    """bool [num_actions]: whether `after` tells it; not of moves that are a part of one only."""
