"""Problems with two ends, each worked on by moves of its own, until both meet.

An equation is one: either side is rewritten, and it is proved when both read alike, or when what
is still open in them can be filled in so that they do. A search of such problems works from both
ends and looks whether what it has reached from one meets what was reached from the other (I. Pohl
1971, "Bi-directional search"), which for ways of length d over b moves takes some b^(d/2) states
where one end alone takes b^d.
"""

import abc

import jax
from flax import struct


class Ends(struct.PyTreeNode):
    """What a state's two ends are, and what each move would make of its own.

    W numbers tell all of an end that its moves and its meeting depend on: equal ones are the same
    end. What both ends have in common, a move of one must not change, and all moves of either end
    must be legal whatever has become of the other.
    """

    now: jax.Array
    """int8 [2, W]: either end."""
    end: jax.Array
    """int8 [num_actions]: the end, 0 or 1, that each move works on."""
    after: jax.Array
    """int8 [num_actions, W]: that end after the move; of no meaning where it is not legal."""


class Encounter(abc.ABC):
    """Says which ends meet, of any problem of an environment; on the host, in plain Python.

    An end comes as the W bytes of its row of `Ends`. A search asks for the features of each end
    that is new, and only of those which these let meet, whether they do.
    """

    @abc.abstractmethod
    def features(self, end: bytes) -> tuple[int, ...]:
        """Sets, each as the bits of an int >= 0, as many for every end: two ends can only meet
        where their first sets have a member in common, their second ones too, and so on. The same
        whichever end it is. Few different sets, each of few members, make a quick search.
        """

    @abc.abstractmethod
    def meets(self, left: bytes, right: bytes) -> bool:
        """Whether a state with these ends, 0 and 1, is solved."""
