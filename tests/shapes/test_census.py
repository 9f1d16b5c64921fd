import json
import math
from itertools import pairwise

import numpy as np
import pytest

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import Box, Space, enumerate_regions, stream_regions
from polyrelu.shapes import Census, count_faces, face_histogram

CONTRACT = {
    "n_regions": int,
    "dim": int,
    "facet_histogram": dict,
    "mean_facets": float,
    "f_vector_sum": list,
    "volume": float,
    "certificate": dict,
    "complete": bool,
    "seconds": float,
    "version": str,
    "network_sha256": str,
    "domain": dict,
}


def random_network(*sizes, seed=0):
    rng = np.random.default_rng(seed)
    pairs = list(pairwise(sizes))
    return Network.from_arrays(
        [rng.standard_normal((out, into)) for into, out in pairs],
        [0.3 * rng.standard_normal(out) for _, out in pairs],
    )


@pytest.fixture(scope="module")
def network():
    return random_network(3, 8, 6, 1)


@pytest.fixture(scope="module")
def census(network):
    return count_faces(network, Box(-1, 1))


def test_census_is_that_of_the_stored_regions(network, census):
    regions = enumerate_regions(network, Box(-1, 1))
    assert census.n_regions == len(regions)
    assert census.histograms == tuple(face_histogram(regions, k=k) for k in range(3))
    assert census.facet_histogram_by_volume == face_histogram(regions, weight="volume")
    assert census.f_vector_sum == tuple(regions.f_vectors.sum(axis=0))
    assert census.mean_facets == regions.n_facets.mean()


def test_batches_do_not_matter(network, census):
    batches = list(stream_regions(network, Box(-1, 1), batch_size=7))
    assert len(batches) > 3
    again = Census.from_batches(batches)
    assert again.histograms == census.histograms
    assert again.f_vector_sum == census.f_vector_sum
    assert again.volume == pytest.approx(census.volume, rel=1e-15)
    by_volume, expected = again.facet_histogram_by_volume, census.facet_histogram_by_volume
    assert by_volume.values.tolist() == expected.values.tolist()
    assert by_volume.weights == pytest.approx(expected.weights, rel=1e-13)
    assert again.complete


def test_euler_relation_of_the_sums(census):
    signs = [(-1) ** k for k in range(4)]
    assert np.dot(signs, census.f_vector_sum) == census.n_regions


def test_polygons_of_a_box_have_four_sides_on_average():
    """Whatever the depth, a generic cut of a quadrilateral has exactly four sides per polygon."""
    found = count_faces(random_network(2, 10, 10, 10, 1), Box(-1, 1))
    assert found.mean_facets == 4.0


def test_fixed_input_drops_out(network):
    found = count_faces(network, Box([-1, 0.25, -1], [1, 0.25, 1]))
    assert found.dim == 2
    assert len(found.histograms) == 2
    assert found.volume == pytest.approx(4.0)


def test_one_region_of_an_affine_network():
    found = count_faces(Network.from_arrays([[[1.0, 2.0]]]), Box(0, 1))
    assert found.f_vector_sum == (4, 4, 1)
    assert found.facet_histogram.to_dict() == {"4": 1}


def test_record_has_the_keys_of_the_contract(network, census):
    record = json.loads(json.dumps(census.to_dict(), allow_nan=False))
    assert {key: type(record[key]) for key in CONTRACT} == CONTRACT
    assert {type(n) for n in record["f_vector_sum"]} == {int}
    assert {type(n) for n in record["facet_histogram"].values()} == {int}
    assert record["network_sha256"] == network.sha256
    assert record["domain"] == Box([-1] * 3, [1] * 3).describe()
    check = record["certificate"]["volume"]
    assert (check["domain"], check["closes"]) == (8.0, True)
    assert sum(record["facet_histogram"].values()) == record["n_regions"]
    assert record["f_vector_sum"][-1] == record["n_regions"]


def test_record_and_back(census):
    again = Census.from_dict(json.loads(json.dumps(census.to_dict())))
    assert again.to_dict() == census.to_dict()
    census.to_dict()["certificate"]["euler"]["closes"] = False  # of the record, not of the census
    assert again.to_dict() == census.to_dict()
    assert again.histograms == census.histograms


@pytest.mark.parametrize("key", ["dim", "face_histograms", "volume", "domain"])
def test_record_without_a_key(census, key):
    record = census.to_dict()
    del record[key]
    with pytest.raises(InvalidInputError, match=key):
        Census.from_dict(record)


def test_progress_ends_at_one(network):
    calls = []
    found = count_faces(network, Box(-1, 1), progress=lambda *call: calls.append(call))
    assert calls[-1][0] == found.n_regions
    assert calls[-1][1] == pytest.approx(1.0)


def test_seconds_include_work_already_done(network):
    regions = enumerate_regions(network, Box(-1, 1))
    assert Census.from_batches([regions], started=0.0).seconds > 1.0
    assert 0 < Census.from_batches([regions]).seconds < 1.0


def test_first_batches_are_a_marked_part(network):
    part = Census.from_batches([next(stream_regions(network, Box(-1, 1), batch_size=7))])
    assert not part.complete
    assert not part.certificate["volume"]["closes"]


def test_missing_regions_are_not_swallowed(network):
    *_, last = stream_regions(network, Box(-1, 1), batch_size=7)
    with pytest.raises(InconsistentError, match=r"do not close: .*'domain': 8\.0"):
        Census.from_batches([last])


def test_no_batch_is_no_census():
    with pytest.raises(InvalidInputError, match="no batch"):
        Census.from_batches([])


def test_whole_space_has_no_volume_and_no_histogram_by_it():
    network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    found = count_faces(network, Space())
    assert found.facet_histogram.to_dict() == {"2": 4}
    assert (found.volume, found.n_bounded, found.lineality) == (math.inf, 0, 0)
    assert found.facet_histogram_by_volume is None
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (record["volume"], record["facet_histogram_by_volume"]) == (None, None)
    assert Census.from_dict(record).to_dict() == found.to_dict()


def test_facets_on_the_boundary_are_told_from_those_of_neurons():
    """A square in nine: the middle one has four neurons for facets, a corner one two of each."""
    thirds = [[1, 0], [1, 0], [0, 1], [0, 1]]
    network = Network.from_arrays([thirds, [[1, 1, 1, 1]]], [[-1, 1, -1, 1], [0]])
    found = count_faces(network, Box(-3, 3))
    assert found.facet_histogram.to_dict() == {"4": 9}
    assert found.neuron_facet_histogram.to_dict() == {"2": 4, "3": 4, "4": 1}
    assert found.certificate["facets"] == {"interior": 12, "on_boundary": 12, "closes": True}
    assert (found.n_bounded, found.lineality) == (9, 0)


def test_lineality_is_counted():
    """Three parallel lines: four strips and half-planes without a vertex."""
    network = Network.from_arrays([[[1, 1]] * 3, [[1, 1, 1]]], [[-1, 0, 1], [0]])
    found = count_faces(network, Space(2))
    assert (found.dim, found.lineality, found.n_regions) == (2, 1, 4)
    assert found.f_vector_sum == (0, 6, 4)
