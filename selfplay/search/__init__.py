"""What improves the guess: Monte Carlo tree search."""
