"""Meshes read back by trimesh: closed, of the right volume, with a polygon for every facet."""

import numpy as np
import pytest
from nets import shallow, uniform_net

from polyrelu import load
from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.designed import tangent_network
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions
from polyrelu.regions.representations import rational_hrep
from polyrelu.report.meshes import FORMATS, mesh, write_mesh

trimesh = pytest.importorskip("trimesh", reason="meshes need trimesh")

SLICE = AffineSlice([0, 0, 0, 0], np.eye(4)[:, :3], Box(-1, 1))


@pytest.fixture(scope="module")
def regions():
    """Regions of dimension 3."""
    return enumerate_regions(uniform_net(3, 7, 4, 1, seed=3), Box(-1, 1))


@pytest.fixture(scope="module")
def polygons():
    """Regions of dimension 2."""
    return enumerate_regions(uniform_net(2, 7, 4, 1, seed=3), Box(-1, 1))


def read(path):
    """The meshes in a file by name, just as they are there, in the coordinates of the scene."""
    options = {"split_objects": True, "maintain_order": True} if path.suffix == ".obj" else {}
    scene = trimesh.load(path, force="scene", process=False, **options)
    return {name: scene.geometry[name] for name in sorted(scene.geometry, key=number)}


def number(name):
    return int(name.split("_")[1])


def n_planes(one):
    """Facets of a convex surface from its coordinates alone: planes that its triangles lie in."""
    corners = one.triangles
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sizes = np.linalg.norm(normals, axis=1)
    normals, corners = normals[sizes > 0] / sizes[sizes > 0, None], corners[sizes > 0]
    forms = np.column_stack([normals, (normals * corners.mean(axis=1)).sum(axis=1)])
    planes = []
    for form in forms:
        if not any(np.abs(form - other).max() < 1e-6 for other in planes):
            planes.append(form)
    return len(planes)


@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_every_region_comes_back_closed_and_of_its_volume(regions, suffix, tmp_path):
    path = tmp_path / f"regions{suffix}"
    write_mesh(regions, path)
    found = read(path)
    assert list(found) == [f"region_{r}" for r in range(len(regions))]
    for region, one in zip(regions, found.values(), strict=True):
        assert one.is_watertight
        assert one.is_winding_consistent
        digits = 1e-9 if suffix == ".obj" else 1e-3  # a thin region in single precision
        assert one.volume == pytest.approx(region.volume, rel=digits, abs=1e-6 * digits)
        assert one.referenced_vertices.sum() == region.f_vector[0]
        assert len(one.edges_unique) - region.f_vector[1] == len(one.faces) - len(region.facets)


def test_merged_triangles_are_the_facets(regions):
    """Counted from the coordinates alone, and named by the attribute."""
    for region, one in zip(regions, mesh(regions).geometry.values(), strict=True):
        assert n_planes(one) == len(region.facets)
        assert set(one.face_attributes["facet"].tolist()) == set(region.facets.tolist())


def test_a_triangle_lies_on_the_facet_that_it_names(regions):
    for region, one in zip(regions, mesh(regions).geometry.values(), strict=True):
        hrep = rational_hrep(region).to_hrep(rounded=True)
        slack = hrep.b - one.vertices @ hrep.A.T
        slack /= np.linalg.norm(hrep.A, axis=1)
        row_of = {facet: k for k, facet in enumerate(region.facets.tolist())}
        rows = [row_of[facet] for facet in one.face_attributes["facet"].tolist()]
        assert np.abs(slack[one.faces, np.array(rows)[:, None]]).max() < 1e-12


def test_a_designed_polytope_with_thirty_facets():
    """24 planes touch the ball that the six sides of the box touch, too: none is redundant."""
    regions = enumerate_regions(tangent_network(24, dim=3), Box(-1, 1))
    middle = int(regions.locate(np.zeros(3)))
    scene = mesh(regions.taken(np.array([middle])))
    one = scene.geometry["region_0"]
    assert n_planes(one) == 30
    assert one.is_watertight
    assert one.volume == pytest.approx(regions[middle].volume)


def test_a_slice_of_the_compas_network(tmp_path):
    regions = enumerate_regions(load("data/compas_4.npz"), SLICE)
    total = 0
    for region, one in zip(regions, mesh(regions).geometry.values(), strict=True):
        assert one.is_watertight
        total += one.volume
        if region.index % 16 == 0:
            assert n_planes(one) == len(region.facets)
        assert set(one.face_attributes["facet"].tolist()) == set(region.facets.tolist())
    assert total == pytest.approx(8)


def test_ply_is_one_mesh_that_tells_regions_apart(regions, tmp_path):
    write_mesh(regions, tmp_path / "regions.ply", by="facets")
    one = trimesh.load(tmp_path / "regions.ply", process=False)
    assert one.volume == pytest.approx(8, rel=1e-5)
    data = one.metadata["_ply_raw"]["face"]["data"]
    for r, region in enumerate(regions):
        own = data["region"].ravel() == r
        assert set(data["facet"].ravel()[own].tolist()) == set(region.facets.tolist())


@pytest.mark.parametrize("suffix", FORMATS)
def test_polygons_are_flat_and_face_up(polygons, suffix, tmp_path):
    path = tmp_path / f"polygons{suffix}"
    write_mesh(polygons, path, by="volume")
    found = read(path) if suffix != ".ply" else {"region_0": trimesh.load(path, process=False)}
    area = [one.area for one in found.values()]
    if suffix == ".ply":
        assert area == pytest.approx([4])
    else:
        assert area == pytest.approx(polygons.volumes.tolist(), rel=1e-3)
    for one in found.values():
        assert not one.vertices[:, 2].any()
        assert (one.face_normals[:, 2] > 0.99).all()


def test_colours_are_those_of_the_pictures(regions):
    from polyrelu.report.colouring import colouring

    expected = colouring(regions.n_facets, "facets", dim=3).colours(regions.n_facets)
    for row, one in enumerate(mesh(regions, by="facets").geometry.values()):
        assert np.abs(one.visual.vertex_colors - 255 * expected[row]).max() <= 0.5
    own = mesh(regions, by=np.arange(len(regions)))
    assert len({tuple(g.visual.vertex_colors[0]) for g in own.geometry.values()}) > 20


def test_exploding_moves_regions_apart_and_keeps_their_shape(regions):
    still, apart = (list(mesh(regions, explode=e).geometry.values()) for e in (0.0, 1.0))
    for one, other in zip(still, apart, strict=True):
        moved = other.vertices - one.vertices
        assert np.allclose(moved, moved[0])
        assert np.allclose(moved[0], one.vertices.mean(axis=0))  # away from 0, the box's middle


def test_what_is_known_of_a_region_goes_along(regions, tmp_path):
    write_mesh(regions, tmp_path / "regions.glb")
    for region, one in zip(regions, read(tmp_path / "regions.glb").values(), strict=True):
        assert one.metadata["region"] == region.index
        assert [bit == "1" for bit in one.metadata["pattern"]] == region.pattern.tolist()
        assert one.metadata["volume"] == region.volume


def test_small_boxes_keep_their_digits(tmp_path):
    tiny = 2.0**-30
    regions = enumerate_regions(shallow([(1, 1, 1, 0)]), Box(-tiny, tiny))
    write_mesh(regions, tmp_path / "tiny.obj")
    volumes = [one.volume for one in read(tmp_path / "tiny.obj").values()]
    assert volumes == pytest.approx(regions.volumes.tolist(), rel=1e-9, abs=0)


def test_files_are_the_same_every_time(regions, tmp_path):
    for suffix in FORMATS:
        for name in ("one", "other"):
            write_mesh(regions, tmp_path / f"{name}{suffix}", by="layer", explode=0.5)
        one, other = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "other"))
        assert one == other


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda r, p: write_mesh(r, p / "regions.stp"), "written as .obj, .ply, .glb"),
        (lambda r, p: write_mesh(r, p / "none" / "regions.obj"), "none"),
        (lambda r, p: mesh(r.taken(np.zeros(0, np.int64))), "no region"),
        (lambda r, p: mesh(r, by="colour"), "colour"),
        (lambda r, p: mesh(r, explode=np.nan), "explode is nan"),
        (lambda r, p: mesh(enumerate_regions(shallow([(1, 0)]), Box(-1, 1))), "dimension 1"),
        (lambda r, p: mesh(enumerate_regions(shallow([(1, 0, 0)]), Space())), "unbounded"),
    ],
)
def test_what_has_no_mesh_is_refused(regions, make, words, tmp_path):
    with pytest.raises(InvalidInputError, match=words):
        make(regions, tmp_path)


def test_without_trimesh_the_message_says_what_to_install(regions, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "trimesh", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'polyrelu\[mesh\]'"):
        mesh(regions)
