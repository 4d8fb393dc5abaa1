"""Proofs: environments whose episodes are proofs, and those who judge them."""
