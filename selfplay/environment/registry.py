"""Where environments are found: by entry point, `module:Class` or `pgx:GAME`, with their presets.

Looking a name up imports no JAX; only `make` does, because it runs the environment's module.
"""

import ast
import difflib
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfplay import config as config_lib

if TYPE_CHECKING:
    from selfplay.environment.contract import Environment

GROUP = "selfplay.envs"

ADAPTERS = {
    "pgx": "selfplay.adapters.pgx:PgxGame",
    "practice": "selfplay.environment.neighbourhood:Neighbourhood",
}
"""Prefixes: `pgx:GAME` is the class behind `pgx`, given GAME first; so is `practice:ENV`."""

AGENT_SUFFIX = ".agent"
"""Of the folder of a trained agent, behind its environment's name."""


def names() -> list[str]:
    """The installed environments, the user's own included."""
    return sorted(entry.name for entry in importlib.metadata.entry_points(group=GROUP))


def is_known(name: str) -> bool:
    """Whether a name is that of an installed environment or has an adapter's prefix."""
    return _adapted(name) is not None or name in names()


def target(name: str) -> tuple[str, str]:
    """Module and class behind a name. Raises ValueError if unknown."""
    entries = {e.name: e.value for e in importlib.metadata.entry_points(group=GROUP)}
    adapted = _adapted(name)
    value = entries.get(name, name) if adapted is None else ADAPTERS[adapted[0]]
    module, colon, cls = value.partition(":")
    if not colon or not module or not cls:
        near = difflib.get_close_matches(name, entries, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(
            f"no environment is called {name!r}; {hint}installed: {', '.join(sorted(entries))}; "
            "or name a class of your own as module:Class, or a game of pgx as pgx:GAME"
        )
    return module, cls


def _adapted(name: str) -> tuple[str, str] | None:
    """Prefix and rest of a name with an adapter's prefix; None for any other."""
    prefix, colon, rest = name.partition(":")
    return (prefix, rest) if colon and prefix in ADAPTERS else None


def make(name: str, **arguments: Any) -> "Environment[Any]":
    """The environment `name`, with its own arguments, such as a board's size."""
    from selfplay.environment.facts import refuse_unfit_facts  # imports JAX

    env = construct(name, **arguments)
    try:
        refuse_unfit_facts(env)
    except ValueError as error:
        raise ValueError(f"environment {name!r}: {error}") from error
    return env


def construct(name: str, **arguments: Any) -> "Environment[Any]":
    """As `make`, but whatever its static facts are: for those who look into them."""
    from selfplay.environment.contract import Environment  # imports JAX

    module_name, class_name = target(name)
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ValueError(f"environment {name!r} could not be imported: {error}") from error
    if not (inspect.isclass(cls) and issubclass(cls, Environment)):
        raise ValueError(
            f"environment {name!r}: {class_name} must be a subclass of "
            f"selfplay.environment.Environment, got {cls!r}"
        )
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise ValueError(f"environment {name!r}: {class_name} has yet to define {missing}")
    adapted = _adapted(name)
    given = () if adapted is None else adapted[1:]
    signature = inspect.signature(cls)
    try:
        signature.bind(*given, **arguments)
    except TypeError as error:
        accepted = ", ".join(list(signature.parameters)[len(given) :]) or "none"
        raise ValueError(f"environment {name!r}: {error}; its arguments: {accepted}") from None
    try:
        return cls(*given, **arguments)
    except ValueError as error:
        raise ValueError(f"environment {name!r}: {error}") from error


def preset_path(name: str) -> Path | None:
    """The TOML file beside the environment's module, or None if it has none."""
    return _beside(name, ".toml")


def pretrained_path(name: str) -> Path | None:
    """The trained agent beside the environment's module, a folder, or None if it has none."""
    return _beside(name, AGENT_SUFFIX)


def arguments_text(name: str) -> str:
    """What the environment's class says of its arguments, under `Args:`, one after the other;
    empty where it says nothing. Read from its source, which is not run."""
    module, cls = target(name)
    source = _source(name, module)
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):  # to be told by who imports it
        return ""
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls)
    described = next((ast.get_docstring(node) or "" for node in classes), "")
    section = re.search(r"^Args:\n((?: +.*\n?)+)", described, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", textwrap.dedent(section[1]).strip()) if section else []
    lines = (" ".join(entry.split()) for entry in entries)
    return "\n".join(textwrap.fill(line, 76, subsequent_indent="    ") for line in lines)


def _beside(name: str, suffix: str) -> Path | None:
    """What has the name of the environment's module but for the suffix, if it is there."""
    module, _ = target(name)
    path = _source(name, module).with_suffix(suffix)
    return path if path.exists() else None


def _source(name: str, module: str) -> Path:
    """The file of an environment's module."""
    try:
        spec = importlib.util.find_spec(module)
    except ImportError as error:
        raise ValueError(f"environment {name!r} could not be found: {error}") from error
    if spec is None or spec.origin is None:
        raise ValueError(f"environment {name!r}: there is no module {module!r}")
    return Path(spec.origin)


def preset(name: str, **overrides: Any) -> config_lib.Config:
    """The config that `selfplay train NAME` uses; `overrides` go on top of it."""
    path = preset_path(name)
    if path is None:
        return config_lib.from_dict(overrides | {"env": name})
    return config_lib.load(path, **(overrides | {"env": name}))
