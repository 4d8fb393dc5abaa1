"""Native folds as real data: right by a scorer of its own, and of training chains alone."""

import numpy as np
import pytest

from benchmarks.studies.ablation import natives
from selfplay_envs.science.hp_lattice import HPLattice
from selfplay_envs.science.hp_lattice_scorer import count_contacts

LENGTH = 12


@pytest.fixture(scope="module")
def env():
    """Random chains of 12 residues."""
    return HPLattice(length=LENGTH, min_length=LENGTH)


@pytest.fixture(scope="module")
def rows(env, tmp_path_factory):
    """A fifth of the designed chains, read again."""
    path = tmp_path_factory.mktemp("natives") / "real"
    return next(natives.write(path, env, share=0.2, seed=3).each())


def letters(hydrophobic):
    return ["".join("PH"[int(h)] for h in chain) for chain in hydrophobic]


def test_each_chain_is_laid_as_its_native_fold(rows):
    chains = letters(rows["targets.problem.hydrophobic"][:: LENGTH - 2])
    folds = rows["action"].reshape(-1, LENGTH - 2)
    bound = rows["targets.problem.most_contacts"][:: LENGTH - 2]
    paid = rows["targets.value"][:: LENGTH - 2] * bound
    for chain, fold, contacts in zip(chains, folds, paid, strict=True):
        assert count_contacts(chain, fold.tolist()) == pytest.approx(contacts)
        assert natives.hp_designed.natives()[chain].contacts == pytest.approx(contacts)


def test_rows_are_real_and_their_policy_is_the_turn(rows):
    assert rows["targets.provenance.real"].all()
    assert (rows["targets.action_weights"].argmax(-1) == rows["action"]).all()
    assert (rows["targets.action_weights"].max(-1) == 1).all()


def test_a_share_of_the_training_chains_is_labelled(rows):
    train = letters(np.asarray(natives.designed("train", LENGTH).hydrophobic))
    chains = letters(rows["targets.problem.hydrophobic"][:: LENGTH - 2])
    assert len(set(chains)) == len(chains) == round(0.2 * len(train))
    assert set(chains) <= set(train)


def test_another_seed_takes_other_chains(env, rows, tmp_path):
    other = next(natives.write(tmp_path, env, share=0.2, seed=4).each())
    field = "targets.problem.hydrophobic"
    assert sorted(letters(other[field])) != sorted(letters(rows[field]))


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_share_that_labels_nothing_or_too_much_is_refused(env, tmp_path, share):
    with pytest.raises(ValueError, match=r"share must leave 1 to \d+ chains to label"):
        natives.write(tmp_path, env, share=share, seed=0)
