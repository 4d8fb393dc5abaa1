"""Tables for a person: the environments, a run's end, an evaluation."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfplay.environment import registry
from selfplay.evaluate import Evaluation
from selfplay.evaluation.arena import MatchResult
from selfplay.evaluation.exact import ExactScore
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory
from selfplay.run.guards import Finding, Guards
from selfplay.run.remedies import given

MARK, DONE = "▲", "✚"


def warnings_table(findings: Sequence[Finding], doses: Sequence[str] = ()) -> Table:
    """What the guards have found: what is seen, what it means, what to try; and what was done."""
    table = Table.grid(padding=(0, 1))
    for finding in findings:
        text = Text.assemble((finding.seen, "bold"), f" {finding.meaning} {finding.remedy}")
        table.add_row(Text(MARK, style="bold yellow"), text)
    for dose in doses:
        table.add_row(Text(DONE, style="bold green"), Text(dose))
    return table


def print_new_game(name: str, folder: Path) -> None:
    """What was written for a new game, and what to type next."""
    console = Console(highlight=False)
    console.print(f"[green]{shortest(folder)}/[/] holds a small game that works, to be changed:\n")
    table = Table.grid(padding=(0, 3))
    for file, what in {
        f"{name}/{name}.py": "the rules; EDIT marks what to look at",
        f"{name}/{name}.toml": "the preset: how it is trained",
        f"tests/test_{name}.py": "the laws, and positions whose outcome you know",
    }.items():
        table.add_row(f"  {file}", what)
    table.add_row("\nNow type", "")
    here = shortest(folder)
    for command, why in {
        f"cd {here}": "",
        "pip install -e .": f"once: from then on {name} is a name",
        f"selfplay check {name}": "does it keep the laws?",
        f"selfplay show {name}": "its facts, and a random game",
        f"selfplay train {name}": "a minute",
        "selfplay play": "you against what was trained",
    }.items():
        table.add_row(f"  {command}", why)
    console.print(table)


def print_end(run: Path) -> None:
    """What a run reached, and what to type next."""
    console = Console()
    rows = metrics.read(RunDirectory(run).metrics)
    last = rows[-1] if rows else {}
    shown = shortest(run)
    done, planned = last.get("iteration", 0), last.get("iterations")
    if planned is None or done < planned:
        if "remedy" in last:
            console.print(warnings_table(Guards(rows).findings, given(rows)), highlight=False)
        console.print(f"\n[yellow]Stopped[/] after iteration {done:,}; everything is saved.")
        command = f"  go on        {program()} resume {shown}"
        console.print(command, highlight=False, soft_wrap=True)
        return
    games = sum(row["games"] for row in rows)
    console.print(f"\n[green]Done[/]: {games:,.0f} games in {last['seconds'] / 60:.1f} minutes.")
    if "exact/search" in last:
        console.print(
            f"Moves that keep the value: network alone {100 * last['exact/network']:.1f} %, "
            f"with search {100 * last['exact/search']:.1f} % "
            f"(random moves {100 * last['exact/random']:.1f} %).",
            highlight=False,
        )
    if findings := Guards(rows).findings:
        console.print("\nLooked at with care, this run has a weakness:", highlight=False)
    if findings or given(rows):
        console.print(warnings_table(findings, given(rows)), highlight=False)
        console.print()
    problem = _example(run)
    for what, words in {
        "judge it": f"evaluate {shown}",
        **(
            {"give it a problem": f"solve {shown} {problem}"}
            if problem
            else {"play it": f"play {shown}"}
        ),
        "draw its curves": f"plot {shown}",
        "write it up": f"report {shown}",
        "train it further": f"resume {shown} --minutes 10",
    }.items():
        line = f"  {what:<18}{program()} {words}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _example(run: Path) -> str:
    """A problem of a lone player's that was not trained on, as it is typed; "" for games."""
    config = RunDirectory(run).read_config()
    env = registry.make(config.env, **config.env_args)
    if env.num_players != 1:
        return ""
    problem = env.sample_problem_at(jax.random.key(config.seed), jnp.int32(0), "held_out")
    text = env.format_problem(problem)
    return shlex.quote(text) if text else ""


def print_evaluation(evaluation: Evaluation) -> None:
    """The scores of a run: exact truth by bucket, then opponents."""
    console = Console()
    if evaluation.exact and evaluation.random is not None:
        console.print(exact_table(evaluation))
    if evaluation.matches:
        console.print(match_table(evaluation.matches))
    if evaluation.alone is not None:
        low, high = evaluation.alone.interval
        console.print(
            f"{evaluation.alone.name}: mean return {evaluation.alone.mean_return:.3f} "
            f"[{low:.3f}, {high:.3f}] on {evaluation.alone.episodes} held-out problems"
        )
    folder = RunDirectory(evaluation.run)
    if folder.keeps_results:
        console.print(f"written to {shortest(folder.evaluation)}", soft_wrap=True)


def exact_table(evaluation: Evaluation) -> Table:
    """Moves that keep the value, by simulations and bucket; critical positions in brackets."""
    assert evaluation.random is not None
    count = sum(bucket.positions for bucket in evaluation.random.buckets)
    table = Table(
        title=f"Moves that keep the value, % of {count:,} solved positions\n"
        "(in brackets: of the critical ones, where a wrong move exists)",
        title_justify="left",
        caption="value sign: share in which the value's side is right; |value| < 1/3 is a draw",
        caption_justify="left",
    )
    table.add_column("simulations", no_wrap=True)
    for bucket in evaluation.random.buckets:
        table.add_column(bucket.name, justify="right")
    table.add_column("mean", justify="right", style="bold")
    table.add_column("value sign", justify="right")
    table.add_row("random moves", *_cells(evaluation.random), "–", style="dim")
    for simulations, score in evaluation.exact.items():
        name = "0 (network)" if simulations == 0 else str(simulations)
        table.add_row(name, *_cells(score), f"{100 * score.value_sign_right:.1f}")
    return table


def _cells(score: ExactScore) -> list[str]:
    cells = [
        _share(b.kept / b.positions, b.critical_kept / b.critical if b.critical else 1.0)
        for b in score.buckets
    ]
    return [*cells, _share(score.kept, score.critical_kept)]


def _share(all_positions: float, critical: float) -> str:
    return f"{100 * all_positions:.1f} ({100 * critical:.1f})"


def match_table(matches: tuple[MatchResult, ...]) -> Table:
    """Games against each opponent."""
    table = Table(
        title=f"{matches[0].names[0]}; {matches[0].games} games each, half with each colour",
        caption="in brackets: 95 % interval; pure MCTS: simulations a move, random rollouts",
        caption_justify="left",
        title_justify="left",
        box=box.SIMPLE_HEAD,  # with all its headings whole in a terminal of 80 columns
        padding=(0, 2, 0, 0),
        show_edge=False,
    )
    table.add_column("against", overflow="fold")
    for column in ("won", "drawn", "lost", "score, %", "as first", "second"):
        table.add_column(column, justify="right", no_wrap=True)
    for result in matches:
        low, high = result.interval
        table.add_row(
            result.names[1],
            str(result.wins),
            str(result.draws),
            str(result.losses),
            f"{100 * result.score:.1f} ({100 * low:.0f}–{100 * high:.0f})",
            f"{100 * result.as_player_0.score:.1f}",
            f"{100 * result.as_player_1.score:.1f}",
        )
    return table


def program() -> str:
    """What to type for `selfplay` here: its path, where the shell would not find it."""
    if shutil.which("selfplay"):
        return "selfplay"
    invoked = Path(sys.argv[0])
    return shortest(invoked) if invoked.name == "selfplay" else "python -m selfplay"


def shortest(path: Path) -> str:
    """The path as a person would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
