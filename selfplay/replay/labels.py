"""A teacher's episodes, judged as wholes and written to disk, one shard at a time."""

from collections.abc import Callable, Iterator

import jax
import numpy as np

from selfplay.environment.verifier import Verdict, Verifier
from selfplay.operators.episodes import Episodes, Sample
from selfplay.operators.targets import VERDICTS
from selfplay.replay.generations import Generation


def label(
    generation: Generation,
    episodes: Callable[[int], Episodes],
    num_shards: int,
    verifier: Verifier | None = None,
) -> Iterator[int]:
    """Fills a generation up to so many shards, and tells how many there are after each.

    Those that are there already are kept.

    Args:
        generation: where they go.
        episodes: the number of a shard to its episodes, always the same ones: whoever was
            stopped goes on as if nothing had happened.
        num_shards: in all.
        verifier: who judges each episode, if anybody does.
    """
    for index in range(len(generation.shards), num_shards):
        generation.add(judged(episodes(index), verifier))
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
