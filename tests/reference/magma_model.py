"""Magma models by looking at all tables: slow, and with nothing of the environment's."""

import itertools


def value(term, table, given):
    """Of a term in a table (nested tuples), with values for its variables."""
    if isinstance(term, int):
        return given[term]
    left, right = (value(part, table, given) for part in term)
    return table[left][right]


def failures(law, table):
    """All values of a law's variables at which its sides differ, one by one."""
    for given in itertools.product(range(len(table)), repeat=law.num_variables):
        if value(law.left, table, given) != value(law.right, table, given):
            yield given


def refutations(hypothesis, conclusion, elements):
    """All tables in which one law holds and the other fails, each with each place where it does.

    Returns a set of rows: the values of the conclusion's variables, then the cells.
    """
    found = set()
    for rows in itertools.product(
        itertools.product(range(elements), repeat=elements), repeat=elements
    ):
        if next(failures(hypothesis, rows), None) is None:
            cells = tuple(itertools.chain(*rows))
            found |= {(*place, *cells) for place in failures(conclusion, rows)}
    return found


def next_unknown(domains, num_variables, elements, used):
    """Which unknown is chosen, its values, and how many elements are spoken of before the value.

    Args:
        domains: of each unknown, in the order of `refutations`, the set of its values.
        num_variables: the first so many are the conclusion's variables.
        elements: of the magma.
        used: how many elements were spoken of.
    """

    def spoken_of(index):
        if index < num_variables:
            return used
        return max(used, *(part + 1 for part in divmod(index - num_variables, elements)))

    def values(index):
        return [value for value in sorted(domains[index]) if value <= spoken_of(index)]

    open_ones = [index for index, domain in enumerate(domains) if len(domain) > 1]
    first = open_ones[0]
    if first >= num_variables:
        first = min(open_ones, key=lambda index: (spoken_of(index), len(values(index)), index))
    return first, values(first), spoken_of(first)
