"""A generation, looked into, against a plain walk through its rows."""

import dataclasses
from collections import Counter

import jax
import numpy as np
import pytest

from selfplay.distill_config import DistillConfig
from selfplay.environment import registry
from selfplay.inspect import Trial, inspect_run
from selfplay.replay.generations import Generation
from selfplay.replay.selection import Filter
from selfplay.run import teachers
from selfplay.run.directory import RunDirectory
from tests.test_distill import LABELS, calculator, distilled, teacher  # noqa: F401  (fixtures)

OPERATOR = dataclasses.replace(
    LABELS, verified=True, hindsight=True, episodes=64, confidence="search"
)


@pytest.fixture(scope="module")
def run(calculator, tmp_path_factory):  # noqa: F811
    """Two generations of sums, of which what the verifier accepts is learnt."""
    return distilled(calculator, tmp_path_factory.mktemp("runs") / "sums", OPERATOR)


def whole(run, number):
    """All rows of a generation, as arrays."""
    shards = [dict(fields) for fields in Generation(RunDirectory(run).generation(number)).each()]
    return {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}


def test_rows_are_counted_by_who_made_them_and_by_what_becomes_of_them(run):
    _, number, keep, found = inspect_run(run)
    rows = whole(run, 2)
    assert number == 2 and keep == Filter(verified=True)
    assert found.rows == len(rows["episode"])
    assert found.episodes == len(np.unique(rows["episode"])) > 64
    late = rows["episode"] < 0
    assert {source.name: source.rows for source in found.sources} == {
        "search, generation 2": (~late).sum(),
        "hindsight, generation 2": late.sum(),
    }
    accepted = rows["targets.provenance.verdict"] == 1
    assert found.fates["passed"].rows == found.fates["passed"].accepted == accepted.sum()
    assert found.fates["verdict rejected"].rows == (~accepted).sum()
    assert found.fates["verdict rejected"].accepted == 0
    np.testing.assert_allclose(
        found.confidence,
        np.quantile(rows["targets.provenance.confidence"], (0, 0.25, 0.5, 0.75, 1)),
        atol=2e-6,
    )


def test_the_oracle_says_how_right_they_are(run):
    """Right digits, by schoolbook addition of what is shown; after a wrong one none is better."""
    _, _, _, found = inspect_run(run, examples=10_000)
    assert found.knows_best
    env = registry.make("addition", digits=1)
    for fate in found.fates.values():
        assert len(fate.examples) == fate.rows
        decisive = best = 0
        for example in fate.examples:
            problem, state = example.sample.targets.problem, example.sample.targets.state
            *terms, _, answer, _ = env.render(problem, state).splitlines()
            total = str(sum(int(term.strip("+ ")) for term in terms)).zfill(len(answer.strip()))
            written = answer.strip().strip(".")
            if total.endswith(written):
                digit = int(total[-1 - len(written)])
                decisive += 1
                best += int(np.argmax(example.sample.targets.action_weights)) == digit
        assert (fate.decisive, fate.best) == (decisive, best)
        assert decisive > 0


def test_the_worst_agree_least_and_the_commonest_are_most(run):
    _, _, _, found = inspect_run(run, generation_one := 1, examples=3)
    rows = whole(run, generation_one)
    env = registry.make("addition", digits=1)
    first = teachers.load(RunDirectory(run).teachers, env)[0]
    _, _, _, every = inspect_run(run, 1, examples=10_000)
    examples = [example for fate in every.fates.values() for example in fate.examples]
    assert [e.divergence for e in found.worst] == sorted(
        (e.divergence for e in examples), reverse=True
    )[:3]
    one = found.worst[0].sample.targets
    logits, _ = first.network.apply(first.params, env.observe(one.problem, one.state)[None])
    policy = jax.nn.softmax(logits[0])  # all digits are legal
    np.testing.assert_allclose(found.worst[0].policy, policy, atol=1e-5)
    weights = np.asarray(one.action_weights)
    played = weights > 0
    divergence = (weights[played] * np.log(weights[played] / found.worst[0].policy[played])).sum()
    assert found.worst[0].divergence == pytest.approx(divergence, rel=1e-4)
    names = [n for n in rows if n.startswith(("targets.problem", "targets.state"))]
    positions = Counter(
        tuple(rows[name][i].tobytes() for name in names) for i in range(len(rows["episode"]))
    )
    assert found.duplicates.positions == len(positions)
    later = Counter(
        {
            position: count
            for position, count in positions.items()
            if np.frombuffer(position[names.index("targets.state.step_count")], np.int16)[0] > 0
        }
    )
    assert [count for count, _ in found.duplicates.commonest] == [
        count for _, count in later.most_common(3)
    ]


def test_of_what_goes_by_confidence_one_alone_is_tried():
    settings = DistillConfig(confidence="search", keep_share=0.5, least_confidence=0.9)
    assert Trial().settled(settings) == Trial(False, 0.9, 0.5)
    assert Trial(keep_share=0.25).settled(settings) == Trial(False, None, 0.25)
    assert Trial(least_confidence=0.1).settled(settings) == Trial(False, 0.1, None)
    assert Trial(verified=True).settled(settings) == Trial(True, 0.9, 0.5)


def test_a_filter_is_tried_and_nothing_is_written(run):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    confidence = whole(run, 2)["targets.provenance.confidence"]
    _, _, keep, found = inspect_run(run, trial=Trial(verified=False, keep_share=0.5))
    assert not keep.verified
    assert found.fates["passed"].rows == (confidence >= keep.least_confidence).sum()
    assert 0.4 < found.fates["passed"].rows / found.rows < 0.7
    _, _, keep, _ = inspect_run(run, trial=Trial(least_confidence=0.25))
    assert keep == Filter(verified=True, least_confidence=0.25)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"number": 3}, "has no generation 3; there are 1 to 2"),
        ({"trial": Trial(keep_share=0.0)}, "must be above 0"),
        ({"trial": Trial(least_confidence=2.0)}, "between 0 and 1"),
        ({"examples": -1}, "examples must be at least 0"),
    ],
)
def test_what_cannot_be_is_refused(run, options, told):
    with pytest.raises(ValueError, match=told):
        inspect_run(run, **options)


def test_a_training_run_has_no_generations(calculator):  # noqa: F811
    with pytest.raises(ValueError, match="was not distilled"):
        inspect_run(calculator)
