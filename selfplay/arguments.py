"""What was typed, taken apart: positional arguments by hand, flags by tyro. Imports no JAX."""

import contextlib
import dataclasses
import functools
import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

FlagsT = TypeVar("FlagsT")


def parse(
    prog: str, command: Callable, arguments: list[str], defaults: FlagsT, told: str = ""
) -> FlagsT:
    """Flags by tyro, described by the command's docstring, and by what else is to be told.

    Raises ValueError for a setting that refuses its value, in its own words, and for a word that is
    no flag's value: what has no flag comes first.
    """
    lines = (command.__doc__ or "").splitlines()
    described = [lines[0], *(line.removeprefix("    ") for line in lines[1:])]
    description = "\n".join([*described, told]).rstrip()
    read = functools.partial(
        tyro.cli, type(defaults), default=defaults, prog=prog, description=description
    )
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            flags, unknown = read(args=arguments, return_unknown_args=True)
    except SystemExit as stop:
        if stop.code in (0, None):  # help, which was printed
            raise
        if (refusal := _refusal(stop)) is not None:
            raise ValueError(str(refusal)) from None
        return read(args=arguments)  # which says it again, aloud
    if not unknown:
        return flags
    if not any(word.startswith("-") for word in unknown):
        words = " ".join(unknown)
        raise ValueError(
            f"what is {words!r}? It is no flag's value, and what has no flag comes before all "
            f"flags, as in: {prog}"
        )
    return read(args=arguments)  # which says what is wrong, and what was meant perhaps


def _refusal(stop: BaseException) -> ValueError | None:
    """What a setting said of its value, where tyro stopped, and drew a box, because of that."""
    earlier = stop.__cause__ or stop.__context__
    if earlier is None or (isinstance(earlier, ValueError) and raised_here(earlier)):
        return earlier
    return _refusal(earlier)


def raised_here(error: BaseException) -> bool:
    """Whether selfplay itself raised the error, as a message for its user.

    Any other comes from a library or an environment's author, who wants the traceback.
    """
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    if innermost is None:
        return False
    return Path(innermost.tb_frame.f_code.co_filename).is_relative_to(Path(__file__).parent)


def no_flags(prog: str, command: Callable, arguments: list[str]) -> None:
    """Answers --help, and refuses anything else, for a command without flags."""

    @dataclasses.dataclass(frozen=True)
    class NoFlags:
        pass

    parse(prog, command, arguments, NoFlags())


def positional(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The first argument if it is no flag, and the rest."""
    if not arguments or arguments[0].startswith("-"):
        return None, arguments
    return arguments[0], arguments[1:]


def positionals(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments before the first flag, and the rest."""
    first_flag = next((i for i, a in enumerate(arguments) if a.startswith("-")), len(arguments))
    return arguments[:first_flag], arguments[first_flag:]


def value_of(flag: str, arguments: list[str]) -> str | None:
    """The value given to a flag, as `--flag VALUE` or `--flag=VALUE`."""
    for i, argument in enumerate(arguments):
        if argument == flag and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith(f"{flag}="):
            return argument.removeprefix(f"{flag}=")
    return None


def named_values(
    flag: str, arguments: list[str]
) -> tuple[dict[str, bool | int | float | str], list[str]]:
    """The names and values behind `flag`, up to the next flag, and the rest of the arguments.

    A number below zero is a value and no flag.

    By hand rather than by tyro, which would allow only the names that the defaults have. Raises
    ValueError for a name without a value.
    """
    if flag not in arguments:
        return {}, arguments
    start = arguments.index(flag)
    behind = arguments[start + 1 :]
    words = list(itertools.takewhile(lambda word: not _is_flag(word), behind))
    if len(words) % 2:
        raise ValueError(f"{flag} takes names and values, such as size 5; got {' '.join(words)}")
    values = {name: _value(text) for name, text in zip(words[::2], words[1::2], strict=True)}
    return values, arguments[:start] + behind[len(words) :]


def _is_flag(word: str) -> bool:
    """Whether a word begins a flag, as `--seed` does and `-5` does not."""
    return word.startswith("-") and isinstance(_value(word), str)


def _value(text: str) -> bool | int | float | str:
    """What a person means by `true`, `5`, `7.5` or any other word."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text


def split_run(arguments: list[str]) -> tuple[Path, list[str]]:
    """The run that was named, or the newest under runs/, and the rest of the arguments.

    Where help is asked for and no run is named, there need not be one.
    """
    from selfplay.run.names import locate, newest

    name, rest = positional(arguments)
    if name is not None:
        return locate(name), rest
    if asks_for_help(rest):
        return Path("RUN"), rest
    return newest(), rest


def asks_for_help(arguments: list[str]) -> bool:
    """Whether help is wanted rather than the command."""
    return not {"-h", "--help"}.isdisjoint(arguments)


def ask_for_environment(command: str) -> NoReturn:
    """Raises ValueError where the environment is missing, naming those there are."""
    from selfplay.environment import registry

    names = ", ".join(registry.names())
    raise ValueError(
        f"which environment? its name comes first: selfplay {command} ENV; installed: {names}"
    )
