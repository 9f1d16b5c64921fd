"""Animations: as many frames as there are complexes, on common axes, in common colours."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from PIL import Image, ImageSequence

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.initialize import random_network
from polyrelu.regions import Box, enumerate_regions
from polyrelu.report import animation
from polyrelu.report.animation import _Stage, animate, snapshot_frames

NETWORKS = [(10 * i, random_network((2, 4, 3, 1), bias=0.2, seed=i)) for i in range(3)]


@pytest.fixture(scope="module")
def frames():
    return list(snapshot_frames(NETWORKS, Box(-1, 1)))


def test_a_gif_has_a_frame_for_each_complex(frames, tmp_path):
    calls = []
    path = tmp_path / "training.gif"
    path.write_text("an earlier one")
    assert animate(frames, path, fps=5, dpi=60, progress=lambda *c: calls.append(c)) == [path]
    with Image.open(path) as image:
        found = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
        assert image.info["duration"] == 200
    assert len(found) == len(frames)
    assert all((np.array(a) != np.array(b)).any() for a, b in pairwise(found))
    assert {frame.size for frame in found} == {(288, 252)}
    assert calls == [(1, pytest.approx(1 / 3)), (2, pytest.approx(2 / 3)), (3, 1.0)]
    assert [each.name for each in tmp_path.iterdir()] == ["training.gif"]


def test_a_folder_has_a_picture_for_each_complex(frames, tmp_path):
    folder = tmp_path / "frames"
    first = animate(frames, folder, dpi=40)
    assert [path.name for path in first] == [f"frame_000{i}.png" for i in range(3)]
    animate(frames[:1], folder, dpi=40)
    assert [path.name for path in folder.iterdir()] == ["frame_0000.png"]


def test_frames_share_axes_and_colours(frames):
    wide = enumerate_regions(NETWORKS[0][1], Box(-2, 1))
    stage = _Stage([*frames, ("$5", wide)], "volume", 0, None)
    by_value, places = {}, set()
    for i, (title, regions) in enumerate([*frames, (r"\$5", wide)]):
        stage.show(i)
        axes = stage.figure.axes[0]
        stage.figure.draw_without_rendering()
        places.add(tuple(bound for a in stage.figure.axes for bound in a.get_position().bounds))
        assert axes.get_title(loc="left") + axes.get_title() == title
        assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 1), (-2, 1))
        (polygons,) = (c for c in axes.collections if isinstance(c, PolyCollection))
        assert len(polygons.get_paths()) == len(regions)
        lightness = polygons.get_facecolor()[:, :3] @ [0.2, 0.7, 0.1]
        by_value |= dict(zip(regions.volumes.tolist(), lightness.tolist(), strict=True))
    assert len(places) == 1
    ordered = [by_value[volume] for volume in sorted(by_value)]
    assert (np.diff(ordered) >= 0).all()  # over all frames: one scale


def test_snapshots_become_frames_one_at_a_time():
    def snapshots():
        yield 1000, NETWORKS[0][1]
        raise AssertionError("asked for too early")

    title, regions = next(snapshot_frames(snapshots(), Box(-1, 1)))
    assert title == "epoch 1,000"
    assert len(regions) == len(enumerate_regions(NETWORKS[0][1], Box(-1, 1)))


def test_without_ffmpeg_a_film_is_refused(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(animation.FFMpegWriter, "isAvailable", lambda: False)
    with pytest.raises(MissingDependencyError, match=r"ffmpeg .* film\.gif"):
        animate(frames, tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not animation.FFMpegWriter.isAvailable(), reason="ffmpeg is not there")
def test_a_film_is_written_where_ffmpeg_is(frames, tmp_path):
    animate(frames, tmp_path / "film.mp4", dpi=40)
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_failure_leaves_nothing_behind(frames, tmp_path):
    def stop(done, fraction):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        animate(frames, tmp_path / "training.gif", dpi=40, progress=stop)
    assert not list(tmp_path.iterdir())


def test_what_is_no_animation_is_refused(frames, space, tmp_path):
    for given, name, message in (
        ([], "a.gif", "no frame"),
        (frames, "a.webm", r"\.gif"),
        ([*frames, ("solid", space)], "a.gif", "2, 3"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            animate(given, tmp_path / name)
    with pytest.raises(InvalidInputError, match="facets, layer"):
        animate(frames, tmp_path / "a.gif", by="faces")
    with pytest.raises(InvalidInputError, match="cannot write"):
        animate(frames, tmp_path / "no" / "such" / "a.gif")
