"""What searches without a network solve of the 1,190 Miller–Schupp presentations.

Run `python -m benchmarks.andrews_curtis.baselines greedy --budget 10000`. Every path found is
replayed by the code of the environment's verifier before it counts. `--save` writes one line for
each presentation solved: its index in the order of `miller_schupp`, presentations popped and
generated, and moves of the path.
"""

import argparse
import csv
import statistics
import time
from pathlib import Path

from benchmarks.andrews_curtis.search import Count, Kind, Outcome, solve
from selfplay.files import write_text
from selfplay_envs.proofs import miller_schupp
from selfplay_envs.proofs.andrews_curtis_replay import is_trivial, replayed, spelled

FIELDS = ("index", "popped", "generated", "moves")


def run(kind: Kind, budget: int, count: Count, longest: int) -> dict[int, Outcome]:
    """The outcome of each presentation, by its index."""
    outcomes = {}
    for index, relators in enumerate(miller_schupp.presentations()):
        first, second = (spelled(word) for word in relators)
        found = solve((first, second), kind, budget=budget, count=count, longest=longest)
        if found.moves is not None and not is_trivial(replayed(relators, found.moves)[-1]):
            raise RuntimeError(f"instance {index}: its path does not end in the trivial one")
        outcomes[index] = found
    return outcomes


def load(path: Path) -> list[int]:
    """The indices in a file that `--save` wrote."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return [int(row["index"]) for row in csv.DictReader(lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["breadth_first", "greedy"])
    parser.add_argument("--budget", type=int, default=10_000, help="presentations an instance")
    parser.add_argument("--count", choices=["popped", "generated"], default="generated")
    parser.add_argument("--longest", type=int, default=24, help="letters of a relator")
    parser.add_argument("--save", type=Path, help="CSV of what was solved")
    options = parser.parse_args()
    began = time.process_time()
    outcomes = run(options.kind, options.budget, options.count, options.longest)
    seconds = time.process_time() - began
    solved = {index: found for index, found in outcomes.items() if found.moves is not None}
    lengths = [len(found.moves or ()) for found in solved.values()]
    popped = sum(found.popped for found in outcomes.values())
    generated = sum(found.generated for found in outcomes.values())
    print(
        f"{options.kind}, {options.budget:,} {options.count}, relators up to {options.longest}: "
        f"{len(solved)} of {len(outcomes)} solved, paths of {statistics.median(lengths):g} moves "
        f"(median; at most {max(lengths)}); {popped:,} popped and {generated:,} generated in all, "
        f"{seconds:.0f} s of processor time"
    )
    if options.save:
        head = f"# {options.kind}, {options.budget} {options.count}, longest {options.longest}\n"
        rows = [
            f"{index},{found.popped},{found.generated},{len(found.moves or ())}\n"
            for index, found in solved.items()
        ]
        write_text(options.save, head + ",".join(FIELDS) + "\n" + "".join(rows))


if __name__ == "__main__":
    main()
