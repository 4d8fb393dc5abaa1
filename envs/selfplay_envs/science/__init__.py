"""Environments of science: a lone player, problems, and answers that others can check."""
