"""Environments that ship with selfplay; each is found through the entry points `selfplay.envs`."""
