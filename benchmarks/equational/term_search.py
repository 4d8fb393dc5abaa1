"""Best-first rewriting of terms, compiled: what `blind` runs.

A different term has a number of its own, in tables of the numbers of its two sides, so that equal
terms are equal numbers (J.-C. Filliâtre and S. Conchon, "Type-safe modular hash-consing", 2006). Of
terms that the rest of the budget cannot reach nothing is made.
"""

import heapq

import numpy as np
from numba import njit

MET, EXHAUSTED, FULL = range(3)


@njit(cache=True)
def _product(left, right, size, table, count, a, b):
    """The number of a ◇ b, which is made if it is new; -1 where there is no room."""
    mask = table.shape[0] - 1
    slot = ((a * 0x9E3779B1) ^ (b * 0x85EBCA77) ^ (a >> 7)) & mask
    while table[slot] >= 0:
        node = table[slot]
        if left[node] == a and right[node] == b:
            return node
        slot = (slot + 1) & mask
    node = count[0]
    if node == left.shape[0]:
        return -1
    count[0] += 1
    table[slot] = node
    left[node], right[node], size[node] = a, b, size[a] + size[b] + 1
    return node


@njit(cache=True)
def _match(pattern, node, left, right, values):
    """Whether a term is an instance; `values` are what its variables are, -1 the others."""
    stack = np.empty(pattern.shape[0] + 1, np.int64)
    stack[0], height = node, 1
    values[:] = -1
    for code in pattern:
        height -= 1
        here = stack[height]
        if code < 0:
            if left[here] < 0:
                return False
            stack[height], stack[height + 1] = right[here], left[here]
            height += 2
        elif values[code] < 0:
            values[code] = here
        elif values[code] != here:
            return False
    return True


@njit(cache=True)
def _instance(pattern, values, left, right, size, table, count):
    """The number of the pattern with values for variables; -1 where there is no room."""
    stack = np.empty(pattern.shape[0], np.int64)
    height = 0
    for code in pattern[::-1]:
        if code >= 0:
            stack[height] = values[code]
            height += 1
        else:
            height -= 1
            made = _product(left, right, size, table, count, stack[height], stack[height - 1])
            if made < 0:
                return -1
            stack[height - 1] = made
    return stack[0]


@njit(cache=True)
def _flatten(node, left, right, nodes, above, is_right):
    """A term's subterms from the left, each with where that is of which it is a side; how many."""
    stack = np.empty(nodes.shape[0], np.int64)
    stack[0], height, length = 0, 1, 1
    nodes[0], above[0] = node, -1
    # Breadth does not matter here, so that children are laid down as their parent is met.
    while height:
        height -= 1
        here = stack[height]
        if left[nodes[here]] < 0:
            continue
        for side in range(2):
            nodes[length] = right[nodes[here]] if side else left[nodes[here]]
            above[length], is_right[length] = here, side
            stack[height] = length
            height += 1
            length += 1
    return length


@njit(cache=True)
def _by_size(pool, length, size):
    """Sorts the beginning, in place; the earlier of two alike stays so."""
    for i in range(1, length):
        here, j = pool[i], i
        while j and size[pool[j - 1]] > size[here]:
            pool[j] = pool[j - 1]
            j -= 1
        pool[j] = here


@njit(cache=True)
def search(
    law_left, law_right, law_variables, goal_left, goal_right, goal_variables,
    budget, max_size, size_weight, step_weight, waiting_each, kept_size, room,
):  # fmt: skip
    """Best-first search; see `blind.prove`.

    Args:
        law_left: the law's sides, and then the goal's, in preorder.
        law_right: the same.
        law_variables: how many the law has; they are numbered from 0, and so are the goal's.
        goal_left: where search begins.
        goal_right: where it begins as well, and what is to be met; of size 0, if nothing is.
        goal_variables: how many may be picked.
        budget: expansions.
        max_size: variables and operations of the largest terms.
        size_weight: of the order, for each of these.
        step_weight: for each rewriting that led to a term.
        waiting_each: terms that may wait, for each expansion left; none after them is made.
        kept_size: of what is returned if nothing is met.
        room: different terms.

    Returns:
        How it ended, `MET`, `EXHAUSTED` or `FULL`; expansions; the terms from the left to the right
        one if they met, else those that were reached from the left one; of all terms the left and
        the right side, -1 for a variable, whose number is its own.
    """
    left, right = np.full(room, -1, np.int64), np.full(room, -1, np.int64)
    size = np.ones(room, np.int64)
    table = np.full(4 * room, -1, np.int64)
    count = np.array([goal_variables])
    parent = np.full((2, room), -2, np.int64)  # -2: not met from this side; -1: it begins there
    steps = np.zeros((2, room), np.int64)
    none = np.empty(0, np.int64)

    atoms = np.arange(max(goal_variables, 1)).astype(np.int64)
    roots = np.empty(2, np.int64)
    roots[:] = _instance(goal_left, atoms, left, right, size, table, count)
    queue = [(0, 0, roots[0], 0)]
    parent[0, roots[0]] = -1
    if goal_right.shape[0]:
        roots[1] = _instance(goal_right, atoms, left, right, size, table, count)
        if roots[0] == roots[1]:
            return MET, 0, np.full(1, roots[0]), left[: count[0]], right[: count[0]]
        queue.append((0, 1, roots[1], 1))
        parent[1, roots[1]] = -1

    largest_key = max_size * size_weight + 4096 * step_weight
    waiting = np.zeros(largest_key + 2, np.int64)
    waiting[0] = len(queue)  # terms of each key, of both sides
    bound = largest_key
    within = len(queue)  # terms that wait, of a key up to the bound
    nodes, above = np.empty(2 * max_size + 2, np.int64), np.empty(2 * max_size + 2, np.int64)
    is_right = np.empty(2 * max_size + 2, np.int64)
    pool = np.empty(4 * max_size + 32, np.int64)
    in_pool = np.zeros(room, np.bool_)
    values = np.empty(max(law_variables, 1), np.int64)
    unbound, picks = np.empty(law_variables + 1, np.int64), np.empty(law_variables + 1, np.int64)
    uses = np.empty(law_variables + 1, np.int64)
    age = 1
    expansions = 0
    while expansions < budget and len(queue):
        key, _, term, side = heapq.heappop(queue)
        waiting[key] -= 1
        within -= key <= bound
        expansions += 1
        other = roots[1 - side]
        # What may be picked, smallest first.
        num_pool = 0
        for variable in range(goal_variables):
            pool[num_pool] = variable
            in_pool[variable] = True
            num_pool += 1
        for whole in (other, term):  # the term's own positions stay in `nodes`
            length = _flatten(whole, left, right, nodes, above, is_right)
            for i in range(length):
                if not in_pool[nodes[i]]:
                    in_pool[nodes[i]] = True
                    pool[num_pool] = nodes[i]
                    num_pool += 1
        _by_size(pool, num_pool, size)
        for i in range(num_pool):
            in_pool[pool[i]] = False
        g = steps[side, term] + 1
        for direction in range(2):
            source = law_right if direction else law_left
            target = law_left if direction else law_right
            for at in range(length):
                here = nodes[at]
                if not _match(source, here, left, right, values):
                    continue
                num_unbound, fixed = 0, size[term] - size[here]
                for code in target:
                    if code < 0:
                        fixed += 1
                    elif values[code] >= 0:
                        fixed += size[values[code]]
                    else:
                        which = -1
                        for i in range(num_unbound):
                            if unbound[i] == code:
                                which = i
                        if which < 0:
                            which = num_unbound
                            unbound[which], uses[which], picks[which] = code, 0, 0
                            num_unbound += 1
                        uses[which] += 1
                # All picks, in turn; of a variable no larger ones once one is too large.
                while True:
                    total = fixed
                    for i in range(num_unbound):
                        total += uses[i] * size[pool[picks[i]]]
                    new_key = min(total * size_weight + g * step_weight, largest_key + 1)
                    fits = total <= max_size and new_key <= bound
                    if fits:
                        for i in range(num_unbound):
                            values[unbound[i]] = pool[picks[i]]
                        made = _instance(target, values, left, right, size, table, count)
                        up = at
                        while up > 0 and made >= 0:
                            beside = nodes[above[up]]
                            a = left[beside] if is_right[up] else made
                            b = made if is_right[up] else right[beside]
                            made = _product(left, right, size, table, count, a, b)
                            up = above[up]
                        if made < 0:
                            return FULL, expansions, none, left, right
                        if parent[side, made] == -2:
                            parent[side, made], steps[side, made] = term, g
                            if parent[1 - side, made] != -2:
                                path = _path(parent, made)
                                return MET, expansions, path, left[: count[0]], right[: count[0]]
                            age += 1
                            heapq.heappush(queue, (new_key, age, made, side))
                            waiting[new_key] += 1
                            within += 1
                            left_over = waiting_each * (1 + budget - expansions)
                            while within - waiting[bound] >= left_over:
                                within -= waiting[bound]
                                bound -= 1
                    next_ = 0
                    if not fits:
                        while next_ < num_unbound and picks[next_] == 0:
                            next_ += 1
                        if next_ < num_unbound:
                            picks[next_] = 0
                            next_ += 1
                    while next_ < num_unbound and picks[next_] == num_pool - 1:
                        picks[next_] = 0
                        next_ += 1
                    if next_ >= num_unbound:
                        break
                    picks[next_] += 1
    reached = np.flatnonzero((parent[0, : count[0]] > -2) & (size[: count[0]] <= kept_size))
    return EXHAUSTED, expansions, reached, left[: count[0]], right[: count[0]]


@njit(cache=True)
def _path(parent, meeting):
    """Terms from the left root to the right one."""
    path = [np.int64(meeting)]
    while parent[0, path[-1]] >= 0:
        path.append(np.int64(parent[0, path[-1]]))
    path = path[::-1]
    while parent[1, path[-1]] >= 0:
        path.append(np.int64(parent[1, path[-1]]))
    return np.array(path)
