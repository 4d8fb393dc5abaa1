"""Scores a fold of the HP model in plain Python; shares no rule with `hp_lattice`."""

from collections.abc import Sequence
from typing import Any

from selfplay.environment import Verdict, Verifier
from selfplay_envs.science import hp_designed

_TURNS = (1j, 1, -1j)
"""Left, straight, right: what each does to a heading."""


def count_contacts(chain: str, turns: Sequence[int]) -> int:
    """Contacts of a whole fold: neighbouring pairs of H that are not bonded.

    Args:
        chain: letters H and P, at least 3.
        turns: 0 left, 1 straight, 2 right, for each residue from the third on.

    Raises:
        ValueError: the turns are of another number or kind, or lead back onto the chain.
    """
    if len(turns) != len(chain) - 2 or any(turn not in (0, 1, 2) for turn in turns):
        raise ValueError(f"{len(chain)} residues take {len(chain) - 2} turns of 0, 1 or 2")
    place, heading = complex(1), complex(1)
    residue_at = {complex(0): 0, place: 1}
    for residue, turn in enumerate(turns, start=2):
        heading *= _TURNS[turn]
        place += heading
        if place in residue_at:
            raise ValueError(f"residue {residue} is laid on residue {residue_at[place]}")
        residue_at[place] = residue
    contacts = 0
    for place, residue in residue_at.items():
        for step in (1, 1j):  # each pair once
            other = residue_at.get(place + step)
            if other is not None and abs(other - residue) > 1:
                contacts += chain[residue] == chain[other] == "H"
    return contacts


def parity_bound(chain: str) -> int:
    """Contacts that no fold exceeds, for an even residue meets only odd ones."""
    free = [0, 0]
    for residue, letter in enumerate(chain):
        if letter == "H":
            free[residue % 2] += 2 + (residue in (0, len(chain) - 1))
    return min(free)


class FoldVerifier(Verifier):
    """Says whether a fold has the most contacts its chain can have, as far as that is known.

    ACCEPTED: it has as many as the native fold of a designed chain, or as the parity bound allows.
    REJECTED: no fold of the whole chain, or a designed chain with fewer contacts.
    UNDECIDED: a fold, but nobody knows whether there is a better one.
    """

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether the turns `actions` fold the chain `problem` as well as can be."""
        chain = "".join("PH"[int(h)] for h in problem.hydrophobic[: int(problem.size)])
        try:
            contacts = count_contacts(chain, actions)
        except ValueError:
            return Verdict.REJECTED
        native = hp_designed.native_contacts(chain)
        if contacts == (parity_bound(chain) if native is None else native):
            return Verdict.ACCEPTED
        return Verdict.UNDECIDED if native is None else Verdict.REJECTED
