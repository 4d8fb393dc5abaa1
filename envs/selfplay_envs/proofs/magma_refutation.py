"""That one law does not imply another, for an environment in which it may be proved to do so."""

from selfplay.environment.contract import Opposite
from selfplay_envs.proofs import magma_finder
from selfplay_envs.proofs.law_table import MAX_OPERATIONS, VARIABLES, num_products
from selfplay_envs.proofs.magma import Law
from selfplay_envs.proofs.magma_model import MOST_ELEMENTS, MagmaModel
from selfplay_envs.proofs.magma_model_replay import actions_of
from selfplay_envs.proofs.magma_models import failing


def opposite(hypothesis: Law, conclusion: Law) -> Opposite | None:
    """A magma in which the hypothesis holds and the conclusion fails, for `Environment.opposite`.

    All tables of two and three elements are looked at; those of four and five are to be searched.
    None for laws that `magma_model` has no room for.
    """
    laws = hypothesis.renamed(), conclusion.renamed()
    operations = max(4, *map(num_products, laws))
    if operations > MAX_OPERATIONS or max(law.num_variables for law in laws) > VARIABLES:
        return None
    env = MagmaModel(operations=operations)
    table = magma_finder.smallest(*laws)
    if table is not None:
        where = failing(laws[1], table) or {}
        known = env.problem(*laws, len(table)), actions_of(table, where, env.elements)
        return Opposite(env, (), known)
    sizes = range(magma_finder.ALL_TABLES + 1, MOST_ELEMENTS + 1)
    return Opposite(
        env,
        tuple(env.problem(*laws, n) for n in sizes),
        ruled_out=f"no magma of up to {magma_finder.ALL_TABLES} elements refutes it",
    )
