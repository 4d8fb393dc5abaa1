"""Settings of every part. Imports no JAX, so help and errors about settings come at once.

A config comes from an environment's preset (a TOML file beside it), a file of the user's, or
the command line; each field has a default. Unknown keys are errors.
"""

import dataclasses
from pathlib import Path
from typing import Any, ClassVar, Literal

from selfplay.settings import (
    UNBOUNDED,
    Checked,
    dumps,
    get,
    load_settings,
    paths_of,
    settings_from_dict,
    to_dict,
)

__all__ = ["dumps", "get", "to_dict"]

_RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),
    "minutes": (0.01, UNBOUNDED),
    "iterations": (1, 2**31 - 1),
    "num_devices": (1, UNBOUNDED),
    "network.width": (1, UNBOUNDED),
    "network.depth": (0, UNBOUNDED),
    "network.line_length": (2, UNBOUNDED),
    "network.num_heads": (1, UNBOUNDED),
    "search.num_simulations": (1, 65_534),
    "search.fast_simulations": (1, 65_534),
    "search.full_every": (2, UNBOUNDED),
    "search.max_depth": (1, UNBOUNDED),
    "search.lanes": (1, UNBOUNDED),
    "search.max_considered_actions": (1, UNBOUNDED),
    "search.gumbel_scale": (0, UNBOUNDED),
    "search.value_scale": (0, UNBOUNDED),
    "search.prior_temperature": (1e-3, UNBOUNDED),
    "search.exploration": (0, UNBOUNDED),
    "search.dirichlet_fraction": (0, 1),
    "search.dirichlet_concentration": (1e-3, UNBOUNDED),
    "rollout.num_games": (1, UNBOUNDED),
    "rollout.steps_per_iteration": (1, UNBOUNDED),
    "rollout.opening_fraction": (0, 1),
    "rollout.max_opening_plies": (0, UNBOUNDED),
    "rollout.temperature_plies": (0, UNBOUNDED),
    "rollout.temperature": (1e-3, UNBOUNDED),
    "rollout.search_value_fraction": (0, 1),
    "rollout.surprise_fraction": (0, 1),
    "rollout.entropy_weight": (0, UNBOUNDED),
    "rollout.resign_value": (1e-3, 1),
    "rollout.resign_plies": (1, UNBOUNDED),
    "rollout.whole_fraction": (0, 1),
    "practice.search_every": (1, UNBOUNDED),
    "practice.num_problems": (1, UNBOUNDED),
    "practice.num_shortened": (0, UNBOUNDED),
    "practice.num_rehearsed": (0, UNBOUNDED),
    "practice.budget": (1, UNBOUNDED),
    "practice.most_doublings": (0, 20),
    "practice.path_memory": (0, 1),
    "practice.value_weight": (0, UNBOUNDED),
    "practice.heuristic_weight": (0, UNBOUNDED),
    "replay.capacity": (1, UNBOUNDED),
    "replay.min_rows": (1, UNBOUNDED),
    "learner.batch_size": (1, UNBOUNDED),
    "learner.updates_per_iteration": (1, UNBOUNDED),
    "learner.learning_rate": (0, UNBOUNDED),
    "learner.warmup_updates": (0, UNBOUNDED),
    "learner.final_learning_rate_fraction": (0, 1),
    "learner.weight_decay": (0, UNBOUNDED),
    "learner.max_gradient_norm": (1e-6, UNBOUNDED),
    "learner.value_weight": (0, UNBOUNDED),
    "learner.reply_weight": (0, UNBOUNDED),
    "learner.average_decay": (0, 0.999999),
    "learner.mask_fraction": (0, 0.99),
    "learner.dropout": (0, 0.99),
    "evaluation.every_minutes": (0, UNBOUNDED),
    "evaluation.num_simulations": (1, 65_534),
    "evaluation.batch_size": (1, UNBOUNDED),
    "checkpoint.every_minutes": (0, UNBOUNDED),
    "checkpoint.keep": (2, UNBOUNDED),
    "checkpoint.milestones": (2, UNBOUNDED),
}
"""Least and greatest value of every number, by its dotted path."""


class Section(Checked):
    """A part of the settings of a run."""

    ranges: ClassVar[dict[str, tuple[float, float]]] = _RANGES


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig(Section):
    """The network that guesses policy and value."""

    section: ClassVar[str] = "network"
    kind: Literal["mlp", "lines", "resnet", "transformer", "graph"] = "mlp"
    """mlp: flat boards or tokens, fastest on CPUs; lines: an mlp that sees a board's lines too, for
    games of so many in a row; resnet: boards; transformer: tokens or boards; graph: tokens with
    links, at a third of a transformer's cost."""
    width: int = 256
    """Units per layer, channels, or the size of a token's vector."""
    depth: int = 2
    """Residual layers or blocks after the first layer."""
    line_length: int = 4
    """Squares in a line; of kind lines alone."""
    num_heads: int = 4
    """Attention heads; the transformer's alone."""
    reply_head: bool = False
    """KataGo's auxiliary head: the network also learns to foresee the policy of the opponent's
    next move, in games of two players. Only learning pays for it, not the search."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of the computation; parameters are always float32."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig(Section):
    """The tree search that improves the network's guess."""

    section: ClassVar[str] = "search"
    engine: Literal["selfplay", "mctx"] = "selfplay"
    """selfplay: this project's; mctx: the reference, slower, with the same answers but for ties."""
    policy: Literal["gumbel", "puct"] = "gumbel"
    """gumbel improves the policy with any number of simulations; puct is AlphaZero's."""
    num_simulations: int = 16
    """Nodes added to the tree for each move of self-play."""
    fast_simulations: int | None = None
    """KataGo's playout-cap randomisation: most moves of self-play have only so many, no
    exploration noise, and are not trained on. None searches, and trains on, every move in full."""
    full_every: int = 4
    """With `fast_simulations`, one move in so many, at random, has the full search. Rows come as
    much slower: lower `learner.updates_per_iteration`, or they are seen as much more often."""
    max_depth: int | None = None
    """Deepest node of the tree; none means no limit."""
    lanes: int | None = None
    """Games searched at once on each device; fewer take less memory. None means all."""
    max_considered_actions: int = 16
    """Gumbel: actions that enter sequential halving at the root."""
    gumbel_scale: float = 1.0
    """Gumbel: exploration noise at the root; 0 plays the best found."""
    value_scale: float = 0.1
    """Gumbel: how much an action's value weighs beside its prior, c_scale."""
    rescale_values: bool = True
    """Gumbel: stretch the values at a node to [0, 1], as MuZero must, which does not know their
    range. It makes much of small differences, where all moves lose too."""
    prior_temperature: float = 1.0
    """Of the network's policy in the search: above 1 it counts for less, and what is as good stays
    as likely, generation after generation; at 1 equally good actions become one in the end."""
    exploration: float = 1.25
    """PUCT: the constant `pb_c_init` that weighs the prior."""
    dirichlet_fraction: float = 0.25
    """PUCT: share of noise in the root's prior."""
    dirichlet_concentration: float = 10.0
    """PUCT: total concentration, divided equally among the legal actions."""

    @property
    def moves_per_full(self) -> int:
        """Moves of self-play of which one has the full search: 1 without `fast_simulations`."""
        return 1 if self.fast_simulations is None else self.full_every

    @property
    def mean_simulations(self) -> float:
        """Simulations for a move of self-play, on average."""
        fast = (self.moves_per_full - 1) * (self.fast_simulations or 0)
        return (self.num_simulations + fast) / self.moves_per_full


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutConfig(Section):
    """Self-play."""

    section: ClassVar[str] = "rollout"
    num_games: int = 256
    """Games played at once, over all devices."""
    steps_per_iteration: int = 16
    """Moves in each game per iteration."""
    opening_fraction: float = 0.75
    """Share of games that begin with random moves, never trained on."""
    max_opening_plies: int = 0
    """Such a game has 0 to this many of them, uniformly."""
    temperature_plies: int = 0
    """For this many plies the move is sampled from the improved policy."""
    temperature: float = 1.0
    """Of that sampling."""
    search_value_fraction: float = 0.0
    """Share of the search's value in the value target; the outcome has the rest."""
    surprise_fraction: float = 0.0
    """Share of a game's weight in the loss that its rows get in proportion to how much the search
    changed the network's policy; they share the rest equally. KataGo's is 0.5."""
    entropy_weight: float = 0.0
    """Maximum-entropy returns, for a lone player: each move also pays so much a nat that it was
    unlikely, -log of its share of the improved policy. A state from which much can be reached in
    many ways is then worth more than one from which it can be reached in one."""
    resign_value: float | None = None
    """A game of two players ends early, at the search's value, once that has been beyond this for
    the same side in `resign_plies` successive moves. None plays every game to its end."""
    resign_plies: int = 4
    """Of both sides: with 4, each has agreed twice."""
    whole_fraction: float = 0.1
    """With `resign_value`, share of games that are played to the end nevertheless; they tell how
    often an early end would have been wrong."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PracticeConfig(Section):
    """Whole searches beside the games, for a lone player's problems that have levels.

    Without `search_every` there are none, and nothing else may be set, but for how `selfplay solve`
    weighs: `path_memory`, `value_weight` and `heuristic_weight`.
    """

    section: ClassVar[str] = "practice"
    search_every: int | None = None
    """Every so many iterations problems are drawn as for games, and searched best-first by the
    network; what is solved is learnt from, step by step. None: games alone."""
    num_problems: int = 64
    """Searched side by side."""
    num_shortened: int = 0
    """Beside them so many that are solved, from states on the way, for shorter solutions."""
    num_rehearsed: int = 0
    """So many of the solutions that are known are learnt from again each time, each level's as
    often as another's. Without it a solution is forgotten as the buffer forgets its rows."""
    budget: int = 300
    """Evaluations of the network for each."""
    most_doublings: int = 0
    """Of that budget: with 3 half of the new problems have it, a quarter twice as much, an eighth
    four times, and another eighth eight times; 2.5 times on average."""
    path_memory: float = 1.0
    """The share of a way's policy that each further step leaves; with less than all, long solutions
    are found of which no step is unlikely, but the whole is."""
    value_weight: float = 0.0
    """How much the value of a state counts, beside the policy of the way there."""
    heuristic_weight: float = 0.0
    """How much the environment's heuristic counts, likewise, where it has one."""
    dives: bool = False
    """Every other state of a search is reached by following the policy, by chance, to an end."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayConfig(Section):
    """Where targets are kept."""

    section: ClassVar[str] = "replay"
    capacity: int = 100_000
    """Rows, over all devices."""
    min_rows: int = 4_096
    """Learning waits until there are so many."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LearnerConfig(Section):
    """How the network is distilled on the targets."""

    section: ClassVar[str] = "learner"
    batch_size: int = 1024
    """Rows per update, over all devices."""
    updates_per_iteration: int = 16
    """Each row is seen about this * batch_size / (num_games * steps_per_iteration) times."""
    learning_rate: float = 1e-3
    """The highest; Adam's."""
    warmup_updates: int = 200
    """The learning rate rises to its highest in so many updates."""
    final_learning_rate_fraction: float = 0.05
    """The learning rate falls along a cosine to this share at the run's end."""
    weight_decay: float = 1e-4
    """Of matrices alone, decoupled from the gradient."""
    max_gradient_norm: float = 1.0
    """Longer gradients are scaled down to it."""
    value_weight: float = 1.0
    """Of the value loss, beside the policy loss."""
    reply_weight: float = 0.15
    """Of the loss of `network.reply_head`, where there is one; KataGo's."""
    average_decay: float = 0.0
    """Per update, of a moving average of the parameters, which plays and is judged; 0: none."""
    symmetries: bool = True
    """Show each row through a random symmetry of the environment."""
    mask_fraction: float = 0.0
    """While learning, each square of what is observed, or each number where it is flat, is zeroed
    with this probability. Whoever acts, labels or is judged sees everything."""
    dropout: float = 0.0
    """While learning, each unit of what enters the network's trunk, and of what each layer or block
    adds to it, is dropped with this probability. Whoever acts, labels or is judged has them all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig(Section):
    """How the run is judged on the way and at its end."""

    section: ClassVar[str] = "evaluation"
    every_minutes: float = 1.0
    """Between two looks at exact truth, where the environment has it."""
    num_simulations: int = 64
    """Of the search that is judged, and that plays by default."""
    batch_size: int = 512
    """Positions judged at once; fewer take less memory."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckpointConfig(Section):
    """When the run is saved."""

    section: ClassVar[str] = "checkpoint"
    every_minutes: float = 1.0
    """What a crash can lose, and the iteration in progress."""
    keep: int = 3
    """Newest checkpoints to keep, at least 2."""
    milestones: int = 12
    """At most so many networks of the whole run, evenly spaced, are kept beside them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuardsConfig(Section):
    """What is done about an alarm, beside saying it and writing it down."""

    section: ClassVar[str] = "guards"
    remedy: Literal["none", "noise", "openings", "halt"] = "none"
    """Where play loses its variety, or the network makes errors that it did not make before.
    noise: more of it in the search; openings: games begin in more ways; halt: the run is saved and
    stopped. A dose at a time, three at most; each compiles anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggingConfig:
    """Who is told; `metrics.jsonl` is always written."""

    tensorboard: bool = True
    """Event files in the run's folder."""
    wandb: bool = False
    """Needs the extra `selfplay[wandb]`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Section):
    """A whole run."""

    env: str
    """A name from `selfplay envs`, `pgx:GAME`, or `module:Class`."""
    env_args: dict[str, bool | int | float | str] = dataclasses.field(default_factory=dict)
    """The environment's own arguments, such as a board's size."""
    seed: int = 0
    """Of everything random: two runs of equal settings, seed and number of devices are equal."""
    minutes: float = 10.0
    """Length of the run from the command on; becomes `iterations` once the speed is known."""
    iterations: int | None = None
    """Length of the run; wins over `minutes`."""
    num_devices: int | None = None
    """Devices to use, on a CPU its cores; none means all that can share the games equally."""
    network: NetworkConfig = NetworkConfig()
    search: SearchConfig = SearchConfig()
    rollout: RolloutConfig = RolloutConfig()
    practice: PracticeConfig = PracticeConfig()
    replay: ReplayConfig = ReplayConfig()
    learner: LearnerConfig = LearnerConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    guards: GuardsConfig = GuardsConfig()
    logging: LoggingConfig = LoggingConfig()


MAY_CHANGE_ON_RESUME = ("evaluation", "checkpoint", "guards", "logging")
"""Sections that may change on resume, beside the length of the run; all else is another run."""


def from_dict(values: dict[str, Any]) -> Config:
    """A config from nested dictionaries. Raises ValueError naming the field that does not fit."""
    return settings_from_dict(Config, values)


def load(path: Path, **overrides: Any) -> Config:
    """A config from a TOML file; `overrides`, nested like the file, go on top of it."""
    return load_settings(Config, path, **overrides)


def difference(old: Config, new: Config) -> list[str]:
    """Dotted paths of the settings in which two configs differ."""
    return [path for path in paths() if get(old, path) != get(new, path)]


def paths() -> list[str]:
    """Dotted paths of all settings."""
    return paths_of(Config)
