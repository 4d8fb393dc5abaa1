"""Do the 95 % intervals of ratings hold the truth 95 times in 100?

    python benchmarks/rating_coverage.py --tournaments 1000

Players of known strength play simulated tournaments: a full round robin, or match by match as
`selfplay arena` chooses them. An opening may favour a colour: a normal number, in nats, is added
to the advantage in both games of a pair. No player's rating is then the strength that was put
in, since chances are averaged over openings; the truth is what the fit finds of the expected
results of the same pairings.
"""

import argparse
import dataclasses
import multiprocessing
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the matrices are small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from selfplay.evaluation.rating import ELO, Prior, fit, fit_pairs, outcome_probabilities
from selfplay.evaluation.schedule import information_gain, next_pair, variance_cut

PAIRS_TOGETHER = 16
OFF = Prior(rating=np.inf, advantage=np.inf, log_draw=np.inf)


@dataclasses.dataclass(frozen=True)
class Setting:
    """A kind of tournament."""

    players: int
    spread: float
    """Elo between the strongest and the weakest; the others lie evenly between."""
    log_draw: float
    games: int
    chosen: bool
    """By the schedule, match by match; else a full round robin."""
    openings: float = 0.0
    """Standard deviation of what an opening adds to the advantage, nats."""
    precision: float | None = None
    anchor: int | None = None
    """Whose rating is 0, of players each twice as dear as the one before; else the mean's."""
    """Elo: stop once all intervals are so narrow."""
    advantage: float = 0.3
    """Nats."""
    twins: bool = False
    """Whether the two weakest are one: their games from an opening end alike for either colour."""


SETTINGS = [
    Setting(2, 100, -1.0, 64, False),
    Setting(4, 300, -3.0, 240, False),
    Setting(8, 600, -1.0, 840, False),
    Setting(8, 600, 2.0, 840, False),
    Setting(8, 2500, -1.0, 840, False),
    Setting(8, 600, -1.0, 840, False, openings=2.0),
    Setting(4, 300, -1.0, 320, True),
    Setting(8, 600, -1.0, 800, True),
    Setting(8, 600, 2.0, 800, True),
    Setting(8, 600, -1.0, 800, True, openings=2.0),
    Setting(13, 1100, -2.0, 1200, True, openings=1.0),
    Setting(13, 2500, -2.0, 1200, True, openings=1.0),
    Setting(5, 400, -1.0, 600, True, openings=2.0, twins=True),
    Setting(5, 400, -1.0, 600, False, openings=2.0, twins=True),
    Setting(8, 600, -1.0, 6000, True, precision=50.0),
    Setting(12, 300, -1.0, 9000, True, precision=50.0, anchor=0),
]


def play(rng: np.random.Generator, setting: Setting, x: float, count: int) -> np.ndarray:
    """Pairs of games [3, 3] of two players whose ratings differ by x nats."""
    twins = setting.twins and x == 0.0
    favour = setting.advantage + setting.openings * rng.normal(size=count)
    ends = []
    for ahead in (x, -x):
        below = outcome_probabilities(ahead + favour, setting.log_draw).cumsum(axis=1)[:, :2]
        ends.append((rng.random((count, 1)) > below).sum(axis=1))
    ends[1] = ends[0] if twins else ends[1]
    pairs = np.zeros((3, 3), np.int64)
    np.add.at(pairs, (ends[0], 2 - ends[1]), 1)
    return pairs


def expected(setting: Setting, truth: np.ndarray, met: np.ndarray) -> np.ndarray:
    """Expected results [N, N, 3] where each two players met in `met` pairs of games."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    favour = setting.advantage + setting.openings * nodes
    x = truth[:, None, None] - truth[None, :, None] + favour
    chances = outcome_probabilities(x, setting.log_draw)
    mean = np.einsum("ijkc,k->ijc", chances, weights / weights.sum())
    return (met + met.T)[..., None] * mean


def simulate(job: tuple[Setting, int]) -> tuple[np.ndarray, np.ndarray, float, float, int]:
    """One tournament: which intervals hold the truth, of players and of differences; widths."""
    setting, seed = job
    rng = np.random.default_rng(seed)
    count = setting.players
    truth = np.linspace(0.0, setting.spread / ELO, count)
    truth[0] = truth[1] if setting.twins else truth[0]
    truth = rng.permutation(truth)
    pairs = np.zeros((count, count, 3, 3), np.int64)
    if setting.chosen:
        everyone = np.ones((count, count), np.bool_)
        each = np.ones(count) if setting.anchor is None else 2.0 ** np.arange(count)
        prices = each[:, None] + each
        ratings = fit_pairs(pairs)
        for _ in range(setting.games // (2 * PAIRS_TOGETHER)):
            worth = information_gain(ratings, PAIRS_TOGETHER)
            if setting.precision:
                if ratings.relative_to(setting.anchor)[1].max() <= setting.precision:
                    break
                worth = variance_cut(ratings, PAIRS_TOGETHER, setting.precision, setting.anchor)
            one, other = next_pair(worth / prices, everyone) or (0, 1)
            pairs[one, other] += play(rng, setting, truth[one] - truth[other], PAIRS_TOGETHER)
            ratings = fit_pairs(pairs)
    else:
        each = setting.games // (count * (count - 1))
        for one, other in zip(*np.triu_indices(count, 1), strict=True):
            pairs[one, other] = play(rng, setting, truth[one] - truth[other], each)
        ratings = fit_pairs(pairs)
    real = fit(expected(setting, truth, pairs.sum(axis=(2, 3))), OFF).elo
    elo, half = ratings.relative_to(setting.anchor)
    if setting.anchor is not None:
        real = real - real[setting.anchor]
    upper = np.triu_indices(count, 1)
    errors = ((elo[:, None] - elo) - (real[:, None] - real))[upper]
    between = np.abs(errors) <= 1.96 * np.sqrt(ratings.variances())[upper] + 1e-9
    games = 2 * int(pairs.sum())
    rated = np.arange(count) != setting.anchor  # the anchor's rating is certain
    return (
        (np.abs(elo - real) <= half)[rated],
        between,
        float(half.mean()),
        float(np.average(ratings.dispersion, weights=pairs.sum(axis=(2, 3)))),
        games,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tournaments", type=int, default=1000)
    tournaments = parser.parse_args().tournaments
    print("| players | Elo apart | equals draw | openings | pairs | games | mean ± ", end="")
    print("| dispersion | held: players | held: differences |")
    with multiprocessing.get_context("spawn").Pool() as pool:
        for setting in SETTINGS:
            jobs = [(setting, seed) for seed in range(tournaments)]
            held, between, half, dispersion, games = zip(
                *pool.map(simulate, jobs, chunksize=10), strict=True
            )
            drawn = outcome_probabilities(np.zeros(1), setting.log_draw)[0, 1]
            kind = "chosen" if setting.chosen else "all"
            if setting.precision:
                kind += f", until ± {setting.precision:.0f}"
            if setting.anchor is not None:
                kind += " of a player"
            if setting.twins:
                kind += ", two of them one"
            print(
                f"| {setting.players} | {setting.spread:.0f} | {100 * drawn:.0f} % | "
                f"{setting.openings:.0f} | {kind} | {np.mean(games):.0f} | {np.mean(half):.0f} | "
                f"{np.mean(dispersion):.2f} | {100 * np.mean(held):.1f} % | "
                f"{100 * np.mean(between):.1f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main()
