"""The compiled program: nothing as large as a tree is copied in its loop, nor split for threads."""

import functools
import math
import os
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.search import engine
from tests.reference import random_trees
from tests.reference.random_trees import World

COPIES = ("copy", "copy-start")


def compiled(kind: str, batch_size: int, num_simulations: int, jit: Any) -> str:
    """The optimized program of a search."""
    recurrent_fn = random_trees.make_recurrent_fn(7)
    policy = {"gumbel": engine.gumbel_muzero_policy, "puct": engine.muzero_policy}[kind]

    def search(world, key):
        root = random_trees.root(world, batch_size, 7)
        output = policy(world, key, root, recurrent_fn, num_simulations)
        return output.action, output.action_weights, output.search_tree.summary()

    return jit(search).lower(World(), jax.random.key(0)).compile().as_text()


def computations(program: str) -> dict[str, list[str]]:
    """Lines of each computation by its name; ENTRY is the outermost."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in program.splitlines():
        start = re.match(r"(ENTRY )?%?([\w.-]+) .*\{$", line)
        if start:
            current = found.setdefault("ENTRY" if start[1] else start[2], [])
        elif " = " in line:
            current.append(line.strip())
    return found


def copied_in_loops(program: str, least: int) -> list[str]:
    """Copies of arrays of `least` elements or more outside the outermost computation."""
    found = []
    for name, lines in computations(program).items():
        for line in lines:
            instruction = re.search(r" = (.*?) ([a-z][\w-]*)\(", line)
            if name == "ENTRY" or not instruction or instruction[2] not in COPIES:
                continue
            shapes = re.findall(r"\w+\[([\d,]*)\]", instruction[1])
            sizes = [math.prod(int(n) for n in shape.split(",") if n) for shape in shapes]
            if max(sizes, default=0) >= least:
                found.append(line)
    return found


@pytest.mark.parametrize("kind", ["gumbel", "puct"])
@pytest.mark.parametrize("num_simulations", [64, 256])
def test_trees_are_updated_in_place(kind, num_simulations):
    program = compiled(kind, 64, num_simulations, engine.jit_search)
    assert sum(" while(" in line for line in program.splitlines()) >= 4
    assert copied_in_loops(program, least=64 * num_simulations) == []


def test_the_check_sees_a_copy():
    """A loop that reads an old array after it wrote a new one cannot work in place."""
    rows = 1000

    def loop(old_is_read, array):
        def step(i, array):
            new = jax.lax.dynamic_update_slice_in_dim(array, array[i][None] + 1.0, i, 0)
            read = (array if old_is_read else new)[(i * 7 + 1) % rows]
            return jax.lax.dynamic_update_slice_in_dim(new, read[None] * 2.0, (i + 3) % rows, 0)

        return jax.lax.fori_loop(0, 10, step, array)

    array = jnp.zeros((rows, 3), jnp.float32)
    bad, good = (
        str(jax.jit(functools.partial(loop, old)).lower(array).compile().as_text())
        for old in (True, False)
    )
    assert len(copied_in_loops(bad, least=rows)) > 0
    assert copied_in_loops(bad, least=rows * 3 + 1) == []
    assert copied_in_loops(good, least=rows) == []


def test_no_work_is_split_for_threads():
    program = compiled("puct", 128, 256, engine.jit_search)
    assert "outer_dimension_partitions" not in program


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core splits nothing")
def test_work_would_be_split_without_the_options():
    assert "outer_dimension_partitions" in compiled("puct", 128, 256, jax.jit)


def test_the_loop_ends_with_the_last_budget():
    """No evaluation happens beyond the largest budget of the batch, whatever the room."""
    calls = []
    plain = random_trees.make_recurrent_fn(7)

    def recurrent_fn(world, keys, action, embedding):
        jax.debug.callback(lambda: calls.append(1))
        return plain(world, keys, action, embedding)

    @engine.jit_search
    def run(world, key, budget):
        root = random_trees.root(world, 3, 7)
        output = engine.muzero_policy(
            world, key, root, recurrent_fn, budget, max_num_simulations=64
        )
        return output.search_tree.summary().visit_counts

    for budget in ([3, 9, 0], [0, 0, 0], [64, 1, 2], [100, 1, 2]):
        calls.clear()
        visits = run(World(), jax.random.key(0), jnp.array(budget, jnp.int32))
        jax.effects_barrier()
        np.testing.assert_array_equal(visits.sum(1), np.minimum(budget, 64))
        assert len(calls) == min(max(budget), 64)
