"""Decision boundaries of small networks: slow, obvious and exact, from the reference's regions.

The class of a point is the smallest one of those with the largest logit. On a region every logit
is affine, so each class has a polytope there, cut out by its differences to the others; a class
that equals a smaller one on the whole region has none. Pieces of the boundary are the common faces
of dimension d - 1 of two such polytopes of different classes, of one region or of two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np
import reference
from reference import Cell, Form

from polyrelu.network import Layer


@dataclass(frozen=True)
class Part:
    """What a class has of a region."""

    pattern: tuple[bool, ...]
    of_class: int
    cell: Cell


def pieces(network, domain) -> dict[tuple, frozenset]:
    """The vertices of every piece, by (pattern of the smaller class's region, other, a, b)."""
    found = {}
    horizon = horizon_of(network, domain)
    d = len(horizon) // 2
    for p, q in combinations(class_parts(network, domain), 2):
        common = p.cell.vertices & q.cell.vertices
        if p.of_class != q.of_class and reference.dimension(common) == d - 1:
            p, q = sorted((p, q), key=lambda part: part.of_class)
            inside = [v for v in common if all(reference.height(row, v) for row in horizon)]
            points = frozenset(map(reference.point, inside))
            found[p.pattern, q.pattern, p.of_class, q.of_class] = points
    return found


def volumes(network, domain) -> list[Fraction]:
    """The exact volume of each class."""
    found = [Fraction(0)] * max(network.n_outputs, 2)
    for part in class_parts(network, domain):
        faces = list(part.cell.facets.values())
        found[part.of_class] += reference.volume(part.cell.vertices, faces)
    return found


def class_parts(network, domain) -> Iterator[Part]:
    """What every class has of every region, inside the horizon."""
    inputs, rows = reference.chart(domain, network.n_inputs)
    layers = list(reference.integer_layers(network.layers[:-1], inputs))
    scaled = [reference.integral(form, reference.common_unit(inputs)) for form in inputs]
    for whole in reference.domain_cells(rows, horizon_of(network, domain)):
        for cell, pattern, _ in reference.subdivide(whole, layers, scaled):
            logits = logit_forms(network, pattern, inputs)
            for own in range(len(logits)):
                yield from class_part(cell, pattern, logits, own)


def horizon_of(network, domain) -> list[Form]:
    """The horizon for all neurons and all differences of logits."""
    last = network.layers[-1]
    weight, bias = last.weight, last.bias
    if len(bias) == 1:
        weight, bias = np.vstack([0 * weight, weight]), np.append(0, bias)
    eye = np.eye(len(bias))
    differences = np.array([a - b for a in eye for b in eye])
    logits = Layer(weight, bias, len(bias))
    layers = [*network.layers[:-1], logits, Layer(differences, np.zeros(len(differences)))]
    inputs, rows = reference.chart(domain, network.n_inputs)
    scaled = [reference.integral(form, reference.common_unit(inputs)) for form in inputs]
    return reference.horizon_of(list(reference.integer_layers(layers, inputs)), scaled, rows)


def class_part(cell: Cell, pattern: tuple, logits: list[Form], own: int) -> Iterator[Part]:
    for rival, logit in enumerate(logits):
        lead = [a - c for a, c in zip(logits[own], logit, strict=True)]
        if not any(lead):
            if rival < own:
                return
            continue
        unit = reference.common_unit([lead])
        sides = [
            part for part, is_on in reference.cut(cell, reference.integral(lead, unit)) if is_on
        ]
        if not sides:
            return
        (cell,) = sides
    yield Part(pattern, own, cell)


def logit_forms(network, pattern: tuple, inputs: list[Form]) -> list[Form]:
    """The outputs as affine forms on the region with this pattern; a 0 before a single one."""
    values, bits = inputs, list(pattern)
    for layer in network.layers:
        rows = reference.exact_layer(layer)
        values = [reference.affine_combination(row, values, bias) for row, bias in rows]
        if layer is not network.layers[-1]:
            for unit in range(layer.n_neurons):
                values[unit] = values[unit] if bits.pop(0) else reference.zero(values[unit])
    return values if len(values) > 1 else [reference.zero(values[0]), *values]
