"""Zero surfaces: known topologies, and what no generic network can be mistaken for."""

import numpy as np
import pytest
from levels import level_net
from nets import integer_net, shallow, uniform_net

from polyrelu.errors import DegenerateError, InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions import Box, Polytope, Space, enumerate_regions
from polyrelu.shapes.surfaces import edge_crossings, is_fan, n_directions, zero_surfaces


def surface(network, domain):
    """Cells, Euler characteristic, parts of the last neuron's surface."""
    surfaces = zero_surfaces(enumerate_regions(network, domain))
    return (
        surfaces.n_cells[-1].tolist(),
        int(surfaces.euler_characteristic[-1]),
        int(surfaces.n_components[-1]),
    )


def test_a_plane_across_a_cube_is_a_disc():
    """A triangle, a quadrangle and a hexagon, by where they cross the edges of the cube."""
    for offset, sides in ((-2.5, 3), (-0.5, 6)):
        plane = shallow([[1, 1, 1, offset]])
        assert surface(plane, Box(-1, 1)) == ([sides, sides, 1], 1, 1)
    regions = enumerate_regions(shallow([[4, 1, 1, 0]]), Box(-1, 1))
    assert zero_surfaces(regions).n_crossings.tolist() == [4]
    assert edge_crossings(regions).tolist() == [4]


@pytest.mark.parametrize(
    ("breaks", "n_flat", "level", "chi", "n_parts"),
    [
        ((0,), 3, 1.0, 2, 1),  # octahedron: a sphere
        ((-1, 0, 1), 1, 1.5, 0, 1),  # four wells joined in a ring: a torus
        ((-1, 0, 1), 1, 0.5, 8, 4),  # four spheres
        ((-2, -1, 0, 1, 2), 1, 1.5, -6, 1),  # papers.md A.5(g): nine wells, four holes, genus 4
        ((-2, -1, 0, 1, 2), 1, 0.5, 18, 9),  # nine spheres
        ((-1, 0, 1), 0, 1.5, -8, 1),  # a cube graph of tubes: 8 balls, 12 tubes, genus 5
    ],
)
def test_closed_surfaces_have_the_euler_characteristic_of_their_genus(
    breaks, n_flat, level, chi, n_parts
):
    network = level_net(breaks, n_flat, [level])
    cells, found, parts = surface(network, Box(-6, 6))
    assert (found, parts) == (chi, n_parts)
    assert cells[0] - cells[1] + cells[2] == chi
    regions = enumerate_regions(network, Box(-6, 6))
    assert zero_surfaces(regions).n_crossings[-1] == 0
    assert 2 * cells[2] == (regions.facet_ids == network.n_neurons - 1).sum()


def test_the_octahedron_has_six_vertices_twelve_edges_and_eight_faces():
    assert surface(level_net((0,), 3, [1.0]), Box(-6, 6)) == ([6, 12, 8], 2, 1)


def test_the_surface_does_not_depend_on_the_domain_that_holds_it():
    network = level_net((-1, 0, 1), 1, [1.5])
    simplex = Polytope([[-1, 0, 0.1], [0, -1, 0], [0.1, 0.1, -1], [1, 1, 1]], [9, 9, 9, 20])
    assert surface(network, simplex) == surface(network, Box(-6, 6))
    assert surface(network, Space()) == surface(network, Box(-6, 6))


def test_planes_in_whole_space_are_cut_into_an_arrangement_each():
    """Four planes in general position: each is cut by three lines."""
    planes = shallow([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, -1]])
    found = zero_surfaces(enumerate_regions(planes, Space()))
    assert found.n_cells.tolist() == [[3, 9, 7]] * 4
    assert found.n_unbounded_edges.tolist() == [6] * 4
    assert found.n_components.tolist() == found.n_unbounded_components.tolist() == [1] * 4


def test_closed_curves_are_told_from_open_ones():
    """|x| + |y| = 1 in the plane is closed; |x| - y = 1 is not, nor are the axes."""
    axes = Layer(np.vstack([np.eye(2)] * 2), np.zeros(4), n_linear=2)
    curves = Layer([[2, 2, -1, -1], [2, 0, -1, -1]], [-1, -1.5])
    network = Network((axes, curves, Layer([[1, 1]], [0])))
    found = zero_surfaces(enumerate_regions(network, Space()))
    assert found.n_components.tolist() == [1, 1, 1, 1]
    assert found.n_unbounded_components.tolist() == [1, 1, 0, 1]
    assert found.n_unbounded_edges.tolist() == [2, 2, 0, 2]
    assert found.euler_characteristic.tolist() == [-1, -1, 0, -1]
    boxed = zero_surfaces(enumerate_regions(network, Box(-3, 3)))
    assert boxed.euler_characteristic.tolist() == [1, 1, 0, 1]
    assert boxed.n_unbounded_edges.tolist() == [0, 0, 0, 0]


def test_on_a_line_surfaces_are_points():
    found = zero_surfaces(enumerate_regions(uniform_net(1, 6, 1), Space()))
    assert found.n_cells.tolist() == [[1]] * 6
    assert found.n_components.tolist() == [1] * 6
    assert not found.n_crossings.any()


def test_a_neuron_that_never_vanishes_has_no_surface():
    found = zero_surfaces(enumerate_regions(shallow([[1, 1, 9], [1, 2, 0]]), Box(-1, 1)))
    assert found.n_cells.tolist() == [[0, 0], [2, 1]]
    none = zero_surfaces(enumerate_regions(shallow([[1, 1, 9]]), Box(-1, 1)))
    assert none.n_cells.tolist() == [[0, 0]]
    assert none.n_components.tolist() == none.euler_characteristic.tolist() == [0]
    affine = Network.from_arrays([[[1, 1]]])
    assert zero_surfaces(enumerate_regions(affine, Box(-1, 1))).n_cells.shape == (0, 2)


@pytest.mark.parametrize(
    ("network", "domain"),
    [
        (shallow([[1, 0, 0], [0, 1, 0], [1, 1, 0]]), Box(-1, 1)),  # three lines in one point
        (shallow([[1, 0, 0], [0, 1, 0], [1, 1, 0]]), Space()),
        (shallow([[1, 2, 0.5], [2, 4, 1]]), Box(-1, 1)),  # one line twice
        (shallow([[1, -1, 0]]), Box(-1, 1)),  # through corners of the box
        (uniform_net(3, 5, 4, 1, bias=False), Box(-1, 1)),  # all through the origin
        (shallow([[1, 0, 0]], deeper=[[[1, 0], [1, -2]]]), Box(-1, 1)),  # vanishes on a region
        (shallow([[1, 0, 0, 0], [0, 1, 0, 0]]), Space()),  # nothing changes along z
        (integer_net(3, 5, 5, 1), Box(-1, 1)),
    ],
)
def test_networks_that_are_not_generic_are_refused(network, domain):
    with pytest.raises(DegenerateError, match=r"perturb|take a Box"):
        zero_surfaces(enumerate_regions(network, domain))


def test_a_curve_that_ends_on_another_one_is_not_generic():
    """relu(y) - relu(x) in the quadrant where both are on: a ray from the corner of the axes.

    Its two regions have simple corners, and so have the others: only their number tells.
    """
    network = shallow([[1, 0, 0], [0, 1, 0]], deeper=[[[-1, 1, 0]]])
    with pytest.raises(DegenerateError):
        zero_surfaces(enumerate_regions(network, Box(-1, 1)))


def test_a_refusal_names_the_neuron_that_vanishes():
    network = shallow([[1, 0, 0]], deeper=[[[-2, 1], [1, 0]]])  # relu(x) is 0 where x < 0
    with pytest.raises(DegenerateError, match="neuron 2 vanishes on a whole region"):
        zero_surfaces(enumerate_regions(network, Box(-1, 1)))


def test_parts_of_an_enumeration_are_refused():
    part = enumerate_regions(uniform_net(2, 6, 1), Box(-1, 1)).taken(np.arange(2))
    with pytest.raises(InvalidInputError, match="all regions"):
        zero_surfaces(part)


def test_fans_are_recognised():
    free, biased = uniform_net(3, 6, 5, 1, bias=False), uniform_net(3, 6, 5, 1)
    for domain in (Box(-1, 1), Space()):
        assert is_fan(enumerate_regions(free, domain))
        assert not is_fan(enumerate_regions(biased, domain))
    assert not is_fan(enumerate_regions(shallow([[1, 1, 9]]), Box(-1, 1)))  # no wall


def test_two_crosses_beside_each_other_are_no_fan():
    """|x| ± 0.3 y = 0.5, a cross on either side of x = 0: one vertex per region, but two in all."""
    halves = Layer([[1, 0], [1, 0], [0, 1]], np.zeros(3), n_linear=2)
    crosses = Layer([[2, -1, 0.3], [2, -1, -0.3]], [-0.5, -0.5])
    network = Network((halves, crosses, Layer([[1, 1]], [0])))
    regions = enumerate_regions(network, Box(-1, 1))
    assert len(regions) == 8
    assert not is_fan(regions)


def test_six_planes_through_a_point_meet_in_thirty_rays():
    """Any two of them meet in a line, that is two rays: 2 C(6, 2)."""
    planes = uniform_net(3, 6, 1, bias=False)
    assert n_directions(enumerate_regions(planes, Space())) == 30
    for domain, network in ((Box(-1, 1), planes), (Space(), uniform_net(3, 6, 1))):
        with pytest.raises(InvalidInputError, match="without biases"):
            n_directions(enumerate_regions(network, domain))


def test_planes_through_the_centre_cross_four_or_six_edges():
    crossings = edge_crossings(enumerate_regions(uniform_net(3, 9, 1, bias=False), Box(-1, 1)))
    normals = uniform_net(3, 9, 1, bias=False).layers[0].weight
    # A hexagon iff no weight outweighs the other two: then all six faces are met.
    sizes = np.sort(np.abs(normals), axis=1)
    assert crossings.tolist() == np.where(sizes[:, 2] < sizes[:, 0] + sizes[:, 1], 6, 4).tolist()
