"""Where agents sit: one environment, and the answers to what a page asks; no HTTP."""

import dataclasses
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

import jax

from selfplay.agent import Agent
from selfplay.display.web.moves import Positions
from selfplay.display.web.notation import read_moves
from selfplay.display.web.thoughts import MAX_SIMULATIONS, Thinker

Side = Literal["first", "second", "both", "none"]


@dataclasses.dataclass(frozen=True)
class Question:
    """What a page may ask with; each answer reads what it needs."""

    problem: str = ""
    """What the episode is about, for `Environment.parse_problem`."""
    moves: list[int] = dataclasses.field(default_factory=list)
    """Actions since the beginning."""
    text: str = ""
    """Moves as a person wrote them."""
    agent: int = 0
    simulations: int = 0
    seed: int = 0


class Table:
    """Agents by name, all of one environment. Its answers are JSON, and depend on the question.

    Searches run one at a time in a thread of their own, which begins by compiling.
    Raises ValueError unless all agents play the same.
    """

    def __init__(self, agents: dict[str, Agent], side: Side, simulations: int | None = None):
        """`side` and `simulations` are what the page begins with."""
        self._agents = agents
        leader, first = next(iter(agents.items()))
        for name, agent in agents.items():
            for field in ("env", "env_args"):
                theirs, ours = (getattr(a.config, field) for a in (agent, first))
                if theirs != ours:
                    raise ValueError(
                        f"both agents must play the same game: {field} of {name} is {theirs!r}, "
                        f"of {leader} {ours!r}"
                    )
        self._env, self._config = first.env, first.config
        self._side: Side = side
        if simulations is None:
            simulations = min(first.config.evaluation.num_simulations, MAX_SIMULATIONS)
        if not 0 <= simulations <= MAX_SIMULATIONS:
            raise ValueError(f"--simulations must be 0 to {MAX_SIMULATIONS}, got {simulations}")
        self._simulations = simulations
        self._positions = Positions(first.env)
        self._thinkers = [Thinker(agent, self._positions) for agent in agents.values()]
        self.closed = False
        self._thread = ThreadPoolExecutor(1, "search")
        self._warm = self._thread.submit(self._warm_up)

    def facts(self, question: Question) -> dict[str, Any]:
        """What does not change: the game, its actions, the agents, and how to begin."""
        del question
        powers = {1 << n for n in range(MAX_SIMULATIONS.bit_length())}
        return {
            "game": self._config.env.rpartition(":")[2].replace("_", " "),
            "arguments": {name: str(value) for name, value in self._config.env_args.items()},
            "players": self._env.num_players,
            "actions": self._positions.names,
            "has_problems": self._new_problem(0) != "",
            "agents": [{"name": n, "iteration": a.iteration} for n, a in self._agents.items()],
            "budgets": sorted({0, self._simulations} | powers),
            "simulations": self._simulations,
            "side": self._side,
        }

    def status(self, question: Question) -> dict[str, Any]:
        """Whether the searches are compiled. Raises what compiling them raised."""
        del question
        if self._warm.done():
            self._warm.result()
        return {"ready": self._warm.done()}

    def problem(self, question: Question) -> dict[str, Any]:
        """A new problem, the same for the same `seed`; the empty text for games."""
        return {"problem": self._new_problem(question.seed)}

    def position(self, question: Question) -> dict[str, Any]:
        """The position after `moves`; see `Positions.describe`."""
        return self._positions.describe(self._parse(question), question.moves)

    def read(self, question: Question) -> dict[str, Any]:
        """The moves that `text` names; see `read_moves`."""
        return read_moves(self._positions, self._parse(question), question.text)

    def think(self, question: Question) -> Future[dict[str, Any]]:
        """What an agent thinks after `moves`, when its turn to search comes; see `Thinker`."""
        if not 0 <= question.agent < len(self._thinkers):
            raise ValueError(f"agent must be 0 to {len(self._thinkers) - 1}, got {question.agent}")
        thinker, problem = self._thinkers[question.agent], self._parse(question)
        return self._thread.submit(thinker.think, problem, question.moves, question.simulations)

    def close(self) -> None:
        """Forgets the searches that have not begun, and waits for none."""
        self.closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _parse(self, question: Question) -> Any:
        return self._env.parse_problem(question.problem)

    def _new_problem(self, seed: int) -> str:
        if not 0 <= seed < 2**31:
            raise ValueError(f"seed must be 0 to {2**31 - 1}, got {seed}")
        return self._env.format_problem(self._env.sample_problem(jax.random.key(seed)))

    def _warm_up(self) -> None:
        """Compiles what the first move needs."""
        problem = self._env.parse_problem(self._new_problem(0))
        for thinker in self._thinkers:
            for simulations in sorted({0, self._simulations}):
                thinker.think(problem, [], simulations)
