"""Prompts that begin alike: found, ordered, kept."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.inference.prefixes import (
    WORTH_SHARING,
    Prefix,
    PrefixStore,
    common_length,
    in_order,
    shared_beginnings,
)

pieces = st.lists(st.integers(0, 2), max_size=4)


def spelled(choices):
    """Prompts of a tree: every choice is a long piece of its own, so that sharing is worth it."""
    return [100 * (level + 1) + 10 * choice + place % 10 for level, choice in enumerate(choices) for place in range(70)]


prompts = st.lists(st.tuples(st.integers(0, 1), pieces.map(spelled).map(lambda ids: [1, *ids])), max_size=9)


@given(prompts)
def test_what_is_shared_is_alike_and_worth_it(keyed):
    level_of: dict[int, list[tuple[int, int]]] = {}
    for shared in shared_beginnings(keyed):
        first_key, first = keyed[shared.rows[0]]
        assert len(shared.rows) > 1
        for row in shared.rows:
            key, ids = keyed[row]
            assert key == first_key and ids[: shared.end] == first[: shared.end] and shared.end < len(ids)
            before = level_of.setdefault(row, [])
            assert [level for level, _ in before] == list(range(shared.level))
            assert all(end < shared.end for _, end in before)
            before.append((shared.level, shared.end))


@given(prompts)
def test_reading_the_shared_once_reads_every_distinct_beginning_about_once(keyed):
    """Less than WORTH_SHARING tokens for each branching are read twice."""
    read = [0] * len(keyed)
    total = 0
    for shared in shared_beginnings(keyed):
        leader = max(shared.rows, key=read.__getitem__)
        total += shared.end - read[leader]
        for row in shared.rows:
            read[row] = max(read[row], shared.end)
    total += sum(len(ids) - done for (_, ids), done in zip(keyed, read, strict=True))
    distinct = {(key, tuple(ids[: length + 1])) for key, ids in keyed for length in range(len(ids) - 1)}
    assert len(distinct) + len(keyed) <= total + 1e-9
    assert total < len(distinct) + len(keyed) + WORTH_SHARING * max(1, len(keyed))


@given(prompts)
def test_the_order_is_of_all_and_the_longest_is_first(keyed):
    order = in_order(keyed)
    assert sorted(order) == list(range(len(keyed)))
    for place, row in enumerate(order):
        if len(keyed[row][1]) == max(len(ids) for _, ids in keyed):
            break
        (key, ids), (next_key, following) = keyed[row], keyed[order[place + 1]]
        mostly = 2 * min(common_length(ids, following), len(ids) - 1, len(following) - 1)
        assert key == next_key and mostly > min(len(ids), len(following)), (
            "one less long stands before, unlike the rest"
        )


def test_alike_prompts_stay_together_and_others_go_by_length():
    tools = list(range(1000, 1100))
    keyed = [(0, [5] * 30), (0, [*tools, 1]), (0, [6] * 90), (0, [*tools, 2, 3]), (1, [*tools, 7])]
    assert [keyed[row] for row in in_order(keyed)] == [keyed[1], keyed[3], keyed[4], keyed[2], keyed[0]]


def prefix(ids, key=0):
    return Prefix(key, list(ids), torch.zeros(0), torch.zeros(0))


def test_the_store_finds_the_longest_beginning_of_the_same_adapter():
    store = PrefixStore(100)
    store.add(prefix([1, 2, 3, 4]))
    store.add(prefix([1, 2, 9]))
    store.add(prefix([1, 2, 3, 4, 5], key=1))
    found, length = store.longest(0, [1, 2, 3, 4, 5, 6])
    assert (found.ids, length) == ([1, 2, 3, 4], 4)
    found, length = store.longest(0, [1, 2, 3])
    assert (found.ids, length) == ([1, 2, 3, 4], 2)  # the last token is left to be read
    assert store.longest(2, [1, 2, 3]) == (None, 0)
    assert store.longest(0, [7, 8]) == (None, 0)


def test_the_store_lets_go_of_what_was_not_used_for_longest():
    store = PrefixStore(10)
    for first in (1, 2, 3):
        store.add(prefix([first] * 3))
    store.longest(0, [1, 1, 5])
    store.add(prefix([4] * 3))
    assert [kept.ids[0] for kept in store.kept] == [3, 1, 4]
    store.add(prefix([4] * 5))  # goes on from the one before
    assert [kept.ids for kept in store.kept] == [[1] * 3, [4] * 5]
    store.add(prefix([9] * 11))
    assert store.kept == []


def test_what_an_adapter_read_is_forgotten_with_it():
    store = PrefixStore(100)
    for key in (1, 2):
        store.add(prefix([1, 2, 3, key], key=key))
    store.forget(1)
    assert [kept.key for kept in store.kept] == [2]
    assert (store.known(1, [1, 2, 3]), store.known(2, [1, 2, 9])) == (0, 2)
