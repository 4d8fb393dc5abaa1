"""The loop with a teacher, on small games and sums."""

import dataclasses
import json
import os
import shutil
import signal

import jax
import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay import train as train_lib
from selfplay.agent import Agent
from selfplay.distill import distill, resume
from selfplay.distill_config import DistillConfig
from selfplay.environment import registry
from selfplay.operators.episodes import row
from selfplay.replay import census, diversity, generations
from selfplay.replay.generations import Generation
from selfplay.replay.openings import openings
from selfplay.run import checkpoint, metrics
from selfplay.run.directory import RunDirectory
from selfplay_envs.science.addition import is_held_out
from tests.test_train import StopAfter
from tests.tiny import SETTINGS

SUMS = {
    "env": "addition",
    "env_args": {"digits": 1},
    "rollout": {"num_games": 8, "steps_per_iteration": 2},
    "learner": SETTINGS["learner"] | {"batch_size": 64, "learning_rate": 3e-3},
}
NOISY = config_lib.from_dict(
    SETTINGS | {"learner": SETTINGS["learner"] | {"mask_fraction": 0.1, "dropout": 0.1}}
).learner
LABELS = DistillConfig(generations=2, episodes=32, episodes_at_once=16, updates=6, look_episodes=16)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A run on tic-tac-toe."""
    config = config_lib.from_dict(SETTINGS | {"iterations": 2})
    return train_lib.train(config, run=tmp_path_factory.mktemp("teachers") / "game")


@pytest.fixture(scope="module")
def calculator(tmp_path_factory):
    """A run on sums of one digit, that has learnt next to nothing."""
    config = config_lib.from_dict(SETTINGS | SUMS | {"iterations": 2})
    return train_lib.train(config, run=tmp_path_factory.mktemp("teachers") / "sums")


@pytest.fixture(scope="module")
def finished(teacher, tmp_path_factory):
    """A distillation that was never stopped, with noise on its students."""
    return distilled(teacher, tmp_path_factory.mktemp("runs") / "whole", learner=NOISY)


def distilled(teacher, run, settings=LABELS, watchers=(), **changes):
    config = dataclasses.replace(RunDirectory(teacher).read_config(), **changes)
    return distill(str(teacher), config, settings, run=run, watchers=watchers)


def saved_leaves(run):
    """The newest student, as bytes."""
    return [np.asarray(x).tobytes() for x in jax.tree.leaves(Agent.load(run).params)]


def test_a_distillation_keeps_its_labels_rows_and_students(finished, teacher):
    folder = RunDirectory(finished)
    rows = metrics.read(folder.metrics)
    assert [row["iteration"] for row in rows] == [0, 1, 2, 3, 4, 5, 6]
    assert [row["generation"] for row in rows] == [0, 1, 1, 1, 2, 2, 2]
    assert folder.read_distill_config() == LABELS
    assert [p.name for p in checkpoint.available(folder.milestones)] == ["00000006", "00000003"]
    judged = [row["iteration"] for row in rows if "exact/network" in row]
    assert judged == [0, 3, 6]
    for number in (1, 2):
        counted = census.take(Generation(folder.generation(number)))
        assert counted.episodes == 32
        assert counted.operators == {"search": counted.rows}
        assert counted.simulations == 4 * counted.rows
        first = next(row for row in rows if row["generation"] == number)
        assert first["labels/rows"] == counted.rows and first["labels/kept"] == 1.0
        begun = openings(Generation(folder.generation(number)).each())
        assert len(begun) == 32
        assert first["openings/heterozygosity"] == diversity.heterozygosity(begun)
    given = Agent.load(folder.teachers / "00").params
    for a, b in zip(
        jax.tree.leaves(given), jax.tree.leaves(Agent.load(teacher).params), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_student_that_sees_one_game_is_warned_of(teacher, tmp_path):
    settings = dataclasses.replace(LABELS, operator="raw", temperature=0.0, generations=1)
    rollout = RunDirectory(teacher).read_config().rollout
    rollout = dataclasses.replace(rollout, max_opening_plies=0, temperature_plies=0)
    run = distilled(teacher, tmp_path / "run", settings, rollout=rollout)
    row = metrics.read(RunDirectory(run).metrics)[1]
    assert row["openings/heterozygosity"] == 0.0
    assert row["warnings"] == "begin_alike"


def test_what_is_done_about_it_helps_the_next_generation(teacher, tmp_path):
    """Likeliest moves make one game; samples do not. Halted, it goes on when asked."""
    settings = dataclasses.replace(LABELS, operator="raw", temperature=0.0, remedy="noise")
    rollout = RunDirectory(teacher).read_config().rollout
    rollout = dataclasses.replace(rollout, max_opening_plies=0, temperature_plies=0)
    run = distilled(teacher, tmp_path / "noise", settings, rollout=rollout)
    rows = metrics.read(RunDirectory(run).metrics)
    assert [row.get("remedy") for row in rows[3:5]] == ["noise: temperature 0 to 1", None]
    assert rows[4]["openings/heterozygosity"] > 0.5
    halting = dataclasses.replace(settings, remedy="halt")
    run = distilled(teacher, tmp_path / "halt", halting, rollout=rollout)
    rows = metrics.read(RunDirectory(run).metrics)
    assert len(rows) == 4 and rows[-1]["remedy"] == "halt: the run is saved and stops"
    assert not RunDirectory(run).generation(2).exists()
    other = dataclasses.replace(halting, updates=12)
    RunDirectory(run).write_distill_config(other)
    with pytest.raises(ValueError, match=r"updates cannot change on resume, from 6 to 12; what ca"):
        resume(run)
    RunDirectory(run).write_distill_config(halting)
    shutil.move(first := RunDirectory(run).generation(1), tmp_path / "lost")
    with pytest.raises(ValueError, match=r"00000001 is no generation: it has no g"):
        resume(run)
    shutil.move(tmp_path / "lost", first)
    resume(run, remedy="none")
    rows = metrics.read(RunDirectory(run).metrics)
    assert len(rows) == 7 and rows[4]["openings/heterozygosity"] == 0.0
    assert RunDirectory(run).read_distill_config() == dataclasses.replace(settings, remedy="none")


def test_students_are_held_against_the_best_before_them_and_the_teacher(finished):
    rows = metrics.read(RunDirectory(finished).metrics)
    first, second = rows[3], rows[6]
    assert "errors/new" not in first and second["errors/since"] == 3
    wrong = [round(second[f"errors/{key}"]) for key in ("new", "mended", "before")]
    right = np.unpackbits(np.load(RunDirectory(finished).looks / "00000006.npy"), count=4_520)
    assert 4_520 - right.sum() == wrong[2] + wrong[0] - wrong[1]
    for told in (first, second):
        assert told["kl/earlier"] > 0 and told["policy/effective_moves"] > 1
        assert 0 <= told["value/calibration_error"] <= 1


def test_a_student_is_an_agent_like_any(finished):
    agent = Agent.load(finished)
    assert agent.act(agent.env.init()).action in range(9)
    assert Agent.load(finished, 3).iteration == 3


def test_who_was_stopped_goes_on_as_if_nothing_had_happened(finished, teacher, tmp_path):
    for iterations in (2, 4):
        run = tmp_path / f"stopped-{iterations}"
        stop = StopAfter(iterations + 1)  # the teacher's row is one
        distilled(teacher, run, watchers=[stop], learner=NOISY)
        assert metrics.read(RunDirectory(run).metrics)[-1]["iteration"] == iterations
        if iterations == 4:  # all are damaged: the first student, who was kept, will do
            for path in checkpoint.available(RunDirectory(run).checkpoints):
                (path / "manifest.json").write_text("{}")
        shutil.move(teacher, tmp_path / "away")  # a distillation needs no other run
        try:
            resume(run)
        finally:
            shutil.move(tmp_path / "away", teacher)
        assert saved_leaves(run) == saved_leaves(finished)
    with pytest.raises(ValueError, match="has distilled all of its 2 generations"):
        resume(finished)


def test_who_was_stopped_before_learning_keeps_whole_shards(finished, teacher, tmp_path):
    def stop(when):
        def tell(what, done, total):
            if (what, done) == when:
                os.kill(os.getpid(), signal.SIGINT)

        return tell

    config = dataclasses.replace(RunDirectory(teacher).read_config(), learner=NOISY)
    run = tmp_path / "run"
    distill(str(teacher), config, LABELS, run=run, tell=stop(("labelling", 1)))
    assert len(Generation(RunDirectory(run).generation(1)).shards) == 1
    resume(run, tell=stop(("filtering", 0)))
    assert not checkpoint.available(RunDirectory(run).checkpoints)
    shutil.move(RunDirectory(run).teachers / "00", tmp_path / "lost")
    with pytest.raises(ValueError, match="teachers/00 is not a run"):
        resume(run)
    shutil.move(tmp_path / "lost", RunDirectory(run).teachers / "00")
    resume(run)
    rows = metrics.read(RunDirectory(run).metrics)
    assert [row["iteration"] for row in rows] == [0, 1, 2, 3, 4, 5, 6]  # each is told once
    assert saved_leaves(run) == saved_leaves(finished)


def test_a_student_may_be_of_another_size_and_begin_as_its_teacher(teacher, tmp_path):
    small = dataclasses.replace(RunDirectory(teacher).read_config().network, width=8)
    run = distilled(teacher, tmp_path / "small", network=small)
    assert sum(x.size for x in jax.tree.leaves(Agent.load(run).params)) < sum(
        x.size for x in jax.tree.leaves(Agent.load(teacher).params)
    )
    still = dataclasses.replace(RunDirectory(teacher).read_config().learner, learning_rate=0.0)
    settings = dataclasses.replace(LABELS, student="teacher", generations=1)
    run = distilled(teacher, tmp_path / "same", settings, learner=still)
    assert saved_leaves(run) == saved_leaves(teacher)
    with pytest.raises(ValueError, match=r"student teacher needs .* network\.width"):
        distilled(teacher, tmp_path / "none", settings, network=small)


def test_only_what_the_verifier_accepts_is_learnt_from(calculator, tmp_path):
    settings = dataclasses.replace(LABELS, operator="raw", verified=True, episodes=256)
    settings = dataclasses.replace(settings, episodes_at_once=128, generations=1)
    run = RunDirectory(distilled(calculator, tmp_path / "run", settings))
    counted = census.take(Generation(run.generation(1)))
    assert 0 < counted.verdicts["accepted"] < counted.verdicts["rejected"]
    chosen = np.concatenate([np.load(f) for f in sorted(run.selection(1).glob("*.npy"))])
    assert 0 < len(chosen) < counted.rows
    rows = metrics.read(run.metrics)
    assert rows[1]["labels/accepted"] == pytest.approx(counted.verdicts["accepted"] / 256)
    assert rows[1]["labels/kept"] == pytest.approx(len(chosen) / counted.rows)
    assert all(0.0 <= rows[i]["held_out/network"] <= 1.0 for i in (0, -1))


def test_hindsight_adds_what_was_reached_in_vain(calculator, tmp_path):
    settings = dataclasses.replace(
        LABELS, operator="raw", verified=True, hindsight=True, generations=1
    )
    run = RunDirectory(distilled(calculator, tmp_path / "run", settings))
    generation = Generation(run.generation(1))
    counted = census.take(generation)
    assert counted.operators["hindsight"] > 0
    for fields in generation.each():
        late = fields["episode"] < 0
        assert (fields["targets.value"][late] == 1.0).all()
        problem = np.asarray(fields["targets.problem"])[late]
        assert not jax.vmap(is_held_out)(problem).any()


def test_real_data_by_the_oracle_have_their_share(calculator, tmp_path):
    settings = dataclasses.replace(
        LABELS, operator="raw", real="exact", real_episodes=32, real_fraction=0.5, generations=1
    )
    run = RunDirectory(distilled(calculator, tmp_path / "run", settings))
    counted = census.take(Generation(run.generation(0)))
    assert counted.real == counted.rows > 0
    assert counted.accepted == 1.0
    assert metrics.read(run.metrics)[1]["mixture/real"] == 0.5
    taken = dataclasses.replace(settings, real=str(run.generation(0)))
    again = distilled(calculator, tmp_path / "again", taken)
    assert saved_leaves(again) == saved_leaves(run.path)


def test_stored_states_are_labelled_anew_by_each_teacher(finished, teacher, tmp_path):
    old = RunDirectory(finished).generation(1)
    settings = dataclasses.replace(LABELS, operator="reanalysis", states=str(old))
    whole = RunDirectory(distilled(teacher, tmp_path / "whole", settings))
    stored = [dict(fields) for fields in Generation(old).each()]
    labels = []
    for number in (1, 2):
        generation = Generation(whole.generation(number))
        assert generation.about["states"] == str(old)
        counted = census.take(generation)
        assert counted.operators == {"reanalysis": counted.rows} and counted.real == 0
        assert counted.simulations == 4 * counted.rows
        for shard, fields in zip(stored, generation.each(), strict=True):
            assert (fields["targets.provenance.generation"] == number).all()
            for name in shard:
                if name.startswith("targets.state") or name in ("action", "episode"):
                    np.testing.assert_array_equal(shard[name], fields[name])
        labels.append(next(generation.each())["targets.action_weights"])
    assert (labels[0] != labels[1]).any()
    run = tmp_path / "stopped"
    distilled(teacher, run, settings, watchers=[StopAfter(3)])
    shutil.rmtree(RunDirectory(run).generation(1) / "00000001")  # a shard as if never written
    manifest = RunDirectory(run).generation(1) / generations.MANIFEST
    kept = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(kept | {"shards": kept["shards"][:1]}))
    resume(run)
    assert saved_leaves(run) == saved_leaves(whole.path)


@pytest.mark.parametrize("confidence", ["search", "reference", "ensemble"])
def test_the_surest_share_is_kept(teacher, tmp_path, confidence):
    settings = dataclasses.replace(
        LABELS,
        confidence=confidence,
        ensemble=(f"{teacher}@0", str(teacher))[: 2 * (confidence == "ensemble")],
        keep_share=0.5,
        generations=1,
    )
    run = RunDirectory(distilled(teacher, tmp_path / "run", settings))
    row = metrics.read(run.metrics)[1]
    assert 0.0 < row["labels/confidence"] < 1.0
    assert 0.4 <= row["labels/kept"] < 1.0  # more than half where confidences are equal


def test_a_filter_that_lets_nothing_through_says_why_and_keeps_what_was_labelled(teacher, tmp_path):
    settings = dataclasses.replace(LABELS, confidence="search", least_confidence=1.0)
    with pytest.raises(ValueError, match=r"lets none of the .* rows .* by confidence under 1"):
        distilled(teacher, tmp_path / "run", settings)
    assert Generation(RunDirectory(tmp_path / "run").generation(1)).num_rows > 0


def test_what_does_not_fit_is_refused_before_any_work(teacher, calculator, tmp_path):
    other = dataclasses.replace(LABELS, real=str(tmp_path / "real"))
    generations.create(tmp_path / "real", {"env": "addition"})
    mine = {"env": "tic_tac_toe", "env_args": {}, "environment_version": "1"}
    generations.create(tmp_path / "empty", mine)
    openings = dataclasses.replace(LABELS, verified=True)

    def again(states):
        return dataclasses.replace(LABELS, operator="reanalysis", states=states)

    for who, settings, words in [
        (teacher, other, "real data in .* are of another environment: env is 'addition'"),
        (teacher, openings, "verified needs an environment with a verifier; tic_tac_toe has none"),
        (teacher, dataclasses.replace(LABELS, hindsight=True), "tic_tac_toe does not"),
        (calculator, dataclasses.replace(LABELS, real=str(tmp_path)), "is no generation"),
        (teacher, again(str(tmp_path)), "is no generation"),
        (teacher, again(str(tmp_path / "real")), "states in .* of another environment: env is"),
        (teacher, again(str(tmp_path / "empty")), "states in .* have no rows yet"),
    ]:
        with pytest.raises(ValueError, match=words):
            distilled(who, tmp_path / "run", settings)
        assert not (tmp_path / "run").exists()
    config = RunDirectory(calculator).read_config()
    with pytest.raises(ValueError, match="cannot teach this: its env is 'tic_tac_toe'"):
        distill(str(teacher), config, LABELS, run=tmp_path / "run")


def test_a_row_is_what_is_stored(finished):
    like = row(registry.make("tic_tac_toe"))
    fields = next(Generation(RunDirectory(finished).generation(1)).each())
    assert sorted(generations.names(like)) == sorted(fields)
