"""What a generation holds, against plain NumPy."""

import json

import numpy as np
import pytest

from selfplay.operators.targets import VERDICTS
from selfplay.replay import census, generations
from tests.replay.test_generations import ABOUT, make_sample


def test_counts_and_means_are_those_of_all_rows_at_once(tmp_path):
    made = generations.create(tmp_path / "g", ABOUT)
    kinds = [(0.9, "accepted"), (0.25, "rejected"), (0.5, "accepted")]
    for number, (confidence, verdict) in enumerate(kinds):
        made.add(make_sample(30 * number, 30, confidence, VERDICTS.index(verdict)))
    found = census.take(made)
    shards = [dict(fields) for fields in made.each()]
    whole = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}
    assert found.rows == len(whole["episode"]) == made.num_rows
    assert found.episodes == len(np.unique(whole["episode"]))
    assert found.real == whole["targets.provenance.real"].sum()
    assert found.simulations == whole["targets.provenance.simulations"].sum()
    assert found.confidence == pytest.approx(whole["targets.provenance.confidence"].mean())
    assert found.value == pytest.approx(whole["targets.value"].mean(), abs=1e-6)
    weights = whole["targets.action_weights"].astype(np.float64)
    terms = [w * np.log(w) for row in weights for w in row if w > 0]
    assert found.entropy == pytest.approx(-sum(terms) / found.rows, abs=1e-6)
    episodes = {
        int(e): VERDICTS[v]
        for e, v in zip(whole["episode"], whole["targets.provenance.verdict"], strict=True)
    }
    accepted = sum(verdict == "accepted" for verdict in episodes.values())
    assert found.accepted == accepted / len(episodes)
    assert found.metrics()["labels/accepted"] == found.accepted


def test_operators_have_the_names_that_their_version_gave_them(tmp_path):
    made = generations.create(tmp_path / "g", ABOUT)
    made.add(make_sample(0, 30))
    manifest = tmp_path / "g/generation.json"
    kept = json.loads(manifest.read_text())
    name = next(iter(census.take(made).operators))
    renamed = ["grown" if other == name else other for other in kept["operators"]]
    manifest.write_text(json.dumps(kept | {"operators": renamed}))
    assert census.take(made).operators == {"grown": made.num_rows}


def test_an_empty_one_has_nothing(tmp_path):
    found = census.take(generations.create(tmp_path / "g", ABOUT))
    assert (found.rows, found.episodes, found.accepted) == (0, 0, None)
    assert "labels/accepted" not in found.metrics()
