"""How fast is our search? Time, memory and compilation, beside mctx's on the same machine.

    python benchmarks/search_speed.py --output search_speed.md

Both sides search from the same roots with the same keys. Both are compiled first, each once and
from empty caches; then they take turns: mctx, ours, mctx, ours. The figures are medians, with
the range of the ratio over the pairs.

The hashing evaluator has no network: a node is a hash of the moves that led to it, from which
its prior and value are drawn, so the time is the search's own. Connect Four is searched by a
constant evaluator (search, rules and observation together) and by the preset's network.

mctx is jitted plainly, as its users do; in Connect Four it runs as `search.engine = "mctx"` does.
It is left out where one call would take too long, judged by a smaller one. Goals are printed with
their figures, those that fail too; the exit status does not depend on them.
"""

import argparse
import dataclasses
import importlib.metadata
import itertools
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mctx
import numpy as np

from selfplay.config import SearchConfig
from selfplay.environment import Environment, make
from selfplay.environment.contract import NO_PROBLEM, Problem, State, select
from selfplay.environment.registry import preset
from selfplay.networks.build import build
from selfplay.networks.contract import Apply, Params
from selfplay.search import engine, model, tree
from selfplay.search.policy import SearchResult, search

GAME = "connect_four"
LABELS = {
    "hashing": "hashing",
    "constant": "Connect Four, constant",
    "network": "Connect Four, network",
}
ENGINES = {"mctx": "mctx", "ours": "selfplay"}
PARTS = ("hashing", "connect_four", "mixed")
POLICIES = ("puct", "gumbel")

OPENING_PLIES = 6
"""Of Connect Four; in so few moves nobody can have won."""

NETWORK_CALLS = 32
"""Evaluations in one timed run of the network alone."""

SHORTEST_RUN = 0.1
"""Seconds; a timed run repeats shorter calls until it has lasted about so long."""

LEAST_PAIRS = 3
"""However long they take."""

SLOWEST_COPY = 2.5e8
"""Bytes per second: a search that copies its tree at every simulation is quicker than this."""

# What is timed -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Setting:
    """One search to be timed."""

    evaluator: str
    policy: str
    actions: int
    batch: int
    simulations: int

    def __str__(self) -> str:
        return (
            f"{LABELS[self.evaluator]}, {self.policy}, {self.actions} actions, "
            f"batch {self.batch}, {self.simulations} simulations"
        )


class Run(NamedTuple):
    """A function to be compiled and timed."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    compiler_options: dict[str, Any] | None = None


class Work(NamedTuple):
    """What a setting comes to."""

    runs: dict[str, Run]
    """By name; `mctx` and `ours` return the visit counts of the roots first."""
    node_bytes: dict[str, float]
    """Of mctx and ours."""


class Timing(NamedTuple):
    """What came of a run."""

    compile_seconds: float
    seconds: list[float]
    """Of one call, in each round."""
    output: Any


class Row(NamedTuple):
    """A line of the table."""

    setting: Setting
    timings: dict[str, Timing]
    node_bytes: dict[str, float]
    left_out: float | None
    """Estimated seconds of a call of mctx, where that was too many."""

    def cost(self, name: str) -> float | None:
        """Microseconds per simulation of one game; None where it was not timed."""
        if name not in self.timings:
            return None
        setting = self.setting
        seconds = statistics.median(self.timings[name].seconds)
        return seconds * 1e6 / setting.batch / setting.simulations

    def ratios(self, name: str = "mctx") -> list[float]:
        """How many times as long as ours it took, in ascending order; empty if not timed."""
        if name not in self.timings:
            return []
        pairs = zip(self.timings[name].seconds, self.timings["ours"].seconds, strict=True)
        return sorted(theirs / ours for theirs, ours in pairs)

    def network_share(self, name: str) -> float | None:
        """Time of as many network evaluations alone over the search's."""
        if f"network {name}" not in self.timings or name not in self.timings:
            return None
        alone = statistics.median(self.timings[f"network {name}"].seconds) / NETWORK_CALLS
        whole = statistics.median(self.timings[name].seconds) / self.setting.simulations
        return alone / whole

    def same_visits(self) -> float | None:
        """Share of games in which both sides visited every root action equally often."""
        if "mctx" not in self.timings:
            return None
        theirs, ours = (np.asarray(self.timings[name].output[0]) for name in ENGINES)
        return float((theirs == ours).all(axis=-1).mean())


# The hashing evaluator ---------------------------------------------------------------------------


def mix(x: jax.Array) -> jax.Array:
    """A hash of uint32, one to one (C. Wellons, "Prospecting for Hash Functions", 2018)."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def unit(x: jax.Array) -> jax.Array:
    """uint32 to float32 in [0, 1)."""
    return (x >> 8).astype(jnp.float32) * 2.0**-24


def guess(node: jax.Array, actions: int) -> tuple[jax.Array, jax.Array]:
    """Prior logits [B, A] in [0, 1) and value [B] in [-1, 1) of nodes, uint32 [B]."""
    each = jnp.arange(actions, dtype=jnp.uint32) + jnp.uint32(17)
    logits = unit(mix(node[:, None] * jnp.uint32(977) + each))
    return logits, unit(mix(node + jnp.uint32(99_991))) * 2.0 - 1.0


def hashing_root(actions: int, batch: int) -> Any:
    """Roots of B different trees."""
    node = mix(jnp.arange(1, batch + 1, dtype=jnp.uint32))
    logits, value = guess(node, actions)
    output: Any = mctx.RootFnOutput
    return output(prior_logits=logits, value=value, embedding=node)


def hashing_step(params: Any, key: jax.Array, action: jax.Array, node: Any) -> tuple[Any, Any]:
    """An `mctx.RecurrentFn`; the number of actions is that of `params` [A]."""
    del key
    node = mix(node * jnp.uint32(31) + action.astype(jnp.uint32) + jnp.uint32(1))
    logits, value = guess(node, params.shape[0])
    output: Any = mctx.RecurrentFnOutput
    return output(
        reward=jnp.zeros_like(value),
        discount=-jnp.ones_like(value),
        prior_logits=logits,
        value=value,
    ), node


def hashing_work(setting: Setting, tune_mctx: bool) -> Work:
    params = jnp.zeros(setting.actions)
    root = hashing_root(setting.actions, setting.batch)

    def searcher(library: Any) -> Callable[..., Any]:
        """The search by mctx or by the engine, which has its functions."""
        functions = {"puct": library.muzero_policy, "gumbel": library.gumbel_muzero_policy}
        quiet = {"dirichlet_fraction": 0.0, "temperature": 0.0}
        settings = quiet if setting.policy == "puct" else {}

        def run(root: Any, key: jax.Array) -> Any:
            function = functions[setting.policy]
            output = function(params, key, root, hashing_step, setting.simulations, **settings)
            summary = output.search_tree.summary()
            return summary.visit_counts, summary.value, output.action, output.action_weights

        return run

    searchers = {"mctx": searcher(mctx), "ours": searcher(engine)}
    return Work(
        runs=both_sides(searchers, (root, jax.random.key(0)), tune_mctx),
        node_bytes=bytes_per_node(params, root, hashing_step),
    )


# Connect Four ------------------------------------------------------------------------------------


def openings(env: Environment[Any], batch: int) -> Any:
    """Positions [B] after 0 to `OPENING_PLIES` random moves."""

    def play(key: jax.Array, plies: jax.Array) -> State:
        def advance(state: State, key_and_ply: Any) -> tuple[State, None]:
            key, ply = key_and_ply
            legal = env.legal_action_mask(NO_PROBLEM, state)
            action = jax.random.categorical(key, jnp.where(legal, 0.0, -jnp.inf))
            return select(ply < plies, env.step(NO_PROBLEM, state, action), state), None

        keys = jax.random.split(key, OPENING_PLIES)
        return jax.lax.scan(advance, env.init(), (keys, jnp.arange(OPENING_PLIES)))[0]

    keys = jax.random.split(jax.random.key(1), batch)
    return jax.jit(jax.vmap(play))(keys, jnp.arange(batch) % (OPENING_PLIES + 1))


def constant_evaluator(env: Environment[Any]) -> model.Evaluator:
    """Knows nothing, but the observation is written out, as for a network."""

    def evaluate(
        params: Params, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[jax.Array, jax.Array]:
        del params, keys
        seen = jax.lax.optimization_barrier(jax.vmap(env.observe)(problem, state))
        zero = 0.0 * seen.reshape(seen.shape[0], -1).sum(-1)
        return jnp.broadcast_to(zero[:, None], (zero.shape[0], env.num_actions)), zero

    return evaluate


def network_alone(apply: Apply) -> Callable[..., jax.Array]:
    """`NETWORK_CALLS` evaluations of the same observations [B], one after the other."""

    def run(params: Params, observation: jax.Array) -> jax.Array:
        def evaluate(total: jax.Array, _: Any) -> tuple[jax.Array, None]:
            # The barrier keeps the evaluation inside the loop, and each behind the one before.
            total, seen = jax.lax.optimization_barrier((total, observation))
            logits, value = apply(params, seen)
            return total + logits.sum() + value.sum(), None

        return jax.lax.scan(evaluate, jnp.float32(0), length=NETWORK_CALLS)[0]

    return run


def connect_four_config(simulations: int, **changes: Any) -> SearchConfig:
    """The preset's search with so many simulations."""
    return dataclasses.replace(preset(GAME).search, num_simulations=simulations, **changes)


def connect_four_work(setting: Setting, tune_mctx: bool) -> Work:
    env: Environment[Any] = make(GAME)
    network = build(preset(GAME).network, env)
    params, evaluator = (), constant_evaluator(env)
    if setting.evaluator == "network":
        params = jax.jit(network.init)(jax.random.key(2))
        evaluator = model.network_evaluator(env, network.apply)
    state = openings(env, setting.batch)
    keys = jax.random.split(jax.random.key(0), setting.batch)

    def searcher(name: str) -> Callable[..., Any]:
        changes = {"policy": setting.policy, "engine": ENGINES[name]}
        config = connect_four_config(setting.simulations, **changes)

        def run(params: Params, keys: jax.Array, state: Any) -> tuple[jax.Array, SearchResult]:
            result = search(env, evaluator, params, keys, NO_PROBLEM, state, config)
            return result.visit_counts, result

        return run

    searchers = {name: searcher(name) for name in ENGINES}
    runs = both_sides(searchers, (params, keys, state), tune_mctx)
    if setting.evaluator == "network":
        observation = jax.jit(jax.vmap(lambda state: env.observe(NO_PROBLEM, state)))(state)
        for name in ENGINES:
            arguments = (params, observation)
            options = runs[name].compiler_options
            runs[f"network {name}"] = Run(network_alone(network.apply), arguments, options)

    def root(state: Any) -> Any:
        return model.root(env, evaluator, params, jax.random.key(0), NO_PROBLEM, state)

    step = model.make_recurrent_fn(env, evaluator)
    root_shapes = jax.eval_shape(root, state)
    return Work(runs, bytes_per_node((params, NO_PROBLEM), root_shapes, step))


def mixed_budgets_work(batch: int, most: int, least: int) -> tuple[dict[str, Run], int]:
    """Our search with a quarter of the games at `most`, the others at `least`; all at the mean."""
    env: Environment[Any] = make(GAME)
    evaluator = constant_evaluator(env)
    state = openings(env, batch)
    keys = jax.random.split(jax.random.key(0), batch)
    budgets = jnp.where(jnp.arange(batch) < batch // 4, most, least).astype(jnp.int32)
    budgets = jax.random.permutation(jax.random.key(3), budgets)
    mean = round(float(budgets.mean()))

    def searcher(simulations: int) -> Callable[..., SearchResult]:
        config = connect_four_config(simulations, policy="gumbel", engine=ENGINES["ours"])

        def run(keys: jax.Array, state: Any, budgets: jax.Array | None = None) -> SearchResult:
            return search(env, evaluator, (), keys, NO_PROBLEM, state, config, budgets)

        return run

    return {
        "even": Run(searcher(mean), (keys, state), engine.COMPILER_OPTIONS),
        "mixed": Run(searcher(most), (keys, state, budgets), engine.COMPILER_OPTIONS),
    }, mean


# Both --------------------------------------------------------------------------------------------


def work(setting: Setting, tune_mctx: bool = False) -> Work:
    make_work = hashing_work if setting.evaluator == "hashing" else connect_four_work
    return make_work(setting, tune_mctx)


def both_sides(
    searchers: dict[str, Callable[..., Any]], arguments: tuple[Any, ...], tune_mctx: bool
) -> dict[str, Run]:
    """mctx as its users jit it, the engine as it asks to be, and mctx like the engine."""
    runs = {
        "mctx": Run(searchers["mctx"], arguments),
        "ours": Run(searchers["ours"], arguments, engine.COMPILER_OPTIONS),
    }
    if tune_mctx:
        runs["tuned mctx"] = runs["mctx"]._replace(compiler_options=engine.COMPILER_OPTIONS)
    return runs


def bytes_per_node(params: Any, root: Any, step: Any) -> dict[str, float]:
    """What one more simulation adds to one game's tree, for each side."""
    batch = root.value.shape[0]

    def size(simulations: int) -> int:
        def grow(root: Any) -> Any:
            key = jax.random.key(0)
            return mctx.muzero_policy(params, key, root, step, simulations).search_tree

        leaves = jax.tree.leaves(jax.eval_shape(grow, root))
        return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in leaves)

    ours = tree.bytes_per_node(root.prior_logits, root.embedding)
    return {"mctx": (size(3) - size(2)) / batch, "ours": float(ours)}


# The clock ---------------------------------------------------------------------------------------


def compiled(run: Run) -> tuple[Callable[..., Any], float]:
    """The program, and the seconds of tracing and compiling it from empty caches."""
    jax.clear_caches()
    begin = time.perf_counter()
    function = jax.jit(run.function, compiler_options=run.compiler_options)
    program = function.lower(*run.arguments).compile()
    return program, time.perf_counter() - begin


def seconds(program: Callable[..., Any], arguments: tuple[Any, ...], calls: int = 1) -> float:
    """Mean of some calls, one after the other."""
    begin = time.perf_counter()
    for _ in range(calls):
        jax.block_until_ready(program(*arguments))
    return (time.perf_counter() - begin) / calls


def first_call(program: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    """The output, and about how many seconds a call takes: a long one is made only once."""
    begin = time.perf_counter()
    output = jax.block_until_ready(program(*arguments))
    once = time.perf_counter() - begin
    return output, once if once > SHORTEST_RUN else seconds(program, arguments)


def take_turns(runs: dict[str, Run], pairs: int, budget: float) -> dict[str, Timing]:
    """Compiles all, then times them in turn, `pairs` times or as often as fits `budget` seconds."""
    programs = {name: compiled(run) for name, run in runs.items()}
    first = {name: first_call(programs[name][0], run.arguments) for name, run in runs.items()}
    calls = {name: max(1, math.ceil(SHORTEST_RUN / once)) for name, (_, once) in first.items()}
    one_round = sum(calls[name] * once for name, (_, once) in first.items())
    rounds = max(LEAST_PAIRS, min(pairs, int(budget / one_round)))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(programs[name][0], run.arguments, calls[name]))
    return {name: Timing(programs[name][1], times[name], first[name][0]) for name in runs}


def estimate(setting: Setting, known: dict[Setting, float], longest: float) -> float:
    """Seconds of one call of mctx, which grow at most with the square of the simulations.

    From a smaller call among those `known`, or made here; 0 where it is quick by any measure.
    """
    for shrink in (1, 2, 4, 8):
        smaller = dataclasses.replace(setting, simulations=setting.simulations // shrink)
        if smaller in known:
            return known[smaller] * shrink**2
    copied = 24 * setting.actions * setting.batch * setting.simulations**2
    if copied < longest * SLOWEST_COPY or setting.simulations < 16:
        return 0.0
    smaller = dataclasses.replace(setting, simulations=setting.simulations // 4)
    once = estimate(smaller, known, longest)
    if once <= longest:
        run = work(smaller).runs["mctx"]
        program, _ = compiled(run)
        seconds(program, run.arguments)
        once = known[smaller] = seconds(program, run.arguments)
    return once * 16


def compare(setting: Setting, known: dict[Setting, float], options: argparse.Namespace) -> Row:
    """Times a setting; `known` gains mctx's seconds per call."""
    expected = estimate(setting, known, options.longest)
    made = work(setting, options.tune_mctx)
    runs = made.runs
    if expected > options.longest:
        runs = {name: run for name, run in runs.items() if "mctx" not in name}
    timings = take_turns(runs, options.pairs, options.seconds)
    if "mctx" in timings:
        known[setting] = statistics.median(timings["mctx"].seconds)
    left_out = expected if expected > options.longest else None
    return Row(setting, timings, made.node_bytes, left_out)


def warm_up() -> None:
    """Compiles a small search of each kind: the first in a process also loads the compiler."""
    for policy in POLICIES:
        for run in work(Setting("hashing", policy, 7, 2, 4)).runs.values():
            compiled(run)


def compare_budgets(options: argparse.Namespace) -> tuple[str, float]:
    """A sentence about mixed budgets, and the median of the ratios."""
    batch, most, least = 128, 128, 16
    runs, mean = mixed_budgets_work(batch, most, least)
    timings = take_turns(runs, options.pairs, options.seconds)
    pairs = zip(timings["mixed"].seconds, timings["even"].seconds, strict=True)
    ratios = sorted(mixed / even for mixed, even in pairs)
    cost = {name: statistics.median(timings[name].seconds) * 1e6 / batch / mean for name in runs}
    return (
        f"Mixed budgets (ours, {LABELS['constant']}, gumbel, batch {batch}): a quarter of the "
        f"games at {most} simulations, the others at {least}, takes {spread(ratios, 2)} times as "
        f"long as all at the mean, {mean}: {digits(cost['mixed'])} and {digits(cost['even'])} µs "
        f"per simulation; compiled in {timings['mixed'].compile_seconds:.1f} s.",
        statistics.median(ratios),
    )


# Which settings ----------------------------------------------------------------------------------


def grid(
    policies: tuple[str, ...],
    actions: tuple[int, ...],
    batches: tuple[int, ...],
    simulations: tuple[int, ...],
) -> Iterator[Setting]:
    """All combinations, the fewest simulations first: they tell how long more will take."""
    for values in itertools.product(policies, actions, batches, sorted(simulations)):
        yield Setting("hashing", *values)


def default_settings() -> Iterator[Setting]:
    """The part of the whole grid that mctx can do in a few minutes."""
    yield from grid(POLICIES, (7,), (128,), (16, 32, 128, 512, 2048))
    yield from grid(POLICIES, (7,), (1, 16, 1024), (32, 128, 512))
    yield from grid(POLICIES, (82, 362), (128,), (128,))
    yield from grid(POLICIES, (362,), (1,), (128,))


def chosen_settings(options: argparse.Namespace) -> Iterator[Setting]:
    """Hashing settings: the default ones, or the grid that the options span."""
    if not any((options.policies, options.actions, options.batches, options.simulations)):
        yield from default_settings()
        return
    yield from grid(
        tuple(options.policies or POLICIES),
        tuple(options.actions or (7,)),
        tuple(options.batches or (128,)),
        tuple(options.simulations or (32, 128, 512)),
    )


def settings(options: argparse.Namespace) -> Iterator[Setting]:
    if "hashing" in options.parts:
        yield from chosen_settings(options)
    if "connect_four" in options.parts:
        policy, actions = preset(GAME).search.policy, make(GAME).num_actions
        for evaluator, simulations in itertools.product(("constant", "network"), (32, 128, 512)):
            yield Setting(evaluator, policy, actions, 256, simulations)


# What is printed ---------------------------------------------------------------------------------


def digits(figure: float | None) -> str:
    """Three significant digits, or a dash for what was not measured."""
    if figure is None:
        return "–"
    places = 2 if figure <= 0 else max(0, 2 - math.floor(math.log10(figure)))
    return f"{figure:.{places}f}"


def per_cent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}".replace("%", " %")


def spread(ratios: list[float], places: int = 1) -> str:
    """Median, lowest and highest of sorted ratios, or a dash where there are none."""
    if not ratios:
        return "–"
    low, high = ratios[0], ratios[-1]
    return f"{statistics.median(ratios):.{places}f} ({low:.{places}f}–{high:.{places}f})"


def progress(row: Row) -> str:
    left_out = "" if row.left_out is None else f" (left out: about {digits(row.left_out)} s a call)"
    return (
        f"{row.setting}: mctx {digits(row.cost('mctx'))} µs{left_out}, "
        f"ours {digits(row.cost('ours'))} µs, ratio {spread(row.ratios())}"
    )


def columns(tune_mctx: bool) -> dict[str, Callable[[Row], str]]:
    """The table's columns: heading and what stands there."""

    def mctx_cost(row: Row) -> str:
        left_out = row.left_out
        about = f"left out, about {digits(left_out)} s a call" if left_out is not None else ""
        return about or digits(row.cost("mctx"))

    def compile_seconds(row: Row) -> str:
        timings = [row.timings.get(name) for name in ENGINES]
        return " / ".join(f"{t.compile_seconds:.1f}" if t else "–" for t in timings)

    def shares(row: Row) -> str:
        return " / ".join(per_cent(row.network_share(name)) for name in ENGINES)

    tuned: dict[str, Callable[[Row], str]] = {
        "mctx with our compiler options, µs": lambda row: digits(row.cost("tuned mctx")),
        "times as fast as that": lambda row: spread(row.ratios("tuned mctx")),
    }
    return {
        "evaluator": lambda row: LABELS[row.setting.evaluator],
        "policy": lambda row: row.setting.policy,
        "actions": lambda row: f"{row.setting.actions}",
        "batch": lambda row: f"{row.setting.batch:,}",
        "simulations": lambda row: f"{row.setting.simulations:,}",
        "mctx, µs per simulation": mctx_cost,
        "ours": lambda row: digits(row.cost("ours")),
        "times as fast": lambda row: spread(row.ratios()),
        **(tuned if tune_mctx else {}),
        "same visits": lambda row: per_cent(row.same_visits()),
        "bytes a node, mctx / ours": lambda row: (
            f"{row.node_bytes['mctx']:,.0f} / {row.node_bytes['ours']:,.0f}"
        ),
        "compilation, s, mctx / ours": compile_seconds,
        "network's share, mctx / ours": shares,
    }


def table(rows: list[Row], tune_mctx: bool) -> list[str]:
    """Markdown."""
    cells = columns(tune_mctx)
    lines = [list(cells), ["---"] * len(cells)]
    lines += [[show(row) for show in cells.values()] for row in rows]
    text = [f"| {' | '.join(line)} |" for line in lines]
    text[1] = text[1].replace(" ", "")
    return text


def goal(name: str, figure: float | None, limit: float, *, at_least: bool) -> str:
    """A line saying whether the figure keeps to the limit."""
    if figure is None:
        verdict, shown = "not measured", ""
    else:
        holds = figure >= limit if at_least else figure <= limit
        verdict, shown = ("holds" if holds else "FAILS"), f": {digits(figure)}"
    return f"- {verdict}: {name} {'≥' if at_least else '≤'} {limit:g}{shown}"


def goals(rows: list[Row], mixed: float | None) -> list[str]:
    """Which of the goals hold."""
    found = {row.setting: row for row in rows}

    def ratio(setting: Setting) -> float | None:
        ratios = found[setting].ratios() if setting in found else []
        return statistics.median(ratios) if ratios else None

    def cost(*setting: Any) -> float | None:
        row = found.get(Setting(*setting))
        return row.cost("ours") if row else None

    lines = []
    for policy, limits in (("puct", (4, 20, 45)), ("gumbel", (3, 15, 30))):
        for simulations, limit in zip((32, 128, 512), limits, strict=True):
            setting = Setting("hashing", policy, 7, 128, simulations)
            lines.append(goal(f"times as fast, {setting}", ratio(setting), limit, at_least=True))
    for policy in POLICIES:
        setting = Setting("hashing", policy, 362, 128, 128)
        lines.append(goal(f"times as fast, {setting}", ratio(setting), 10, at_least=True))
    alone = [ratio(setting) for setting in found if setting.batch == 1]
    slowest = min((figure for figure in alone if figure is not None), default=None)
    lines.append(goal("times as fast, batch 1, slowest", slowest, 1, at_least=True))
    for policy in POLICIES:
        long, short = (cost("hashing", policy, 7, 128, number) for number in (2048, 512))
        growth = long / short if long and short else None
        name = f"our cost at 2,048 simulations over that at 512, {policy}"
        lines.append(goal(name, growth, 1.5, at_least=False))
    for simulations, limit in ((32, 0.6), (128, 0.6), (512, 2.0)):
        figure = cost("constant", preset(GAME).search.policy, 7, 256, simulations)
        name = f"our µs, {LABELS['constant']}, batch 256, {simulations} simulations"
        lines.append(goal(name, figure, limit, at_least=False))
    name = "our time over that of all at the mean, mixed budgets"
    lines.append(goal(name, mixed, 1.5, at_least=False))
    return [*lines, compile_goal(rows)]


def compile_goal(rows: list[Row]) -> str:
    """All compilations together, because each is timed once; the worst is named."""
    timings = [row.timings for row in rows if "mctx" in row.timings]
    pairs = [(t["mctx"].compile_seconds, t["ours"].compile_seconds) for t in timings]
    if not pairs:
        return goal("our compilation over mctx's", None, 1, at_least=False)
    theirs, ours = (sum(side) for side in zip(*pairs, strict=True))
    worst = max(ours / theirs for theirs, ours in pairs)
    name = f"our compilation over mctx's, {len(pairs)} settings together"
    return f"{goal(name, ours / theirs, 1, at_least=False)} (worst setting {worst:.2f})"


def processor() -> str:
    """The model's name, where the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def header() -> str:
    """Machine, versions and commit."""
    device = jax.devices()[0]
    accelerator = "CPU only" if device.platform == "cpu" else device.device_kind
    names = ("jax", "jaxlib", "mctx")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    return (
        f"{processor()}, {os.cpu_count()} cores, {accelerator}; Python "
        f"{platform.python_version()}, {versions}, commit {commit or 'unknown'}."
    )


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    spans = parser.add_argument_group("another grid for the hashing evaluator")
    spans.add_argument("--simulations", type=int, nargs="+")
    spans.add_argument("--batches", type=int, nargs="+")
    spans.add_argument("--actions", type=int, nargs="+")
    spans.add_argument("--policies", nargs="+", choices=POLICIES)
    parser.add_argument("--pairs", type=int, default=7, help="paired runs of a setting, at most")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help=f"for pairs beyond the first {LEAST_PAIRS}"
    )
    parser.add_argument(
        "--longest", type=float, default=20.0, help="seconds; mctx is left out beyond, as estimated"
    )
    parser.add_argument(
        "--tune-mctx", action="store_true", help="time mctx with our compiler options too"
    )
    parser.add_argument("--output", type=Path, help="write the table and the goals here too")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    jax.config.update("jax_enable_compilation_cache", False)
    warm_up()
    rows: list[Row] = []
    known: dict[Setting, float] = {}
    sentence, mixed = "", None
    for setting in settings(options):
        rows.append(compare(setting, known, options))
        print(progress(rows[-1]), flush=True)
    if "mixed" in options.parts:
        sentence, mixed = compare_budgets(options)
        print(sentence, flush=True)
    lines = [header(), ""]
    lines += [*table(rows, options.tune_mctx), ""] if rows else []
    lines += [sentence, ""] if sentence else []
    text = "\n".join([*lines, "Goals (medians):", "", *goals(rows, mixed)])
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}")


if __name__ == "__main__":
    main()
