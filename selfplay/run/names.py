"""What a person calls a run: its folder, RUN@ITERATION, or the environment it comes with.

An environment that ships a trained agent lends it its name; a folder of that name goes first.
"""

import re
from pathlib import Path

from selfplay.environment import registry
from selfplay.run import directory


def locate(name: Path | str) -> Path:
    """The run's folder, or that of the trained agent that comes with an environment.

    It need not exist. Raises ValueError for an environment that comes without an agent.
    """
    path = Path(name).absolute()
    if path.exists() or not registry.is_known(str(name)):
        return path
    agent = registry.pretrained_path(str(name))
    if agent is None:
        raise ValueError(f"{name} comes without a trained agent; train one: selfplay train {name}")
    return agent


def shown(run: Path) -> str:
    """What a run's folder is called where its path does not matter."""
    return run.name.removesuffix(registry.AGENT_SUFFIX)


def split(name: str) -> tuple[str, int | None]:
    """`RUN@ITERATION` as the run's name and the iteration, if there is one."""
    found = re.fullmatch(r"(.+)@(\d+)", name)
    run, iteration = (name, None) if found is None else (found[1], int(found[2]))
    return run.rstrip("/"), iteration


def newest() -> Path:
    """The newest run under runs/. Raises ValueError where there is none."""
    found = directory.newest()
    if found is None:
        raise ValueError(
            "which run? there is none under runs/; train one: selfplay train ENV, or name an "
            "environment that comes with a trained agent, such as connect_four, before all flags"
        )
    return found.absolute()
