"""The certificate: it closes on what is right, and on nothing else."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from catalogue import CASES, POLYTOPES, SPACE
from nets import integer_net, shallow, uniform_net

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import Box, Polytope, RegionComplex, Space, enumerate_regions, stream_regions
from polyrelu.regions import _run as run_module
from polyrelu.regions._kernel import frames, loop
from polyrelu.regions._kernel.frames import inlined
from polyrelu.regions._kernel.maps import signs
from polyrelu.regions.certificate import OPEN, Certifier, certificate, check_generators
from polyrelu.regions.places import doubtful_corners
from polyrelu.shapes import count_faces

UNIT = Box(-1, 1)
NETWORK = uniform_net(3, 6, 5, 1, seed=1)


def test_catalogue_closes(any_case):
    proof = certificate(any_case.regions, any_case.regions.generators())
    assert proof["closes"]
    assert proof["patterns"]["distinct"] == len(any_case.expected)
    assert (proof["volume"] is not None) == any_case.regions.chart.is_bounded
    inner = any_case.regions.n_neuron_facets.sum()
    assert proof["facets"]["interior"] == inner / 2
    assert proof["facets"]["on_boundary"] == len(any_case.regions.facet_ids) - inner


@pytest.mark.parametrize(
    ("network", "domain", "characteristic"),
    [
        (uniform_net(3, 6, 1), UNIT, 1),
        (uniform_net(2, 6, 1), Space(), 1),
        (uniform_net(3, 6, 1), Space(), -1),
        (shallow([(1, 0, 0), (0, 1, 0)]), Polytope([[1, 1]], [3]), 0),  # a half-plane
        (shallow([(1, 0, 0), (0, 1, 0)]), Polytope([[1, 1], [-1, -1]], [3, 3]), -1),  # a strip
        (shallow([(1, 0, 0), (0, 1, 0)]), Polytope([[-1, 0], [0, -1]], [3, 3]), 0),  # a quadrant
        (shallow([(1, 2, 0), (1, 2, 1)]), Space(), -1),  # in the one direction that is seen
    ],
)
def test_euler_characteristic(network, domain, characteristic):
    """Of a bounded set 1, of R^d (-1)^d, of a set with a boundary at one end of a line 0."""
    check = certificate(enumerate_regions(network, domain))["euler"]
    assert (check["sum"], check["domain"]) == (characteristic, characteristic)


SMALL = [(2, 10, 8, 1), (3, 8, 6, 1), (4, 6, 5, 1)]


@pytest.mark.parametrize(
    ("domain", "sizes"),
    [(UNIT, sizes) for sizes in [*SMALL, (5, 6, 4, 1)]]
    + [(Space(), sizes) for sizes in [*SMALL, (5, 6, 4, 1)]],
)
def test_closed_form_and_names_give_the_same_euler_characteristic(domain, sizes):
    """Faces weighed by a formula, or named one by one in exact arithmetic."""
    regions = enumerate_regions(uniform_net(*sizes), domain)
    assert (regions.euler != OPEN).all()
    named = replace(regions, euler=np.full(len(regions), OPEN))
    assert certificate(named)["euler"]["regions_by_name"] == len(regions)
    assert certificate(named)["euler"]["sum"] == certificate(regions)["euler"]["sum"]


def test_batches_are_looked_at_once():
    network = uniform_net(3, 12, 6, 1)
    whole = certificate(enumerate_regions(network, UNIT))
    batches = certificate(stream_regions(network, UNIT, batch_size=7))
    assert whole["points"]["checked"] == batches["points"]["checked"]
    whole["volume"].pop("relative_error"), batches["volume"].pop("relative_error")
    whole["volume"].pop("sum"), batches["volume"].pop("sum")
    assert whole == batches


def test_order_of_batches_does_not_matter():
    batches = list(stream_regions(uniform_net(3, 12, 6, 1), UNIT, batch_size=100))
    assert certificate(reversed(batches))["closes"]


def test_pieces_of_space_are_in_order():
    """The patterns of all 2^d pieces, none twice, without sorting."""
    batches = list(stream_regions(uniform_net(3, 12, 6, 1), Space(), batch_size=50))
    assert certificate(batches)["closes"]
    with pytest.raises(InconsistentError, match=r"two batches|do not close"):
        certificate([*batches, batches[3]])


def test_a_part_does_not_close_but_may_be_looked_at():
    batch = next(stream_regions(uniform_net(3, 12, 6, 1), UNIT, batch_size=7))
    certifier = Certifier(batch)
    certifier.add(batch)
    assert certifier.record(complete=False)["closes"] is False
    with pytest.raises(InconsistentError, match="7 regions do not close"):
        certifier.record(complete=True)


def test_no_batch():
    with pytest.raises(InconsistentError, match="no batch"):
        certificate([])


def test_generators_of_other_regions_are_refused():
    regions = enumerate_regions(uniform_net(2, 4, 1), UNIT)
    with pytest.raises(InvalidInputError, match="of all regions"):
        certificate(regions, regions.generators(np.array([0])))


# Sabotage: nets of which every region is spoiled in turn

SPOILED = {
    "generic, box": (uniform_net(3, 5, 4, 1), UNIT),
    "generic, space": (uniform_net(2, 6, 4, 1), Space()),
    "degenerate, box": CASES["squares and their distance"],
    "degenerate, space": (SPACE["coinciding deep neurons"], Space()),
    "bias-free, space": (integer_net(3, 4, 3, 1, bias=False, seed=4), Space()),
    "wedge": (POLYTOPES["wedge"][0], Polytope(*POLYTOPES["wedge"][1:])),
}


@pytest.fixture(scope="module", params=SPOILED)
def regions(request):
    found = enumerate_regions(*SPOILED[request.param])
    assert certificate(found)["closes"]
    return found


def taken(regions: RegionComplex, rows) -> RegionComplex:
    """The regions of these rows, in this order."""
    facets = [np.arange(*regions.facet_indptr[r : r + 2]) for r in rows]
    notes = [regions.notes[regions.notes[:, 0] == r] for r in rows]
    for k, note in enumerate(notes):
        note[:, 0] = k
    arrays = ("patterns", "f_vectors", "euler", "corner", "points", "bounded", "volumes")
    return replace(
        regions,
        **{name: getattr(regions, name)[rows] for name in arrays},
        facet_indptr=np.concatenate([[0], np.cumsum([len(f) for f in facets])]),
        facet_ids=regions.facet_ids[np.concatenate(facets)],
        notes=np.concatenate(notes),
        corners=None,
    )


def test_a_copy_closes(regions):
    assert certificate(taken(regions, np.arange(len(regions))))["closes"]


def test_a_dropped_region_is_missed(regions):
    for r in range(len(regions)):
        with pytest.raises(InconsistentError):
            certificate(taken(regions, np.delete(np.arange(len(regions)), r)))


def test_a_region_that_comes_twice_is_noticed(regions):
    for r in range(len(regions)):
        with pytest.raises(InconsistentError, match="twice"):
            certificate(taken(regions, np.append(np.arange(len(regions)), r)))


def test_a_flipped_bit_of_a_pattern_is_noticed(regions):
    """Off all facets, too: the region's name changes, and its neighbours do not know it."""
    for r in range(len(regions)):
        for neuron in range(regions.network.n_neurons):
            patterns = regions.patterns.copy()
            patterns[r, neuron // 8] ^= 1 << neuron % 8
            with pytest.raises(InconsistentError):
                certificate(replace(regions, patterns=patterns))


def test_another_facet_is_noticed(regions):
    n = regions.network.n_neurons
    for k in np.flatnonzero(regions.facet_ids < n):
        ids = regions.facet_ids.copy()
        ids[k] = (ids[k] + 1) % n
        with pytest.raises(InconsistentError):
            certificate(replace(regions, facet_ids=ids))


def test_a_vertex_moved_by_a_millionth_is_noticed(regions):
    """Of its distance from the origin, where that is more than 1; along one axis or another."""
    built = regions.generators()
    assert certificate(regions, built)["closes"]
    for k, v in enumerate(np.flatnonzero(~built.rays)):
        moved = built.coordinates.copy()
        moved[v, k % regions.chart.dim] += 1e-6 * max(1.0, np.abs(moved[v]).max())
        with pytest.raises(InconsistentError, match="off one of its facets"):
            check_generators(regions, replace(built, coordinates=moved))


def test_a_turned_ray_is_noticed():
    regions = enumerate_regions(*SPOILED["generic, space"])
    built = regions.generators()
    for v in np.flatnonzero(built.rays):
        turned = built.coordinates.copy()
        turned[v] = -turned[v]
        with pytest.raises(InconsistentError, match="off one of its facets"):
            check_generators(regions, replace(built, coordinates=turned))


def test_a_wrong_volume_is_noticed():
    regions = enumerate_regions(*SPOILED["generic, box"])
    for r in range(len(regions)):
        volumes = regions.volumes.copy()
        volumes[r] += 1e-7
        with pytest.raises(InconsistentError, match="'volume'"):
            certificate(replace(regions, volumes=volumes))


def test_wrong_numbers_are_noticed(regions):
    """Face counts, facets of the domain, boundedness, points: of every region in turn."""
    n = regions.network.n_neurons
    for r in range(len(regions)):
        for k in range(regions.dim):
            f = regions.f_vectors.copy()
            f[r, k] += 1
            with pytest.raises(InconsistentError):
                certificate(replace(regions, f_vectors=f))
        bounded = regions.bounded.copy()
        bounded[r] = ~bounded[r]
        with pytest.raises(InconsistentError):
            certificate(replace(regions, bounded=bounded))
        points = regions.points.copy()
        points[r] = regions.points[r - 1]
        with pytest.raises(InconsistentError, match="lies in another one"):
            certificate(replace(regions, points=points))
    built = regions.generators()
    for k in np.flatnonzero(regions.facet_ids >= n):
        ids = regions.facet_ids.copy()
        ids[k] += 1
        with pytest.raises(InconsistentError):
            certificate(replace(regions, facet_ids=ids), built)


@pytest.mark.parametrize(
    "domain",
    [
        Polytope([[1, -1], [-1, 1], [1, 0], [-1, 0]], [1e-8, 0, 1, 1]),
        Polytope([[1, -1], [-1, 1], [1, 0], [-1, 0]], [1e-30, 0, 1, 1]),
        Polytope([[1, 0], [-1, 0], [0, 1], [0, -1]], [1e10 + 1, -1e10, 1e10 + 1, -1e10]),
        Polytope([[1e300, 0], [0, 1e300], [-1e300, -1e300]], [1, 1, 1]),
        Polytope([[1e-200, 0], [0, 1e-200], [-1e-200, -1e-200]], [1, 1, 1]),
    ],
    ids=["thin", "very thin", "far", "tiny", "huge"],
)
def test_domains_of_which_floats_cannot_measure_the_volume(domain):
    census = count_faces(uniform_net(2, 4, 3, 1), domain)
    assert census.certificate["closes"]
    assert census.certificate["volume"] is None


def test_floats_tell_of_corners_though_sums_cancel():
    """The last neuron is -y / 3, as a sum of terms of 10^9: only the place of a corner is vague."""
    layers = [
        ([[1, 0], [0, 1]], [3, 3]),
        ([[1e9, 0], [1e9, 0], [0, 1]], [1, 0, 0]),
        ([[1, -1, -1 / 3]], [0]),
        ([[1]], [0]),
    ]
    network = Network.from_arrays(*zip(*layers, strict=True))
    regions = enumerate_regions(network, UNIT)
    assert len(regions) == regions.corner.sum() == 2
    assert not len(doubtful_corners(regions, regions.chart.extent))


def test_a_corner_next_to_a_neuron_is_doubtful():
    network = shallow([(1, 1, -2 + 1e-10)])
    regions = enumerate_regions(network, UNIT)
    assert len(doubtful_corners(regions, regions.chart.extent)) == len(regions) == 2
    assert certificate(regions)["closes"]


def told(regions):
    """All that is told of a partition but its coordinates."""
    return {
        region.pattern.tobytes(): (set(region.facet_names), region.f_vector, region.vanishing)
        for region in regions
    }


@pytest.mark.parametrize(
    "name", ["squares and their distance", "along faces", "through corners", "bias-free 3-5-4-1"]
)
def test_one_wrong_exact_sign_is_noticed(name, monkeypatch):
    """Each sign that rational arithmetic supplies comes out wrong, in turn: or nothing changes."""
    network, domain = CASES[name]
    right = enumerate_regions(network, domain)
    true, noticed = run_module.sign_at, 0
    for which in range(right.n_rational):
        calls = iter(range(10**9))
        monkeypatch.setattr(
            run_module,
            "sign_at",
            lambda *at, which=which, calls=calls: (
                true(*at) if next(calls) != which else -true(*at) or 1
            ),
        )
        try:
            certificate(found := enumerate_regions(network, domain))
        except InconsistentError:
            noticed += 1
        else:
            assert told(found) == told(right)
    assert noticed > right.n_rational / 2


@inlined
def one_wrong_sign(net, stack, state, s, j):
    """The kernel's signs, of which one comes out wrong: the first after so many, in flat[0, 0]."""
    minus, plus, undecided = signs(net, stack, state, s, j)
    seen = state.at[frames.SIGNS]
    if not undecided and seen <= np.int64(state.flat[0, 0]) < seen + stack.n_vertices[s]:
        plus -= state.sign[0] > 0
        minus -= state.sign[0] < 0
        state.sign[0] = -1 if state.sign[0] > 0 else 1
        plus += state.sign[0] > 0
        minus += state.sign[0] < 0
    return minus, plus, undecided


@pytest.fixture(scope="module")
def sabotaged_kernel():
    """The kernel, compiled with `one_wrong_sign`; no other one may be compiled meanwhile."""
    enumerate_regions(NETWORK, UNIT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "signs", one_wrong_sign)
        sabotaged = loop._compiled("sabotage", cache=False)
        patch.setattr(run_module, "advance", sabotaged)
        with contextlib.suppress(InconsistentError):
            enumerate_regions(NETWORK, UNIT)
    return sabotaged


def test_one_wrong_float_sign_is_noticed(sabotaged_kernel, monkeypatch):
    """Each sign that floats prove comes out wrong, in turn: or nothing changes."""
    right = enumerate_regions(NETWORK, UNIT)
    scratch, noticed = run_module.scratch, 0
    for target in range(0, right.n_signs, 3):

        def with_target(*arguments, target=target):
            made = scratch(*arguments)
            made.flat[0, 0] = target
            return made

        try:
            with monkeypatch.context() as patch:
                patch.setattr(run_module, "advance", sabotaged_kernel)
                patch.setattr(run_module, "scratch", with_target)
                found = enumerate_regions(NETWORK, UNIT)
            certificate(found)
        except InconsistentError:
            noticed += 1
        else:
            assert told(found) == told(right)
    assert noticed > 100
