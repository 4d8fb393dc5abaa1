"""Episodes judged as wholes, and written shard by shard."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment.verifier import Verdict
from selfplay.operators.episodes import Labeller
from selfplay.operators.exact import Exact
from selfplay.operators.raw import Raw
from selfplay.operators.targets import VERDICTS
from selfplay.replay import generations
from selfplay.replay.labels import judged, label
from tests import worlds

SPELL = worlds.Spell(length=3)


def guess(params, keys, problem, state):
    """Knows the next letter three times in four."""
    right = jnp.nan_to_num(jax.vmap(SPELL.oracle)(problem, state), nan=-1.0)
    return jnp.where(right > 0, jnp.log(6.0), 0.0), jnp.zeros(keys.shape[0])


LABELLER = Labeller(SPELL, Raw(SPELL, guess))


@jax.jit
def play(shard):
    index = shard * 32 + jnp.arange(32, dtype=jnp.int32)
    return LABELLER.play((), jax.random.key(0), index, jnp.int32(1))


def test_a_verdict_is_that_of_the_word_that_was_written():
    episodes = play(0)
    sample = judged(episodes, SPELL.verifier())
    verdict = sample.targets.provenance.verdict.reshape(32, SPELL.max_steps)
    word = np.asarray(episodes.problem)
    written = np.asarray(episodes.samples.action).T[:, :3]
    right = (word == written).all(1)
    assert 0 < right.sum() < 32
    expected = np.where(right, VERDICTS.index("accepted"), VERDICTS.index("rejected"))
    assert (verdict == expected[:, None]).all()
    assert (sample.episode == np.repeat(np.arange(32), SPELL.max_steps)).all()


def test_confidence_is_the_mean_over_an_episodes_rows():
    episodes = play(0)
    drawn = jax.random.uniform(jax.random.key(1), episodes.samples.action.shape)
    provenance = episodes.samples.targets.provenance.replace(confidence=drawn)
    targets = episodes.samples.targets.replace(provenance=provenance)
    episodes = episodes.replace(samples=episodes.samples.replace(targets=targets))
    found = judged(episodes).targets.provenance.confidence.reshape(32, -1)
    counts = np.asarray(targets.weight > 0)
    expected = [np.asarray(drawn)[counts[:, b], b].mean() for b in range(32)]
    np.testing.assert_allclose(
        found, np.repeat(expected, found.shape[1]).reshape(found.shape), 1e-5
    )


def test_whoever_is_stopped_goes_on_as_if_nothing_had_happened(tmp_path):
    calls = []

    def shard(index):
        calls.append(index)
        if calls == [0, 1]:
            raise KeyboardInterrupt
        return whole_shard(index)

    def whole_shard(index):
        return judged(play(index))

    for name in ("whole", "stopped"):
        generation = generations.create(tmp_path / name, {})
        if name == "stopped":
            with pytest.raises(KeyboardInterrupt):
                list(label(generation, shard, 3))
            assert len(generation.shards) == 1
        list(label(generation, whole_shard if name == "whole" else shard, 3))
    assert calls == [0, 1, 1, 2]
    whole, stopped = (
        [dict(s) for s in generations.Generation(tmp_path / n).each()] for n in ("whole", "stopped")
    )
    for a, b in zip(whole, stopped, strict=True):
        assert all((a[name] == b[name]).all() for name in a)


def test_a_verifier_must_see_the_beginning():
    opened = Labeller(SPELL, Exact(SPELL), max_opening_plies=2)
    index = jnp.arange(16, dtype=jnp.int32)
    episodes = opened.play((), jax.random.key(0), index, jnp.int32(0))
    with pytest.raises(ValueError, match="began after 2 moves; label without openings"):
        judged(episodes, SPELL.verifier())


def test_a_verifier_may_not_know():
    class Unsure(type(SPELL.verifier())):
        def verify(self, problem, actions):
            return Verdict.UNDECIDED

    sample = judged(play(0), Unsure())
    assert (sample.targets.provenance.verdict == VERDICTS.index("undecided")).all()
