"""The command line: finds the command, and says what went wrong in a line.

`selfplay COMMAND --help` shows each command's settings with examples.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from selfplay import __version__
from selfplay.arguments import raised_here
from selfplay.commands import COMMANDS
from selfplay.run.interruption import STOPPED, STOPPED_TEXT, obeyed

CONVERSATIONS = {"play", "explore"}
"""Commands that ask, and take Ctrl-C for an answer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_program = arguments is None and CONVERSATIONS.isdisjoint(words[:1])
    try:
        try:
            with obeyed() if is_program else contextlib.nullcontext():
                status = _main(words)
        finally:
            sys.stdout.flush()
        if status == STOPPED and arguments is None:
            sys.stderr.flush()
            os._exit(status)  # XLA's threads, still at work, would crash a Python that is ending
        return status
    except BrokenPipeError:  # whoever read the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _main(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"selfplay {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"error: no command is called {words[0]!r}\n\n{_overview()}", file=sys.stderr)
        return 2
    if str(Path.cwd()) not in sys.path:  # an environment of one's own, as module:Class
        sys.path.insert(0, str(Path.cwd()))
    try:
        return COMMANDS[words[0]](words[1:]) or 0
    except KeyboardInterrupt:
        return _stopped()
    except Exception as error:
        if isinstance(_first_cause(error), KeyboardInterrupt):
            return _stopped()  # a library was at work, and complains
        message = _message(error)
        if message is None:
            raise
        print(f"error: {message}", file=sys.stderr)
        return 2


def _stopped() -> int:
    print(STOPPED_TEXT, file=sys.stderr)
    return STOPPED


def _message(error: Exception) -> str | None:
    """What to tell a user; None for what must be shown with its traceback."""
    if isinstance(error, (ValueError, RuntimeError)) and raised_here(error):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:  # may not be written, disk full
        return f"{error.filename}: {error.strerror}"
    return None


def _first_cause(error: BaseException) -> BaseException:
    """What all began with, of errors that came while others were handled."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


def _overview() -> str:
    """What `selfplay --help` prints."""
    lines = [
        "selfplay: reinforcement learning by self-play and self-distillation",
        "",
        "usage: selfplay COMMAND [ARGUMENTS]",
        "",
    ]
    for name, command in COMMANDS.items():
        lines.append(f"  {name:<10}{_summary(command)}")
    lines += [
        "",
        "examples:",
        "  selfplay train tic_tac_toe     a perfect agent in about a minute",
        "  selfplay train connect_four    ten minutes, judged against exact truth",
        "  selfplay play                  play against what was trained last",
        "  selfplay new my_game           a game of your own, ready to train",
        "",
        "selfplay COMMAND --help shows a command's settings, with examples.",
    ]
    return "\n".join(lines)


def _summary(command: Callable) -> str:
    return (command.__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
