"""What the ablation reads off a generation, and draws; a whole lineage is a benchmark."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks.studies.ablation import __main__ as ablation
from benchmarks.studies.ablation import natives
from benchmarks.studies.ablation.figure import REAL_ONLY, draw, table
from benchmarks.studies.ablation.lineage import Folding, Size, labelled
from benchmarks.studies.study import Numbers, Results
from selfplay.replay.selection import Filter, select
from selfplay.run.directory import RunDirectory
from selfplay_envs.science.hp_lattice import HPLattice

LENGTH = 12


@pytest.fixture(scope="module")
def known():
    """Results as a study of two seeds would have them."""
    measured = ("right", "searched", "confidence", "calibration_error")
    lone: Numbers = {what: [0.3] for what in measured}
    more: Numbers = {what: [0.3, 0.4, 0.5] for what in measured}
    labels: Numbers = {
        what: [0.3, 0.4] for what in ("labels_right", "labels_single_right", "kept_right")
    }
    cells = [
        (arm, seed, 1.0, lone if arm == REAL_ONLY else more | labels)
        for seed in (0, 1)
        for arm in ablation.arms(Folding(Size()), quick=False)
    ]
    return Results({}, {}, tuple(cells))


def test_labels_are_read_with_their_contacts_and_what_was_kept(tmp_path):
    run = RunDirectory(tmp_path)
    env = HPLattice(length=LENGTH, min_length=LENGTH)
    generation = natives.write(run.generation(1), env, share=0.5, seed=0)
    select(generation, Filter(), run.selection(1))
    chains, contacts, kept = labelled(run, 1)
    spelt = ["".join("PH"[int(h)] for h in chain) for chain in chains]
    assert contacts.tolist() == [natives.hp_designed.natives()[chain].contacts for chain in spelt]
    assert kept.all()
    assert len(np.unique(chains, axis=0)) == len(chains)


def test_the_quick_arms_are_some_of_all():
    every = ablation.arms(Folding(Size()), quick=False)
    assert set(ablation.arms(Folding(Size()), quick=True)) < set(every)
    assert next(iter(every)) == REAL_ONLY


def test_the_picture_and_the_table_show_every_arm(known):
    figure = draw(known)
    arms = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert arms == list(known.arms)
    assert figure.axes[1].get_legend_handles_labels()[1] == list(known.arms)[1:]
    assert table(known).row_count == len(known.arms)


def test_settings_are_written_as_json():
    assert json.loads(json.dumps(dataclasses.asdict(Size())))["length"] == 18
