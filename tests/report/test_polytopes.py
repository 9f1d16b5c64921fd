"""Polytopes in space: the faces of what is drawn are counted, and compared with f-vectors."""

from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from polyrelu.errors import InvalidInputError
from polyrelu.network import load
from polyrelu.network.designed import tangent_network
from polyrelu.regions import AffineSlice, Box, enumerate_regions
from polyrelu.regions.adjacency import adjacency
from polyrelu.report.polytopes import Solids
from polyrelu.shapes.quantities import facet_layers

COMPAS = Path(__file__).resolve().parents[2] / "data" / "compas_4.npz"

pytestmark = pytest.mark.usefixtures("no_open_figure")


@pytest.fixture
def ax():
    return Figure().add_subplot(projection="3d")


def drawn_faces(axes):
    """(f_0, f_1, f_2) of what is on the screen: distinct corners, distinct sides, polygons."""
    axes.figure.draw_without_rendering()
    (collection,) = axes.collections
    # Matplotlib fills polygons up with NaN to one length, and closes them.
    paths = [path.vertices[:-1] for path in collection.get_paths()]
    polygons = [path[np.isfinite(path).all(axis=1)].round(11).tolist() for path in paths]
    corners = {tuple(corner) for polygon in polygons for corner in polygon}
    sides = {
        frozenset((tuple(one), tuple(other)))
        for polygon in polygons
        for one, other in zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    }
    different = {frozenset(map(tuple, polygon)) for polygon in polygons}
    assert len(different) == len(polygons)  # no facet is there twice
    return len(corners), len(sides), len(polygons)


def test_a_designed_polytope_shows_its_thirty_facets(ax):
    # 24 neurons and the 6 sides of the box are all tangent to the unit ball.
    regions = enumerate_regions(tangent_network(24, dim=3), Box(-1, 1))
    region = regions[regions.locate([0, 0, 0])]
    assert region.plot(ax=ax) is ax
    assert drawn_faces(ax) == region.f_vector[:3]
    assert region.f_vector[:3] == (56, 84, 30)  # simple: 2 (30 - 2) vertices, 3 (30 - 2) edges


def test_a_slice_of_a_trained_network_shows_every_face(ax):
    directions = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, -0.5, 0.25]]
    plane = AffineSlice([0, 0, 0, 0.1], directions, Box(-0.2, 0.2))
    regions = enumerate_regions(load(COMPAS), plane)
    assert len(regions) > 200
    regions.plot(ax=ax, explode=0.6)
    assert drawn_faces(ax) == tuple(regions.f_vectors[:, :3].sum(axis=0).tolist())


def test_pulling_apart_moves_and_does_nothing_else(space):
    together, apart = Solids(space), Solids(space, 0.5)
    assert len(apart.polygons) == space.n_facets.sum()
    middle = np.zeros(3)  # of the box
    for before, after, row in zip(together.polygons, apart.polygons, together.region, strict=True):
        way = 0.5 * (together.centres[row] - middle)
        assert after - before == pytest.approx(np.tile(way, (len(before), 1)))


def test_every_facet_lies_on_its_neuron_or_its_row(space):
    n = space.network.n_neurons
    for polygon, facet in zip(Solids(space).polygons, space.facet_ids.tolist(), strict=True):
        if facet < n:
            values = space.network.pre_activations(polygon)[:, facet]
            assert np.abs(values).max() < 1e-9
        else:
            axis, side = (facet - n) % 3, 1 if facet - n >= 3 else -1
            assert polygon[:, axis] == pytest.approx(np.full(len(polygon), side))


def test_facets_of_one_polytope_have_the_colour_of_their_layer(space, ax):
    layers = {r.index: facet_layers(space.network, r.facets).tolist() for r in space}
    index = next(index for index, found in layers.items() if set(found) == {0, 1, 2})
    space[index].plot(ax=ax)
    colours = ax.collections[0].get_facecolor()[:, :3]
    # The light makes a colour darker, and changes nothing else.
    hues = Counter(map(tuple, (colours / colours.max(axis=1, keepdims=True)).round(3).tolist()))
    assert sorted(hues.values()) == sorted(Counter(layers[index]).values())


def test_space_is_to_scale_and_named(ax):
    network = tangent_network(5, dim=3)
    regions = enumerate_regions(network, Box([-1, -1, -1], [1, 3, 1]))
    regions.plot(ax=ax, explode=0)
    assert (ax.get_xlabel(), ax.get_zlabel()) == ("$x_{1}$", "$x_{3}$")
    aspect = np.array(ax._box_aspect)
    assert aspect / aspect.max() == pytest.approx([0.5, 1, 0.5])


def test_others_become_glass(space, ax):
    space.plot(ax=ax, highlight=[3], explode=0.4)
    alpha = ax.collections[0].get_facecolor()[:, 3]
    assert (alpha == 1).sum() == space.n_facets[3]
    dual = Figure().add_subplot(projection="3d")
    space.plot(ax=dual, dual_graph=True)
    solids, lines, dots = dual.collections
    assert solids.get_facecolor()[:, 3].max() < 0.5
    dual.figure.draw_without_rendering()
    assert len(lines.get_segments()) == len(adjacency(space))
    assert len(dots.get_offsets()) == len(space)


def test_without_axes_they_are_in_space(space):
    axes = space.plot(by="volume")
    assert axes.name == "3d"
    assert plt.get_fignums() == [axes.figure.number]


def test_flat_axes_are_refused(space):
    with pytest.raises(InvalidInputError, match="projection='3d'"):
        space.plot(ax=Figure().add_subplot())
