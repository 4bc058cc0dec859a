"""Which nodes of a directed graph reach each other (Tarjan 1972, https://doi.org/10.1137/0201010)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def strong_components(edges: Iterable[tuple[N, N]]) -> dict[N, int]:
    """Node → number of its strongly connected component: two nodes of one reach each other.

    Iterative: a chain of needs may be longer than Python's stack.
    """
    following: dict[N, list[N]] = {}
    for start, end in edges:
        following.setdefault(start, []).append(end)
        following.setdefault(end, [])
    found: dict[N, int] = {}
    order: dict[N, int] = {}
    for root in following:
        if root not in order:
            _visit(root, following, order, found)
    return found


def _visit(root: N, following: dict[N, list[N]], order: dict[N, int], found: dict[N, int]) -> None:
    low: dict[N, int] = {}
    open_nodes: list[N] = []
    work: list[tuple[N, Iterator[N]]] = []

    def enter(node: N) -> None:
        order[node] = low[node] = len(order)
        open_nodes.append(node)
        work.append((node, iter(following[node])))

    enter(root)
    while work:
        node, rest = work[-1]
        following_node = next(rest, None)
        if following_node is not None:
            if following_node not in order:
                enter(following_node)
            elif following_node not in found:
                low[node] = min(low[node], order[following_node])
            continue
        work.pop()
        if work:
            low[work[-1][0]] = min(low[work[-1][0]], low[node])
        if low[node] == order[node]:
            while True:
                member = open_nodes.pop()
                found[member] = order[node]
                if member == node:
                    break
