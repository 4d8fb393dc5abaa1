"""Agents at work: to play against, to look into."""

import dataclasses

from selfplay.arguments import parse, split_run
from selfplay.flags import ExploreFlags, PlayFlags


def play(arguments: list[str]) -> None:
    """Play against a trained agent, in the terminal or the browser, and see what it thinks.

    RUN may be left out: then it is the newest under runs/. The name of an environment stands for
    the trained agent that comes with it.

    Examples:
      selfplay play
      selfplay play connect_four
      selfplay play runs/connect_four-20260101-120000 --side second --simulations 256
      selfplay play --web --open
      selfplay play runs/first --web --versus runs/second --side none
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay play [RUN]", play, rest, PlayFlags())
    side, simulations, iteration = flags.side, flags.simulations, flags.iteration
    if flags.web:
        from selfplay.display.web.server import play_in_browser

        play_in_browser(
            run,
            versus=flags.versus,
            side=side,
            simulations=simulations,
            iteration=iteration,
            port=flags.port,
            open_page=flags.open,
        )
    elif side in ("both", "none") or flags.versus is not None or flags.open:
        raise ValueError("--side both, --side none, --versus and --open need --web")
    else:
        from selfplay.display.play import play_in_terminal

        play_in_terminal(run, side=side, simulations=simulations, iteration=iteration)


def explore(arguments: list[str]) -> None:
    """Look inside a search: walk its tree from any position, compare two checkpoints.

    RUN may be left out: then it is the newest under runs/.

    Examples:
      selfplay explore
      selfplay explore runs/connect_four-20260101-120000 --moves "4 4 3" --simulations 400
      selfplay explore runs/first --versus runs/second
      selfplay explore runs/first --versus runs/first@0
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay explore [RUN]", explore, rest, ExploreFlags())
    from selfplay.display.explore import explore_in_terminal

    explore_in_terminal(run, **dataclasses.asdict(flags))
