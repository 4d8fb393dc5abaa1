"""Others' games and players: pgx's environments, OpenSpiel's rules and bots.

Each adapter imports its library only when it is used; an extra of the same name installs it.
"""
