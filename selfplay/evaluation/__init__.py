"""How good it is: against exact truth and against players."""
