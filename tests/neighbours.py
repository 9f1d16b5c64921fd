"""Neighbours and affine maps of regions from the reference: slow, obvious and exact."""

from itertools import combinations

import reference


def neighbours(regions):
    """Pairs of patterns of bounded regions that share d affinely independent vertices."""
    at = {}
    for k, region in enumerate(regions):
        for vertex in region.vertices:
            at.setdefault(vertex, []).append(k)
    touching = {pair for those in at.values() for pair in combinations(those, 2)}
    found = set()
    for i, j in touching:
        common = frozenset(map(reference.homogeneous, regions[i].vertices & regions[j].vertices))
        if reference.dimension(common) == len(next(iter(regions[i].vertices))) - 1:
            found.add(frozenset([regions[i].pattern, regions[j].pattern]))
    return found


def output_forms(network, domain, pattern, output=None):
    """The outputs as forms in the coordinates of the domain, under a pattern."""
    forms, _ = reference.chart(domain, network.n_inputs)
    bits = list(pattern)
    for layer in network.layers:
        forms = [
            reference.affine_combination(row, forms, bias)
            for row, bias in reference.exact_layer(layer)
        ]
        if layer is not network.layers[-1]:
            on = [bits.pop(0) for _ in range(layer.n_neurons)] + [True] * layer.n_linear
            forms = [f if bit else reference.zero(f) for f, bit in zip(forms, on, strict=True)]
    return tuple(forms) if output is None else (forms[output],)


def merged(patterns, pairs, same):
    """The sets of patterns that pairs connect for which ``same`` says so."""
    sets = {pattern: {pattern} for pattern in patterns}
    for one, other in map(tuple, pairs):
        if sets[one] is not sets[other] and same(one, other):
            sets[one] |= sets[other]
            for pattern in sets[other]:
                sets[pattern] = sets[one]
    return {frozenset(members) for members in sets.values()}
