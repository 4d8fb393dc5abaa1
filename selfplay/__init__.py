"""Reinforcement learning by self-play and self-distillation.

The folders are the way of the data: what is played (`environment`), what guesses
(`networks`), what improves the guess (`search`), how targets are made (`operators`), where
they are kept (`replay`), what distils them (`learning`), what a run is (`run`), how good it is
(`evaluation`).
"""

__version__ = "0.1.0"
