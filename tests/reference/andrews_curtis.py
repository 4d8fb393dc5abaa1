"""Slow rules of Andrews–Curtis: words are reduced as text, looked through again and again."""

import random

CONJUGATORS = (1, -1, 2, -2)
NAMES = {1: "x", -1: "X", 2: "y", -2: "Y"}
LETTERS = {name: letter for letter, name in NAMES.items()}


def reduce(word):
    """Free reduction: a letter and its inverse go, until none stand side by side."""
    text, before = "".join(NAMES[letter] for letter in word), None
    while text != before:
        before = text
        for pair in ("xX", "Xx", "yY", "Yy"):
            text = text.replace(pair, "")
    return tuple(LETTERS[name] for name in text)


def moves(first, second):
    """The twelve presentations that the moves lead to."""

    def of(mine, other):
        yield mine + other
        yield mine + tuple(-letter for letter in other[::-1])
        for g in CONJUGATORS:
            yield (g, *mine, -g)

    return [(reduce(word), second) for word in of(first, second)] + [
        (first, reduce(word)) for word in of(second, first)
    ]


def legal(first, second, length):
    """Which of them fit, and differ from what was there."""
    return [
        pair != (first, second) and max(map(len, pair)) <= length for pair in moves(first, second)
    ]


def random_pairs(count, length, seed):
    """Pairs of reduced words, many of which cancel against each other or are powers."""
    dice = random.Random(seed)

    def word(longest):
        letters = dice.choices((*CONJUGATORS, dice.choice(CONJUGATORS)), k=longest)
        return reduce(tuple(letters))

    pairs = [((1,), (1,)), ((), ()), ((1,), ()), ((-1,) * length, (2,) * length)]
    while len(pairs) < count:
        first, second = word(dice.randint(0, length)), word(dice.randint(0, length))
        shared = first[len(first) - dice.randint(0, len(first)) :]
        inverse = tuple(-letter for letter in shared[::-1])
        second = dice.choice(
            [second, reduce(inverse + second), reduce(shared + second), (dice.choice((1, -2)),) * 3]
        )
        pair = (first, second[:length])
        pairs.append(pair[:: dice.choice((1, -1))])
    return pairs
