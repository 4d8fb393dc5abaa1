"""What is played. An author writes `from selfplay.environment import Game, State`.

Names load on first use, so that the registry and its presets can be read without JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfplay.environment.certificate import Certifier, Judgement
    from selfplay.environment.checks import Report, check
    from selfplay.environment.contract import Environment, SolvedPositions, State, select, zero_sum
    from selfplay.environment.ends import Encounter, Ends
    from selfplay.environment.game import Game
    from selfplay.environment.observation import ArraySpec, Tokens, TokenSpec
    from selfplay.environment.picture import BoardPicture, Target
    from selfplay.environment.registry import make, names, preset
    from selfplay.environment.verifier import Verdict, Verifier

__all__ = [
    "ArraySpec",
    "BoardPicture",
    "Certifier",
    "Encounter",
    "Ends",
    "Environment",
    "Game",
    "Judgement",
    "Report",
    "SolvedPositions",
    "State",
    "Target",
    "TokenSpec",
    "Tokens",
    "Verdict",
    "Verifier",
    "check",
    "make",
    "names",
    "preset",
    "select",
    "zero_sum",
]

_ELSEWHERE = {
    "Encounter": "ends",
    "Ends": "ends",
    "Game": "game",
    "ArraySpec": "observation",
    "TokenSpec": "observation",
    "Tokens": "observation",
    "Certifier": "certificate",
    "Judgement": "certificate",
    "Report": "checks",
    "check": "checks",
    "BoardPicture": "picture",
    "Target": "picture",
    "make": "registry",
    "names": "registry",
    "preset": "registry",
    "Verdict": "verifier",
    "Verifier": "verifier",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _ELSEWHERE.get(name, "contract")
    return getattr(importlib.import_module(f"selfplay.environment.{module}"), name)
