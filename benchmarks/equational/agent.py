"""How many implications of the test pairs does a run prove, on a budget of evaluations?

    python -m benchmarks.equational.agent RUN
    python -m benchmarks.equational.agent                                 # no network
    SELFPLAY_DATA=FOLDER python -m benchmarks.equational.agent RUN --split train --each 30

Best-first search from both sides by the run's policy, or by one that likes all moves alike, of 100
pairs of laws a stratum (`pairs`). What is proved is shown to Lean; nothing else counts. Of false
pairs nothing may be proved.
"""

import contextlib
import dataclasses
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.equational import pairs
from benchmarks.propositional.iltp import interval
from benchmarks.whole_search import Flags, WholeSearch
from selfplay.agent import Agent
from selfplay.environment.certificate import Claim
from selfplay.environment.contract import Problem
from selfplay.environment.verifier import Verdict
from selfplay.networks.build import build
from selfplay.search.best_first import BestFirst, Found
from selfplay.search.model import constant_evaluator, network_evaluator
from selfplay_envs.proofs.equational import Equational


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    run: tyro.conf.Positional[Path | None] = None
    search: Flags = dataclasses.field(
        default_factory=lambda: WholeSearch(budget=1_500, at_once=16, path_memory=0.7)
    )
    split: Literal["test", "train"] = "test"
    """The test pairs, or others of the project's training split, to choose settings by."""
    each: int = pairs.EACH
    """Pairs of a stratum, at most."""
    size: int = 63
    """Room for nodes of a side."""
    max_steps: int = 64
    """Of a proof."""
    iteration: int | None = None
    """Which checkpoint or milestone of the run, by default the newest."""
    untrained: int | None = None
    """With the run's network as it would begin from this seed."""
    strata: tuple[str, ...] = pairs.STRATA


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a search of a pair came to."""

    found: Found
    is_proved: bool
    """Lean has accepted it."""
    rewritings: int
    """Of the proof; 0 where there is none."""


class Prover:
    """Searches pairs by a run's network, or by none."""

    def __init__(self, arguments: Arguments):
        self._arguments = arguments
        self.env = env = Equational(size=arguments.size, max_steps=arguments.max_steps)
        self._evaluator, self._params = constant_evaluator(env), ()
        if arguments.run is not None:
            agent = Agent.load(arguments.run, arguments.iteration)
            network = build(agent.config.network, env)
            self._evaluator, self._params = network_evaluator(env, network.apply), agent.params
            if arguments.untrained is not None:
                self._params = network.init(jax.random.key(arguments.untrained))
        self._search = BestFirst(env, self._evaluator)

    def __call__(self, there: Sequence[pairs.Pair]) -> list[Outcome]:
        """Raises RuntimeError if Lean rejects what the search has found."""
        problems = [self.env.parse_problem(f"E{a} ⊢ E{b}") for a, b in there]
        stacked = jax.tree.map(lambda *rows: np.stack(rows), *problems)
        found = self._search(self._params, stacked, **self._arguments.search.options())
        accepted = self._accepted(problems, found)
        return [Outcome(one, i in accepted, accepted.get(i, 0)) for i, one in enumerate(found)]

    def _accepted(self, problems: Sequence[Problem], found: Sequence[Found]) -> dict[int, int]:
        """Of what Lean accepts the number of rewritings."""
        certifier = self.env.certifier()
        claims = dict[int, Claim]()
        for i, one in enumerate(found):
            with contextlib.suppress(ValueError):  # it is too large to be written, its holes filled
                if one.actions is not None:
                    proof = certifier.proof(problems[i], one.actions)
                    claims[i] = certifier.statement(problems[i]), proof
        accepted = {}
        for i, judgement in zip(claims, certifier.judge([*claims.values()]), strict=True):
            if judgement.verdict is Verdict.REJECTED:
                text = self.env.format_problem(problems[i])
                raise RuntimeError(f"{judgement.judge} rejects {text}: {judgement.message}")
            if judgement.verdict is Verdict.ACCEPTED:
                accepted[i] = len(found[i].actions or ())
        return accepted


def drawn(arguments: Arguments) -> dict[str, list[pairs.Pair]]:
    """The pairs, by stratum."""
    if arguments.split == "test":
        return {name: there[: arguments.each] for name, there in pairs.read().items()}
    chance = random.Random(0)
    return {
        name: chance.sample(sorted(set(there)), min(arguments.each, len(there)))
        for name, there in pairs.split("train").items()
    }


def row(stratum: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Of a table: proved, share, and of what is proved medians."""
    proved = [one for one in outcomes if one.is_proved]

    def median(values: list[Any]) -> str:
        return f"{statistics.median(values):g}" if values else "–"

    return (
        stratum,
        str(len(outcomes)),
        str(len(proved)),
        interval(len(proved), len(outcomes)),
        median([one.found.evaluations for one in proved]),
        median([one.rewritings for one in proved]),
    )


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    strata = drawn(arguments)  # first, for the file that they are from may be missing
    began = time.process_time()
    prover = Prover(arguments)
    table = Table("stratum", "pairs", "proved", "share", "evaluations", "rewritings")
    for stratum, there in strata.items():
        if stratum in arguments.strata:
            table.add_row(*row(stratum, prover(there)))
    console = Console(width=100)
    console.print(table)
    console.print(
        f"{arguments.search.budget:,} evaluations a pair, {arguments.search.at_once} at once, "
        f"medians of what is proved; {time.process_time() - began:.0f} s of processor time"
    )


if __name__ == "__main__":
    main()
