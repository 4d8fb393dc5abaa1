"""A package for a game of one's own: small, complete, tested, ready to be installed.

Its files lie in `template/`; `$name`, `$class_name` and `$title` in them are filled in. Imports
no JAX.
"""

import importlib.util
import keyword
import re
import string
from pathlib import Path

from selfplay import environment
from selfplay.environment import registry

_TEMPLATE = Path(__file__).parent / "template"

_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "$name/__init__.py": "init.py",
    "$name/$name.py": "game.py",
    "$name/$name.toml": "preset.toml",
    "tests/test_$name.py": "test_game.py",
}
"""Where each file goes, and what it is called in the template."""


def create(name: str, folder: Path | None = None) -> Path:
    """Writes the package of a game called `name`, and returns its folder.

    Args:
        name: of the game, its package and its module, in small letters, such as `my_game`.
        folder: where to, by default a folder of that name here; there must be none yet.

    Raises:
        ValueError: the name would not do, or the folder exists.
    """
    refuse_unfit(name)
    folder = Path(name) if folder is None else folder
    if folder.exists():
        raise ValueError(f"{folder} exists already; name a new folder with --output")
    words = {"name": name, "class_name": class_name(name), "title": _title(name)}
    for path, source in _FILES.items():
        text = (_TEMPLATE / f"{source}.template").read_text(encoding="utf-8")
        file = folder / string.Template(path).substitute(words)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(string.Template(text).substitute(words), encoding="utf-8")
    return folder


def class_name(name: str) -> str:
    """The class of a game: `MyGame` for `my_game`."""
    return "".join(word.capitalize() for word in name.split("_"))


def refuse_unfit(name: str) -> None:
    """Raises ValueError unless a new game may be called `name`, saying what would do."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        near = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name), flags=re.ASCII)
        near = near.strip("_0123456789").lower() or "my_game"
        raise ValueError(
            "a game's name is a Python identifier in small letters: it begins with a letter, then "
            f"come letters, digits or _; got {name!r}; try {near}"
        )
    taken = _taken(name)
    if taken is not None:
        raise ValueError(f"{name} {taken}; choose another name, such as {name}_game")


def _taken(name: str) -> str | None:
    """Why a name is no longer free, or None."""
    cls = class_name(name)
    if keyword.iskeyword(name) or keyword.iskeyword(cls):
        return "is a word of Python's own"
    if name in registry.names():
        return "is an installed environment"
    if cls in environment.__all__:
        return f"would make a class {cls}, which selfplay.environment has already"
    if name == "tests" or _is_module(name):
        return "is the name of an installed module, which the game's would hide"
    return None


def _is_module(name: str) -> bool:
    """Whether `import name` finds something; a mere folder here is no module."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None


def _title(name: str) -> str:
    """What a text calls the game: `My game` for `my_game`."""
    return name.replace("_", " ").capitalize()
