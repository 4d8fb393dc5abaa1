"""What all settings have in common: ranges that are checked, and TOML to and from them.

Imports no JAX, so help and errors about settings come at once. Unknown keys are errors.
"""

import dataclasses
import difflib
import math
import tomllib
import typing
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import dacite
import tomli_w

UNBOUNDED = math.inf


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checked:
    """Settings that refuse what could never run, naming the field."""

    section: ClassVar[str] = ""
    """Its name in the whole, the empty one for the whole itself."""
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}
    """Least and greatest value of every number, by its dotted path."""

    def __post_init__(self) -> None:
        """Raises ValueError for a number out of its range."""
        for path, (low, high) in self.ranges.items():
            section, _, field = path.rpartition(".")
            if section != self.section:
                continue
            value = getattr(self, field)
            if value is None:
                continue
            if isinstance(value, bool) or not math.isfinite(value):
                raise ValueError(f"{path} must be a finite number, got {value}")
            if not low <= value <= high:
                range_ = f"at least {low}" if math.isinf(high) else f"between {low} and {high}"
                raise ValueError(f"{path} must be {range_}, got {value}")


SettingsT = TypeVar("SettingsT", bound=Checked)


def settings_from_dict(kind: type[SettingsT], values: dict[str, Any]) -> SettingsT:
    """Settings from nested dictionaries; ValueError naming the field that does not fit."""
    _refuse_unknown_keys(kind, values, "")
    hooks = dacite.Config(type_hooks={float: _to_float}, cast=[tuple])
    try:
        return dacite.from_dict(kind, values, hooks)
    except dacite.DaciteError as error:
        raise ValueError(f"the config does not fit: {error}") from error


def to_dict(config: Checked) -> dict[str, Any]:
    """Nested dictionaries from which the same settings can be made; None is left out."""

    def without_none(values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {key: without_none(value) for key, value in values.items() if value is not None}

    return without_none(dataclasses.asdict(config))


def load_settings(kind: type[SettingsT], path: Path, **overrides: Any) -> SettingsT:
    """Settings from a TOML file; `overrides`, nested like the file, go on top of it."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise ValueError(f"no config file at {path}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from error
    try:
        return settings_from_dict(kind, merged(values, overrides))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def merged(values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Nested dictionaries, with those of `overrides` on top."""
    both = dict(values)
    for key, value in overrides.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merged(both[key], value) if nested else value
    return both


def dumps(config: Checked) -> str:
    """The settings as TOML."""
    return tomli_w.dumps(to_dict(config))


def get(config: Any, path: str) -> Any:
    """The setting at a dotted path such as `network.width`."""
    for name in path.split("."):
        config = getattr(config, name)
    return config


def paths_of(cls: type, prefix: str = "") -> list[str]:
    """Dotted paths of all settings of a kind."""
    hints = typing.get_type_hints(cls)
    paths = []
    for field in dataclasses.fields(cls):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            paths += paths_of(typing.cast(type, kind), f"{prefix}{field.name}.")
        else:
            paths.append(prefix + field.name)
    return paths


def _refuse_unknown_keys(cls: type, values: dict[str, Any], prefix: str) -> None:
    hints = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(known)}"
            raise ValueError(f"unknown setting {prefix}{key}; {hint}")
        if dataclasses.is_dataclass(hints[key]) and isinstance(value, dict):
            _refuse_unknown_keys(typing.cast(type, hints[key]), value, f"{prefix}{key}.")


def _to_float(value: Any) -> Any:
    """TOML's `10` serves where a float is wanted; anything else is left for dacite to refuse."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
