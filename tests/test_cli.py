"""The command line, as a person types it."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from selfplay import cli
from selfplay import config as config_lib
from selfplay.display import live, play, plot, summary
from selfplay.run.directory import RunDirectory
from tests import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, trained by the command."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    assert cli.main(["train", "tic_tac_toe", *tiny.FLAGS, "--run", str(path)]) == 0
    return path


def test_help_is_instant_and_imports_no_jax():
    code = (
        "import sys; from selfplay import cli; cli.main(['--help']); sys.exit('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in cli.COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_has_examples_in_its_help(command, run, capsys, monkeypatch):
    monkeypatch.chdir(run.parent.parent)
    words = [command, str(run)] if command not in ("envs", "train") else [command]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*words, "--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert f"selfplay {command}" in said
    assert "Examples:" in said


def test_help_of_an_environment_tells_of_its_arguments(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "equational", "--help"])
    said = capsys.readouterr().out
    assert "Arguments of equational, as --env-args NAME VALUE" in said
    assert "  size: 31, 63 or 127; a network plays with any of them.\n" in said


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_needs_no_run(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    assert "Examples:" in capsys.readouterr().out


def test_what_is_typed_is_what_is_set(run):
    kept = config_lib.to_dict(RunDirectory(run).read_config())
    given = config_lib.to_dict(config_lib.from_dict(tiny.SETTINGS))
    free = ("iterations", "minutes", "logging")
    assert {k: v for k, v in kept.items() if k not in free} == {
        k: v for k, v in given.items() if k not in free
    }


def test_the_end_of_training_says_what_to_type_next(run, capsys):
    summary.print_end(run)
    said = capsys.readouterr().out
    for command in ("evaluate", "play", "plot", "report", "resume"):
        assert f"selfplay {command} " in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "no command is called 'trian'"),
        (["train"], "which environment?"),
        (["train", "conect_four"], "did you mean connect_four?"),
        (["train", "tic_tac_toe", "--config", "nowhere.toml"], "no config file at nowhere.toml"),
        (["train", "tic_tac_toe", "--minutes", "0"], "minutes must be at least"),
        (["train", "tic_tac_toe", "--env-args", "size", "1"], "size"),
        (["train", "tic_tac_toe", "--env-args", "rows", "3"], "its arguments: size"),
        (["train", "hex", "--env-args", "size", "4", "swap", "perhaps"], "swap must be true or"),
        (["train", "tic_tac_toe", "--env-args", "size"], "takes names and values, such as size 5"),
        (["train", "tic_tac_toe", "--rollout.max-opening-plies", "9"], "max_opening_plies"),
        (["train", "tic_tac_toe", "--network.kind", "resnet", "--num-devices", "99"], "99"),
        (
            ["train", "tic_tac_toe", "--learner.mask-fraction", "1"],
            "error: learner.mask_fraction m",
        ),
        (["train", "tic_tac_toe", "--rollout.entropy-weight", "0.1"], "environments of one player"),
        (["distill", "connect_four", "--keep-share", "0.5"], "error: keep_share and least_conf"),
        (["distill", "connect_four", "--guards.remedy", "real"], "alarm is --remedy, as in"),
        (["train", "tic_tac_toe", "--config", "."], "no config file at ."),
        (["train", "tic_tac_toe", "--from", "connect_four"], "it plays connect_four, not tic"),
        (["play", "connect_four", "--simulations", "0"], "1 to 65,534 simulations, 0 were"),
        (["evaluate", "connect_four", "--games", "-2"], "0 or more and even"),
        (["report", "connect_four"], "an exported network, which has no history"),
        (["plot", "connect_four"], "an exported network, which has no history"),
        (["arena", "connect_four", "random", "--games", "1"], "at least 2 games"),
        (["arena", "connect_four", "random", "--output", "a.xyz"], "must end in one of"),
        (["arena", "connect_four", "random", "--output", "no/a.png"], "there is no folder"),
        (["resume", "nowhere"], "is not a run"),
        (["evaluate", "nowhere"], "is not a run"),
        (["play", "nowhere"], "is not a run"),
        (["explore", "nowhere"], "is not a run"),
        (["arena", "nowhere"], "is not a run"),
        (["depth", "nowhere"], "is not a run"),
        (["frontier", "nowhere"], "is not a run"),
        (["arena", "random"], "which run?"),
        (["check", "--games", "8", "tic_tac_toe"], "before all flags, as in: selfplay check ENV"),
    ],
)
def test_mistakes_are_one_clear_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert "setting up" not in said.out
    assert not (tmp_path / "runs").exists()


def test_unknown_settings_are_errors(tmp_path, capsys):
    file = tmp_path / "my.toml"
    file.write_text('env = "tic_tac_toe"\nminutes = 1\n[search]\nnum_simulation = 4\n')
    assert cli.main(["train", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    assert "did you mean search.num_simulations?" in said and "my.toml" in said


def test_a_finished_run_is_resumed_only_when_asked(run, capsys):
    assert cli.main(["resume", str(run)]) == 2
    assert "--minutes or --iterations" in capsys.readouterr().err
    assert cli.main(["resume", str(run), "--iterations", "4"]) == 0


def test_evaluate_prints_both_tables(run, capsys):
    words = "--simulations 0 2 --games 4 --mcts-simulations 2 --minimax-depth 1".split()
    assert cli.main(["evaluate", str(run), *words]) == 0
    said = capsys.readouterr().out
    for part in ("0 (network)", "random moves", "minimax, depth 1", "pure MCTS", "early", "late"):
        assert part in said


def test_arena_rates_a_run_and_draws_it(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    words = "random --simulations 0 --games 60 --anchor random".split()
    assert cli.main(["arena", str(run), *words]) == 0
    said = capsys.readouterr().out
    for part in (
        "Elo, random is 0",
        f"@ITERATION of {run}",
        "@0 ",
        "+0 ",
        "± 0 ",
        "the networks alone",
    ):
        assert part in said
    assert (run / "arena.png").read_bytes().startswith(b"\x89PNG")
    known = json.loads((run / "arena.json").read_text())
    elo = {player["name"]: player["elo"] for player in known["players"]}
    assert elo["random"] == 0.0
    assert list(elo.values()) == sorted(elo.values(), reverse=True)
    assert all(player["low"] <= player["elo"] <= player["high"] for player in known["players"])
    assert sum(player["games"] for player in known["players"]) == 2 * known["games"]


def test_depth_measures_draws_and_says_how_many(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    words = "--simulations 0 2 --games 300 --rivals random --precision 300".split()
    assert cli.main(["depth", str(run), *words]) == 0
    said = capsys.readouterr()
    for part in (
        "keep the value, %",
        "gumbel 2",
        "ms a move",
        "random",
        "over the evaluator alone",
    ):
        assert part in said.out
    for file in ("depth.json", "depth.csv", "depth.png", "depth.svg"):
        assert (run / file).stat().st_size > 100
    assert "measuring network@" in said.err
    assert cli.main(["depth", str(run), *words, "--seed", "1"]) == 2
    assert "holds a study with seed 0, not 1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "plot"])
def test_what_cannot_be_written_is_refused_before_any_work(run, command, tmp_path, capsys):
    output = str(tmp_path / "nowhere" / "file.png")
    assert cli.main([command, str(run), "--output", output]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_run_that_may_not_be_written_is_judged_all_the_same(run, capsys, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != run)
    (run / "evaluation.json").unlink(missing_ok=True)
    assert cli.main(["evaluate", str(run), "--simulations", "0", "--games", "0"]) == 0
    assert "written" not in capsys.readouterr().out
    assert not (run / "evaluation.json").exists()


def test_a_full_disk_is_one_clear_line(run, capsys, monkeypatch):
    def full(*arguments, **settings):
        raise OSError(28, "No space left on device", "curves.png")

    monkeypatch.setattr("selfplay.display.plot.plot_run", full)
    assert cli.main(["plot", str(run)]) == 2
    assert capsys.readouterr().err == "error: curves.png: No space left on device\n"


def test_an_impatient_ctrl_c_leaves_no_traceback(run, capsys, monkeypatch):
    def interrupted(*arguments, **settings):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise RuntimeError("a library, on its way out")  # noqa: B904

    monkeypatch.setattr("selfplay.display.plot.plot_run", interrupted)
    assert cli.main(["plot", str(run)]) == 130
    assert "stopped at once" in capsys.readouterr().err


def test_a_picture_that_cannot_be_drawn_is_refused_before_any_game(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["arena", str(run), "random", "--output", "ladder.png"]) == 2
    assert "pip install 'selfplay[plot]'" in capsys.readouterr().err


def test_a_reader_who_has_had_enough_is_no_error():
    words = [sys.executable, "-m", "selfplay", "train", "tic_tac_toe", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_envs_lists_all(capsys):
    assert cli.main(["envs"]) == 0
    said = capsys.readouterr().out
    assert "connect_four" in said and "1,500 solved" in said


def test_plot_draws_a_picture(run, tmp_path):
    path = plot.plot_run(run, tmp_path / "curves.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_play_to_the_end_with_undo_and_mistakes(run, capsys, monkeypatch):
    moves = [*"123456789", *"123456789"]
    answers = iter(["help", "hint", "undo", "ten", "1", "undo", *moves, "quit"])
    monkeypatch.setattr("rich.console.Console.input", lambda *_: next(answers))
    play.play_in_terminal(run, side="first", simulations=2, iteration=None)
    said = capsys.readouterr().out
    assert "no move of yours to take back" in said
    assert "no action is called 'ten'" in said
    assert any(end in said for end in ("You win.", "The agent wins.", "A draw."))


def test_play_ends_with_the_input(run, monkeypatch, capsys):
    def closed(*_):
        raise EOFError

    monkeypatch.setattr("rich.console.Console.input", closed)
    play.play_in_terminal(run, side="second", simulations=2, iteration=None)
    assert "Until next time." in capsys.readouterr().out


def test_play_goes_on_after_the_end(run, monkeypatch, capsys):
    """A move is taken back and made again; another game begins with sides swapped."""
    moves, wishes = [*"123456789"], iter(["what", "undo", "again", "quit"])

    def answer(_, prompt, **__):
        if prompt.startswith("undo"):
            return next(wishes)
        moves.append(moves.pop(0))  # round and round, past what is taken
        return moves[-1]

    monkeypatch.setattr("rich.console.Console.input", answer)
    play.play_in_terminal(run, side="first", simulations=2, iteration=None)
    said = capsys.readouterr().out
    assert next(wishes, None) is None
    games = said.split("You are the second player.")
    ends = [sum(map(game.count, ("You win.", "The agent wins.", "A draw."))) for game in games]
    assert ends == [2, 1]
    assert said.endswith("Until next time.\n")


def test_explore_compares_checkpoints_until_the_input_ends(run, monkeypatch, capsys):
    steps = sorted(int(path.name) for path in (run / "checkpoints").iterdir())
    answers = iter(["5", "nonsense", "up", "up"])

    def answer(*_, **__):
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("rich.console.Console.input", answer)
    words = ["--moves", "12", "--simulations", "9", "--versus", f"{run}@{steps[0]}"]
    assert cli.main(["explore", str(run), *words]) == 0
    said = capsys.readouterr().out
    newest, oldest = (f"{run.name}@{step}" for step in (steps[-1], steps[0]))
    assert newest != oldest
    assert f"A: {newest}, value" in said and f"B: {oldest}, value" in said
    assert "no action is called 'nonsense'" in said and "Until next time." in said
    assert cli.main(["explore", str(run), "--moves", "1 1"]) == 2
    assert "1 is not allowed here" in capsys.readouterr().err


def test_sparks_and_clock():
    assert live.sparks([0.0, 1.0]) == "▁█"
    assert live.sparks([0.5]) == "▁"
    assert live.clock(61) == "1:01"
    assert live.clock(3661) == "1:01:01"


def test_play_in_the_browser_until_ctrl_c(run):
    words = ["play", str(run), "--web", "--port", "0", "--versus", str(run), "--side", "none"]
    command = [sys.executable, "-m", "selfplay", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("play at ").strip()
        assert process.stdout.readline() == "Ctrl-C ends it\n"
        with urllib.request.urlopen(address, timeout=60) as response:
            assert b"<title>selfplay</title>" in response.read()
        process.send_signal(signal.SIGINT)
        assert process.communicate()[0] == "Until next time.\n"
    assert process.returncode == 0
