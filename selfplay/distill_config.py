"""Settings of a distillation, beside those of `config.py`. Imports no JAX.

A distillation has both: the `Config` says what the student is, how it learns, and how searches
are made; the settings here say what is labelled, by whom, and what of it is learnt from.
"""

import dataclasses
from typing import ClassVar, Literal

from selfplay.settings import UNBOUNDED, Checked

Remedy = Literal["none", "real", "noise", "openings", "halt"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistillConfig(Checked):
    """What is labelled, filtered and mixed, generation after generation."""

    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "generations": (1, 10_000),
        "episodes": (1, 2**31 - 1),
        "episodes_at_once": (1, 2**20),
        "updates": (1, 2**31 - 1),
        "temperature": (0, UNBOUNDED),
        "real_fraction": (0, 1),
        "real_episodes": (1, 2**31 - 1),
        "real_temperature": (0, UNBOUNDED),
        "verifier_error": (0, 1),
        "fresh_value_fraction": (0, 1),
        "keep_share": (1e-6, 1),
        "least_confidence": (0, 1),
        "look_episodes": (2, 2**20),
    }

    generations: int = 1
    """Students, one after another: each labels for the next."""
    episodes: int = 8_192
    """That are labelled for a generation; of operator reanalysis all that are stored."""
    episodes_at_once: int = 1_024
    """Labelled and written together, a shard; of operator reanalysis states that are searched
    together. Fewer take less memory."""
    updates: int = 2_000
    """Of each student, rounded up to whole iterations of learner.updates_per_iteration."""
    operator: Literal["search", "raw", "placebo", "reanalysis"] = "search"
    """How a teacher labels. search: by its searches; raw: with its own samples, unimproved, the
    control that collapses; placebo: as sharply as a search, and knowing nothing; reanalysis: by
    searches of stored states, anew in each generation."""
    states: str = ""
    """With operator reanalysis, the folder of the generation whose states are labelled: an older
    teacher's, or others'; by default the real data's."""
    fresh_value_fraction: float = 1.0
    """With operator reanalysis, share of the search's value in the value target; what is stored
    has the rest: 0 keeps stored outcomes."""
    temperature: float = 1.0
    """Of raw's samples; 0 takes the likeliest action."""
    student: Literal["scratch", "teacher"] = "scratch"
    """What a student begins as: an untrained network, or its teacher."""
    regime: Literal["replace", "accumulate"] = "replace"
    """Of the labels: a student learns from its teacher's alone, or from those of all before."""
    real: str = ""
    """Real data, generation 0: the folder of a generation, exact for what the environment's oracle
    knows, or nothing."""
    real_episodes: int = 2_048
    """With real exact, that are played by the oracle."""
    real_temperature: float = 0.0
    """With real exact, of a player who errs; at 0 it plays the best actions alone."""
    real_fraction: float | None = None
    """Share of real data in a batch; none is a quarter under replace, as AlphaFold 2 has it, and
    its share of all rows under accumulate. 0 drops the real data."""
    verified: bool = False
    """Keep only what the environment's verifier accepts."""
    verifier_error: float = 0.0
    """With verified, how often the verifier is made to say the opposite, to see what that does."""
    hindsight: bool = False
    """What was reached in vain is also kept, as the answer to the question that it does answer,
    where the environment knows one."""
    confidence: Literal["none", "search", "reference", "ensemble"] = "none"
    """How sure a label is. search: how little it changed of the network's policy; reference: how
    far that is from what the network says of any input, as in AlphaFold 2; ensemble: how well
    several networks agree."""
    ensemble: tuple[str, ...] = ()
    """With confidence ensemble, the runs that must agree with the teacher."""
    keep_share: float = 1.0
    """Keep so much of a generation, its surest episodes."""
    least_confidence: float = 0.0
    """Keep only episodes that are at least so sure."""
    remedy: Remedy = "none"
    """What is done about a guard's alarm, beside saying it, before the next generation. real: a
    quarter more of a batch; noise: a search with more of it, or raw samples of a higher
    temperature; openings: episodes begin in more ways; halt: the run stops. Three doses at most."""
    look_episodes: int = 512
    """Held-out problems on which each generation is judged, where there is one player."""

    def __post_init__(self) -> None:
        """Raises ValueError for settings that do not fit each other."""
        super().__post_init__()
        if self.episodes % self.episodes_at_once:
            raise ValueError(
                f"episodes must be a multiple of episodes_at_once ({self.episodes_at_once}), got "
                f"{self.episodes}"
            )
        if self.confidence == "none" and (self.keep_share < 1 or self.least_confidence > 0):
            raise ValueError(
                "keep_share and least_confidence go by a confidence: set confidence to search, "
                "reference or ensemble"
            )
        if (self.confidence == "ensemble") != bool(self.ensemble):
            raise ValueError(
                "confidence ensemble needs the runs that are to agree, and only it: "
                f"--confidence ensemble --ensemble RUN RUN; got confidence {self.confidence} and "
                f"{len(self.ensemble)} runs"
            )
        if self.confidence == "search" and self.operator not in ("search", "reanalysis"):
            raise ValueError(
                f"confidence search needs an operator that searches, got operator {self.operator}"
            )
        self._refuse_unfit_states()
        if self.verifier_error > 0 and not self.verified:
            raise ValueError("verifier_error needs verified: without it nobody asks the verifier")
        if not self.real and self.real_fraction:
            raise ValueError(
                f"real_fraction is {self.real_fraction:g}, but there is no real data: name some "
                "with --real, a generation's folder or exact"
            )

    def _refuse_unfit_states(self) -> None:
        """Raises ValueError for settings that do not fit re-analysis, or only fit it."""
        if self.operator != "reanalysis":
            if self.states:
                raise ValueError(
                    f"states are labelled by operator reanalysis, got operator {self.operator}"
                )
            return
        if not (self.states or self.real):
            raise ValueError(
                "reanalysis needs states to label: name a generation's folder with --states, or "
                "real data with --real"
            )
        if self.hindsight or self.verifier_error > 0:
            raise ValueError(
                "reanalysis plays no episodes: hindsight and verifier_error are of episodes; leave "
                "them out"
            )

    @property
    def share_of_real(self) -> float | None:
        """What `mixture.shares` takes as the real fraction."""
        if not self.real:
            return 0.0
        if self.real_fraction is None and self.regime == "replace":
            return REAL_FRACTION
        return self.real_fraction


REAL_FRACTION = 0.25
"""Jumper et al. 2021, supplementary 1.2.4: a quarter known structures, the rest predicted ones."""
