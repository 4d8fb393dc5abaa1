"""What teachers label, episodes or stored rows, judged as wholes and written shard by shard."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.verifier import Verdict, Verifier
from selfplay.operators.episodes import Episodes, Sample
from selfplay.operators.targets import VERDICTS
from selfplay.replay.generations import Generation


def label(generation: Generation, rows: Callable[[int], Sample], num_shards: int) -> Iterator[int]:
    """Fills a generation up to so many shards, and tells how many there are after each.

    Those that are there already are kept.

    Args:
        generation: where they go.
        rows: the number of a shard to its rows [K], always the same ones: whoever was stopped goes
            on as if nothing had happened.
        num_shards: in all.
    """
    for index in range(len(generation.shards), num_shards):
        generation.add(rows(index))
        yield index + 1


def judged(episodes: Episodes, verifier: Verifier | None = None) -> Sample:
    """The episodes' rows one after another, each with what is thought of its episode as a whole.

    Its confidence is the mean over its rows. A verifier is asked on the host, episode by episode.

    Returns:
        Sample [B * T] of NumPy arrays; weight 0 after an episode's end.
    """
    samples: Sample = jax.tree.map(lambda x: np.moveaxis(np.asarray(x), 0, 1), episodes.samples)
    targets = samples.targets
    counts = np.asarray(targets.weight > 0, np.float32)
    confidence = (targets.provenance.confidence * counts).sum(1) / np.maximum(counts.sum(1), 1)
    verdict = np.zeros(len(counts), np.uint8)
    if verifier is not None:
        verdict = verdicts(episodes, verifier)
    provenance = targets.provenance.replace(
        confidence=_each_row(confidence.astype(np.float32), counts),
        verdict=_each_row(verdict, counts),
    )
    samples = samples.replace(targets=targets.replace(provenance=provenance))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), samples)


def relabelled(
    rows: Sample,
    relabel: Callable[[jax.Array, Sample], Sample],
    *,
    first: int,
    batch_size: int,
) -> Sample:
    """Stored rows of whole episodes with new labels, a batch at a time.

    Their confidence is the mean over the episode.

    Args:
        rows: Sample [K], mapped or in memory.
        relabel: `(numbers int32 [B], Sample [B]) -> Sample [B]`.
        first: the number of the first row.
        batch_size: B.
    """
    count = len(rows.action)
    parts = []
    for start in range(0, count, batch_size):
        index = np.arange(start, start + batch_size) % count  # the last batch wraps around
        batch = jax.tree.map(lambda x, i=index: x[i], rows)
        parts.append(jax.device_get(relabel(jnp.asarray(first + index, jnp.int32), batch)))
    if not parts:
        return rows
    fresh: Sample = jax.tree.map(lambda *x: np.concatenate(x)[:count], *parts)
    counts = fresh.targets.weight > 0
    _, episode = np.unique(fresh.episode, return_inverse=True)
    confidence = np.bincount(episode, fresh.targets.provenance.confidence * counts)
    confidence = (confidence / np.maximum(np.bincount(episode, counts), 1))[episode]
    provenance = fresh.targets.provenance.replace(confidence=confidence.astype(np.float32))
    return fresh.replace(targets=fresh.targets.replace(provenance=provenance))


def verdicts(episodes: Episodes, verifier: Verifier) -> np.ndarray:
    """uint8 [B]: what a verifier says of each episode, as an index into `VERDICTS`.

    It is not asked of an episode of which nothing counts.

    Raises ValueError if episodes began with moves that nobody kept, such as random openings.
    """
    action = np.asarray(episodes.samples.action)
    played = ~np.asarray(episodes.samples.targets.state.ended)
    begun = np.asarray(episodes.samples.targets.state.step_count)[0]
    if begun.any():
        raise ValueError(
            "a verifier judges episodes from their beginning, but some of these began after "
            f"{begun.max()} moves; label without openings (max_opening_plies = 0)"
        )
    problems = jax.tree.map(np.asarray, episodes.problem)

    def ask(index: int) -> Verdict:
        problem = jax.tree.map(lambda x: x[index], problems)
        return verifier.verify(problem, action[played[:, index], index].tolist())

    counts = np.asarray(episodes.samples.targets.weight > 0).any(0)
    asked = np.zeros(action.shape[1], np.uint8)
    for index in np.flatnonzero(counts):
        asked[index] = VERDICTS.index(ask(int(index)).value)
    return asked


def _each_row(of_episode: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What is known of episodes [B], at each of their rows [B, T]."""
    return np.broadcast_to(of_episode[:, None], rows.shape)
