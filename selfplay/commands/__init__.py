"""One small function a command, heavy imports inside; its docstring is its help."""

from collections.abc import Callable

from selfplay.commands import environments, judging, playing, solving, training

COMMANDS: dict[str, Callable[[list[str]], int | None]] = {
    "envs": environments.envs,
    "show": environments.show,
    "check": environments.check,
    "new": environments.new,
    "train": training.train,
    "distill": training.distill,
    "resume": training.resume,
    "evaluate": judging.evaluate,
    "arena": judging.arena,
    "depth": judging.depth,
    "frontier": judging.frontier,
    "solve": solving.solve,
    "play": playing.play,
    "export": training.export,
    "explore": playing.explore,
    "plot": judging.plot,
    "inspect": judging.inspect,
    "report": judging.report,
    "referee": environments.referee,
}
