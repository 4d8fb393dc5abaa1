"""What a student learnt from: who made it, what was refused and why, where labels surprise.

A generation is read shard by shard, through memory maps; what is there twice is found in temporary
files, sixteen bytes a row. Memory holds a shard, or a sixty-fourth of these files, at a time.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment
from selfplay.networks.contract import Network, Params
from selfplay.operators.episodes import Sample, row
from selfplay.operators.exact import has_oracle
from selfplay.operators.targets import VERDICTS
from selfplay.replay.confidence import Histogram
from selfplay.replay.duplicates import episode_fingerprints, fingerprints
from selfplay.replay.generations import Columns, Generation
from selfplay.replay.selection import Filter, restored
from selfplay.replay.tally import NOWHERE, tally
from selfplay.search.model import mask_logits

PASSED = "passed"
"""Beside the reasons for which rows are refused."""
_BATCH = 1_024


@dataclasses.dataclass
class Source:
    """Rows of one origin."""

    name: str
    rows: int = 0
    episodes: int = 0
    simulations: int = 0
    """Spent on all rows."""
    confidence: float = 0.0
    """Added up over the rows."""


@dataclasses.dataclass
class Fate:
    """Rows that passed, or were refused for one reason."""

    rows: int = 0
    judged: int = 0
    """Rows of episodes that a verifier has judged."""
    accepted: int = 0
    """Of those, rows of accepted episodes."""
    decisive: int = 0
    """Rows where some action is better than another, by the environment's oracle."""
    best: int = 0
    """Of those, rows whose likeliest action is best."""
    examples: list["Example"] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Example:
    """A row, and what its teacher's network thinks of the position."""

    sample: Sample
    """One row, of NumPy arrays."""
    policy: np.ndarray
    """float32 [A]: the network's."""
    value: float
    divergence: float
    """KL from the label to the network's policy, in nats."""


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """How often the same occurs."""

    positions: int
    """Different ones."""
    episodes: int
    """Different ones, by all of their positions and actions."""
    commonest: list[tuple[int, Example]]
    """How often, and one of them; the commonest first."""


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What was found in a generation."""

    rows: int
    episodes: int
    sources: list[Source]
    fates: dict[str, Fate]
    """By `PASSED` and by reason."""
    knows_best: bool
    """Whether the environment has an oracle."""
    worst: list[Example]
    """Where label and network differ most, the worst first."""
    duplicates: Duplicates
    confidence: np.ndarray
    """float64 [5]: its quartiles, from least to most, to a millionth."""


@dataclasses.dataclass(frozen=True)
class Opinions:
    """What is thought of rows."""

    policy: np.ndarray
    """float32 [K, A]: the network's."""
    value: np.ndarray
    """float32 [K]: the network's."""
    divergence: np.ndarray
    """float32 [K]: KL from label to network, in nats."""
    decisive: np.ndarray
    """bool [K]: some action is better than another; False where no oracle knows."""
    best: np.ndarray
    """bool [K]: and the label's likeliest action is best."""


Judge = Callable[[Sample], Opinions]


def make_judge(env: Environment[Any], network: Network, params: Params) -> Judge:
    """What a teacher's network, and an oracle if there is one, say of rows."""

    @jax.jit
    def judge(params: Params, sample: Sample) -> dict[str, jax.Array]:
        targets = sample.targets
        logits, value = network.apply(params, jax.vmap(env.observe)(targets.problem, targets.state))
        legal = jax.vmap(env.legal_action_mask)(targets.problem, targets.state)
        logs = jax.nn.log_softmax(mask_logits(logits, legal))
        weights = targets.action_weights
        own = jnp.log(jnp.where(weights > 0, weights, 1.0))
        decisive = best = jnp.zeros(weights.shape[0], jnp.bool_)
        values = jax.vmap(env.oracle)(targets.problem, targets.state)
        if values is not None:
            most = jnp.nanmax(values, axis=-1)
            chosen = jnp.take_along_axis(values, weights.argmax(-1)[:, None], axis=-1)[:, 0]
            decisive = jnp.nanmin(values, axis=-1) < most
            best = decisive & (chosen == most)
        return {
            "policy": jnp.exp(logs),
            "value": value,
            "divergence": jnp.where(weights > 0, weights * (own - logs), 0.0).sum(-1),
            "decisive": decisive,
            "best": best,
        }

    def batched(sample: Sample) -> Opinions:
        count = len(sample.action)
        found = []
        for start in range(0, count, _BATCH):
            index = np.arange(start, start + _BATCH) % count  # the last batch wraps around
            rows = jax.tree.map(lambda x, i=index: x[i], sample)
            found.append(jax.device_get(judge(params, rows)))
        whole = {name: np.concatenate([part[name] for part in found])[:count] for name in found[0]}
        return Opinions(**whole)

    return batched


def inspect(
    generation: Generation, env: Environment[Any], keep: Filter, judge: Judge, examples: int = 3
) -> Inspection:
    """Reads a generation as a student would who learns from what a filter keeps.

    Args:
        generation: what was labelled.
        env: of which it is.
        keep: who passes; nothing is written.
        judge: see `make_judge`.
        examples: of each kind.

    Raises:
        ValueError: the generation has no rows, is damaged, or of another environment.
    """
    sources: dict[str, Source] = {}
    fates: dict[str, Fate] = {PASSED: Fate()}
    worst: list[Example] = []
    confidence, rows, episodes = Histogram(), 0, 0
    with tally() as positions, tally() as games:
        for columns in generation.each():
            sample = restored(columns, row(env))
            judged = judge(sample)
            _count_sources(sources, columns, generation.operators)
            _count_fates(fates, keep, columns, sample, judged, examples)
            ranked = np.argsort(-judged.divergence, kind="stable")[:examples]
            worst = _worst([*worst, *(_example(sample, judged, int(i)) for i in ranked)], examples)
            confidence.add(columns["targets.provenance.confidence"])
            prints = fingerprints(columns)
            begins = columns["targets.state.step_count"] == 0
            positions.add(prints, np.where(begins, NOWHERE, rows + np.arange(len(prints))))
            prints = episode_fingerprints(columns, prints)
            games.add(prints, np.full(len(prints), NOWHERE))
            rows, episodes = rows + len(sample.action), episodes + len(prints)
        if rows == 0:
            raise ValueError(f"{generation.path} holds nothing yet")
        different, commonest = positions.summary(examples)
        different_episodes, _ = games.summary(0)
    return Inspection(
        rows=rows,
        episodes=episodes,
        sources=sorted(sources.values(), key=lambda source: -source.rows),
        fates=fates,
        knows_best=has_oracle(env),
        worst=worst,
        duplicates=Duplicates(
            positions=different,
            episodes=different_episodes,
            commonest=list(_commonest(generation, env, commonest, judge)),
        ),
        confidence=np.array([confidence.quantile(q) for q in (0, 0.25, 0.5, 0.75, 1)]),
    )


def _count_sources(sources: dict[str, Source], columns: Columns, operators: Sequence[str]) -> None:
    """Adds the rows of a shard to those of their origins."""
    fields = ("operator", "teacher", "generation", "real")
    origins = np.stack([columns[f"targets.provenance.{name}"] for name in fields], axis=1)
    kinds, index = np.unique(origins.astype(np.int64), axis=0, return_inverse=True)
    for number, (operator, teacher, made, real) in enumerate(kinds.tolist()):
        here = index.reshape(-1) == number
        other = f", teacher {teacher}" if teacher else ""
        kind = "real" if real else f"generation {made}"
        name = f"{operators[operator]}, {kind}{other}"
        source = sources.setdefault(name, Source(name))
        source.rows += int(here.sum())
        source.episodes += len(np.unique(columns["episode"][here]))
        source.simulations += int(
            columns["targets.provenance.simulations"][here].sum(dtype=np.int64)
        )
        source.confidence += float(columns["targets.provenance.confidence"][here].sum())


def _count_fates(
    fates: dict[str, Fate],
    keep: Filter,
    columns: Columns,
    sample: Sample,
    judged: Opinions,
    examples: int,
) -> None:
    """Adds the rows of a shard to those that passed, or were refused for the same reason."""
    refused = keep.refused(columns)
    passed = ~np.logical_or.reduce(list(refused.values()))
    verdict = np.asarray(columns["targets.provenance.verdict"])
    for name, here in {PASSED: passed, **refused}.items():
        if not here.any():
            continue
        fate = fates.setdefault(name, Fate())
        fate.rows += int(here.sum())
        fate.judged += int((verdict[here] != VERDICTS.index("none")).sum())
        fate.accepted += int((verdict[here] == VERDICTS.index("accepted")).sum())
        fate.decisive += int(judged.decisive[here].sum())
        fate.best += int(judged.best[here].sum())
        wanted = examples - len(fate.examples)
        # Spread over the shard, so that they are of different episodes.
        chosen = np.flatnonzero(here)[:: max(1, int(here.sum()) // max(1, wanted))][:wanted]
        fate.examples += [_example(sample, judged, int(i)) for i in chosen]


def _example(sample: Sample, judged: Opinions, index: int) -> Example:
    one = jax.tree.map(lambda x: np.array(x[index]), sample)
    value, divergence = float(judged.value[index]), float(judged.divergence[index])
    return Example(one, judged.policy[index], value, divergence)


def _worst(found: list[Example], count: int) -> list[Example]:
    return sorted(found, key=lambda example: -example.divergence)[:count]


def _commonest(
    generation: Generation, env: Environment[Any], found: list[tuple[int, int]], judge: Judge
) -> Iterator[tuple[int, Example]]:
    """Positions that occur most often, by how often and where; none that begins an episode."""
    ends = np.cumsum([shard["rows"] for shard in generation.shards])
    for count, place in found:
        shard = int(np.searchsorted(ends, place, side="right"))
        index = int(place - (ends[shard - 1] if shard else 0))
        columns = {
            name: column[index : index + 1] for name, column in generation.shard(shard).items()
        }
        sample = restored(columns, row(env))
        yield count, _example(sample, judge(sample), 0)
