"""Environments: new, listed, shown, checked, held against others' rules."""

import dataclasses

from selfplay.arguments import ask_for_environment, named_values, no_flags, parse, positional
from selfplay.flags import CheckFlags, NewFlags, RefereeFlags, ShowFlags


def new(arguments: list[str]) -> None:
    """Write a small, working package for a game of your own, with its preset and tests.

    NAME is that of the game, its package and its module.

    Examples:
      selfplay new my_game
      selfplay new my_game --output games/my_game
    """
    name, rest = positional(arguments)
    flags = parse("selfplay new NAME", new, rest, NewFlags())
    if name is None:
        raise ValueError("what is it called? its name comes first: selfplay new my_game")
    from selfplay.display.summary import print_new_game
    from selfplay.new import create

    print_new_game(name, create(name, flags.output))


def envs(arguments: list[str]) -> None:
    """List the installed environments, your own included.

    Examples:
      selfplay envs
    """
    no_flags("selfplay envs", envs, arguments)
    from selfplay.display.facts import print_environments

    print_environments()


def show(arguments: list[str]) -> None:
    """Show an environment: its facts, and positions of a random game.

    ENV is a name from `selfplay envs`, or a class of your own as module:Class.

    Examples:
      selfplay show hex
      selfplay show hex --env-args size 5 swap true --seed 3 --every
      selfplay show connect_four --moves "4 4 3"
      selfplay show my_package.my_game:MyGame
    """
    name, rest = positional(arguments)
    env_args, rest = named_values("--env-args", rest)
    flags = parse("selfplay show ENV", show, rest, ShowFlags(env_args=env_args))
    from selfplay.display.show import show_environment

    show_environment(name or ask_for_environment("show"), **dataclasses.asdict(flags))


def check(arguments: list[str]) -> int:
    """Check an environment against every law that search and learning rely on.

    ENV is a name from `selfplay envs`, or a class of your own as module:Class. Each law that is
    broken is named, with the shortest game found that shows it and what to change. The status is
    0 if all laws hold, 1 if one is broken.

    Examples:
      selfplay check my_package.my_game:MyGame
      selfplay check hex --env-args size 5 swap true
      selfplay check my_game --games 2000 --seed 1
    """
    name, rest = positional(arguments)
    env_args, rest = named_values("--env-args", rest)
    flags = parse("selfplay check ENV", check, rest, CheckFlags(env_args=env_args))
    from selfplay.display.check import check_with_view

    holds = check_with_view(name or ask_for_environment("check"), **dataclasses.asdict(flags))
    return 0 if holds else 1


def referee(arguments: list[str]) -> None:
    """Hold an environment's rules against OpenSpiel's, move by move, in random games.

    ENV must name its game in OpenSpiel, by its attribute open_spiel. At the first difference the
    moves and both boards are shown, and the status is 2.

    Examples:
      selfplay referee connect_four
      selfplay referee hex --games 200 --env-args size 5 swap true
      selfplay referee my_package.my_game:MyGame
    """
    name, rest = positional(arguments)
    env_args, rest = named_values("--env-args", rest)
    flags = parse("selfplay referee ENV", referee, rest, RefereeFlags(env_args=env_args))
    from rich.console import Console

    from selfplay.adapters.referee import referee as watch
    from selfplay.environment import registry

    env = registry.make(name or ask_for_environment("referee"), **flags.env_args)
    with Console(stderr=True).status("playing random games by both rules"):
        verdict = watch(env, flags.games, flags.seed)
    if verdict.disagreement is not None:
        raise ValueError(str(verdict))
    Console(highlight=False, markup=False).print(str(verdict))
