"""Flags of the commands, beside the settings of `config.py`. Imports no JAX."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from selfplay.config import (
    CheckpointConfig,
    Config,
    EvaluationConfig,
    GuardsConfig,
    LearnerConfig,
    LoggingConfig,
    NetworkConfig,
    RolloutConfig,
    SearchConfig,
)
from selfplay.distill_config import DistillConfig, Remedy


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewFlags:
    """Flags of `selfplay new`."""

    output: Path | None = None
    """The new folder (default: one with the game's name)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckFlags:
    """Flags of `selfplay check`."""

    env_args: dict[str, bool | int | float | str] = dataclasses.field(default_factory=dict)
    """The environment's own arguments, such as a board's size."""
    games: int = 256
    """Random games in which the laws are looked for; fewer where they would fill the memory."""
    seed: int = 0
    """Of those games."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShowFlags:
    """Flags of `selfplay show`."""

    env_args: dict[str, bool | int | float | str] = dataclasses.field(default_factory=dict)
    """The environment's own arguments, such as a board's size."""
    seed: int = 0
    """Of the random game, and of its problem where there is one."""
    moves: str = ""
    """Moves with which the game begins, such as "4 4 3"."""
    every: bool = False
    """Every position, not just the start, some on the way and the end."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainFlags:
    """Flags of `selfplay train`."""

    run: Path | None = None
    """Folder of the new run (default: runs/ENV-DATE-TIME)."""
    config: Path | None = None
    """A TOML file of settings, in place of the environment's preset."""
    start: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """A run whose network to start warm from, or an environment whose trained agent to."""
    settings: Annotated[Config, tyro.conf.arg(name="")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistillFlags:
    """Flags of `selfplay distill`."""

    run: Path | None = None
    """Folder of the new run (default: runs/ENV-DATE-TIME)."""
    seed: int = 0
    """Of everything random."""
    num_devices: int | None = None
    """Devices to use (default: all that can share the work equally)."""
    settings: Annotated[DistillConfig, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=DistillConfig
    )
    network: NetworkConfig = dataclasses.field(default_factory=NetworkConfig)
    search: SearchConfig = dataclasses.field(default_factory=SearchConfig)
    rollout: RolloutConfig = dataclasses.field(default_factory=RolloutConfig)
    learner: LearnerConfig = dataclasses.field(default_factory=LearnerConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    checkpoint: CheckpointConfig = dataclasses.field(default_factory=CheckpointConfig)
    logging: LoggingConfig = dataclasses.field(default_factory=LoggingConfig)

    def changed(self, config: Config) -> Config:
        """The settings of a run with these flags in them."""
        names = {field.name for field in dataclasses.fields(Config)}
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name in names}
        return dataclasses.replace(config, **own)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResumeFlags:
    """Flags of `selfplay resume`: what may change."""

    minutes: float | None = None
    """So many more (default: on to the planned end)."""
    iterations: int | None = None
    """The new planned end; wins over minutes."""
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    checkpoint: CheckpointConfig = dataclasses.field(default_factory=CheckpointConfig)
    guards: GuardsConfig = dataclasses.field(default_factory=GuardsConfig)
    logging: LoggingConfig = dataclasses.field(default_factory=LoggingConfig)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResumeDistillFlags:
    """Flags of `selfplay resume` for a distillation: what may change."""

    remedy: Remedy = "none"
    """What is done about a guard's alarm from now on (default: as before)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateFlags:
    """Flags of `selfplay evaluate`."""

    simulations: tuple[int, ...] = (0, 16, 64, 256)
    """Searches to judge against exact truth; 0 is the network alone."""
    games: int = 400
    """Games against each opponent, half with each colour; 0 for none."""
    player_simulations: int | None = None
    """Simulations of the agent in those games (default: the run's evaluation setting)."""
    mcts_simulations: int = 100
    """Of the opponent that searches with random rollouts instead of a network."""
    minimax_depth: int = 2
    """Of the opponent that looks so many plies ahead, if so many actions allow it; 0 for none."""
    opponents: tuple[str, ...] = ()
    """More of them: mcts:1000, minimax:3, open_spiel:mcts:100, open_spiel:alpha_beta:4, ..."""
    opening_plies: int = 6
    """Games begin with 0 to this many random plies, the same for both colours."""
    seed: int = 0
    """Of openings and opponents."""
    iteration: int | None = None
    """Which checkpoint (default: the newest)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArenaFlags:
    """Flags of `selfplay arena`."""

    simulations: int = 16
    """Of each run's search, a move; 0 is the network alone."""
    games: int = 2000
    """At most so many in all, shared out so that the ratings are known best."""
    precision: float | None = None
    """Stop once all 95 % intervals are at most so many Elo to either side."""
    opening_plies: int = 6
    """Games begin with 0 to this many random plies, the same for both colours."""
    seed: int = 0
    """Of openings and opponents."""
    anchor: str = "mean"
    """Whose rating is 0: a player, by its name in the table, or the mean of all."""
    output: Path | None = None
    """The picture's file (default: arena.png, in RUN if it is one, and no exported one)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DepthFlags:
    """Flags of `selfplay depth`."""

    simulations: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    """Of each search; 0 is the evaluator alone."""
    policies: tuple[Literal["gumbel", "puct"], ...] = ()
    """Ways to search (default: the run's)."""
    max_depths: tuple[int, ...] = ()
    """Limits of the trees' depth; 0 is none (default: none)."""
    evaluators: tuple[Literal["network", "untrained", "constant"], ...] = ("network",)
    """What guides the search: the run's network, one as it was before training, or nothing."""
    value_noise: tuple[float, ...] = (0.0,)
    """Standard deviations of Gaussian noise on the values, each its own curve."""
    iterations: tuple[int, ...] = ()
    """Checkpoints or milestones (default: the newest checkpoint)."""
    rivals: tuple[str, ...] = ("random", "mcts:100")
    """Fixed opponents in the tournament: random, mcts:SIMULATIONS, minimax:DEPTH."""
    games: int = 20_000
    """At most so many in the tournament, over all calls; 0 for none."""
    precision: float = 40.0
    """The tournament ends once each Elo rating is known to so much to either side."""
    opening_plies: int = 6
    """Games begin with 0 to this many random plies, the same for both colours."""
    episodes: int = 400
    """Held-out problems, where there is one player."""
    batch_size: int | None = None
    """Positions searched together (default: the run's for evaluation)."""
    seed: int = 0
    """Of openings, opponents and problems."""
    output: Path | None = None
    """Folder of depth.json, .csv, .png and .svg (default: the run's)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrontierFlags:
    """Flags of `selfplay frontier`."""

    simulations: tuple[int, ...] = (0, 2, 4, 8, 16, 32, 64, 128, 256)
    """Of the searches; 0 is the network alone, as which 1 plays."""
    policy: Literal["gumbel", "puct"] | None = None
    """How to search (default: the run's)."""
    measure: Literal["kept", "solved", "elo"] | None = None
    """kept: moves that keep the value, solved: problems, elo (default: the first to be had)."""
    games: int = 20_000
    """At most so many, for elo."""
    precision: float = 75.0
    """For elo: games end once each rating is known to so much to either side."""
    opening_plies: int = 6
    """Games begin with 0 to this many random plies, the same for both colours."""
    episodes: int = 400
    """Held-out problems, where there is one player."""
    batch_size: int | None = None
    """Positions searched together (default: the run's for evaluation)."""
    seed: int = 0
    """Of openings and problems."""
    output: Path | None = None
    """Folder of frontier.json, .csv, .png and .svg (default: the run's)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlayFlags:
    """Flags of `selfplay play`."""

    web: bool = False
    """In the browser rather than in the terminal."""
    side: Literal["first", "second", "both", "none"] = "first"
    """Which side you take; both (to analyse) and none (to watch) need --web."""
    simulations: int | None = None
    """The agent's simulations a move (default: the run's evaluation setting)."""
    iteration: int | None = None
    """Which checkpoint (default: the newest)."""
    versus: str | None = None
    """With --web: a second run, as RUN or RUN@ITERATION, whose agent plays against the first's."""
    port: int = 8421
    """With --web: on which port of this machine; 0 takes a free one."""
    open: bool = False
    """With --web: open the page in the default browser."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportFlags:
    """Flags of `selfplay export`."""

    output: Path | None = None
    """The new folder."""
    iteration: int | None = None
    """Which checkpoint (default: the newest)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExploreFlags:
    """Flags of `selfplay explore`."""

    versus: str | None = None
    """Another run (or the same), as RUN or RUN@ITERATION, to compare with on each position."""
    moves: str = ""
    """Where to begin: moves from the start, such as "4 4 3"."""
    simulations: int | None = None
    """Simulations of a search (default: the run's evaluation setting)."""
    iteration: int | None = None
    """Which checkpoint (default: the newest)."""
    problem: str | None = None
    """What the episode is about, where the environment has problems (default: a random one)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RefereeFlags:
    """Flags of `selfplay referee`."""

    games: int = 1000
    """Random games to watch."""
    seed: int = 0
    """Of their moves."""
    env_args: dict[str, bool | int | float | str] = dataclasses.field(default_factory=dict)
    """The environment's own arguments, such as a board's size."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlotFlags:
    """Flags of `selfplay plot`."""

    output: Path | None = None
    """The picture's file (default: RUN/curves.png)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SolveFlags:
    """Flags of `selfplay solve`."""

    budget: int = 10_000
    """Evaluations of the network."""
    output: Path | None = None
    """What the judge is shown goes to this file (default: named after the problem)."""
    iteration: int | None = None
    """Which checkpoint (default: the newest)."""
    practice: float | None = None
    """Minutes: if nothing is found, the network first trains for so long on problems like this one,
    in a run of its own, and searches again. RUN is not changed."""
    env_args: dict[str, bool | int | float | str] = dataclasses.field(default_factory=dict)
    """The environment's own arguments, where they are to be others than the run's, such as more
    room for a larger problem."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class InspectFlags:
    """Flags of `selfplay inspect`."""

    generation: int | None = None
    """Which one; 0 is real data (default: the last)."""
    examples: int = 3
    """Positions of each kind."""
    verdict: Literal["accepted", "any"] | None = None
    """Try a filter: keep what the verifier accepts, or all (default: as the run had it)."""
    least_confidence: float | None = None
    """Try a filter: keep only what is at least so sure (default: as the run had it, or all where a
    share is given)."""
    keep_share: float | None = None
    """Try a filter: keep so much of it, its surest rows (default: as the run had it, or all where
    a least confidence is given)."""
    json: bool = False
    """Figures alone, as JSON."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportFlags:
    """Flags of `selfplay report`."""

    output: Path | None = None
    """The page's file (default: RUN/report.html)."""
    evaluate: bool = True
    """Judge the run first, if it has not been."""
