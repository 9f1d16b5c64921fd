"""Animations: the regions of one network after another, with common axes and colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from polyrelu.atomic import whole_file, writable_file, writable_folder, writing
from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network import Network
from polyrelu.regions import Domain, RegionComplex, enumerate_regions
from polyrelu.report.colouring import colouring, quantity_of
from polyrelu.report.figures import STEPS, corners_in_axes, house_style
from polyrelu.report.plots import regions_plot
from polyrelu.shapes.quantities import QUANTITIES

Progress = Callable[[int, float], None]

SIZE = (4.8, 4.2)  # inches


def snapshot_frames(
    snapshots: Iterable[tuple[int, Network]], domain: Domain
) -> Iterator[tuple[str, RegionComplex]]:
    """Frames of a training: the regions after every epoch that there is a snapshot of.

    Parameters
    ----------
    snapshots : iterable of (int, Network)
        Epochs and networks: a `polyrelu.training.snapshots.Snapshots` is one.
    domain : Box, Polytope or AffineSlice
        Bounded, of at most three dimensions.

    Yields
    ------
    title : str
    regions : RegionComplex
        All regions of the network in the domain.

    Examples
    --------
    >>> from polyrelu.regions import Box
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> list(snapshot_frames([(0, network), (2000, network)], Box(-1, 1)))[1]
    ('epoch 2,000', RegionComplex(4 regions, dim 2))
    """
    for epoch, network in snapshots:
        yield f"epoch {epoch:,}", enumerate_regions(network, domain)


def animate(
    frames: Iterable[tuple[str, RegionComplex]],
    path: str | Path,
    *,
    by: str = "facets",
    output: int = 0,
    explode: float | None = None,
    fps: int = 4,
    dpi: int = 120,
    progress: Progress | None = None,
) -> list[Path]:
    """Write frames, each a complex of regions under a title, as an animation.

    Parameters
    ----------
    frames : iterable of (str, RegionComplex)
        At least one; bounded regions of one dimension, at most 3. All of them are held in memory,
        as they share their axes and their scale of colours.
    path : path-like
        Ends in ``.gif``, in ``.mp4`` (needs the program ffmpeg), or has no suffix: a folder for
        one PNG per frame, ``frame_0000.png`` and so on, which replace those of an earlier
        animation. A file is whole or absent.
    by : str, keyword-only
        What colours say: one of `polyrelu.shapes.quantities.QUANTITIES`.
    output : int, keyword-only
        Which of the network's outputs is meant, counted from 0.
    explode : float, keyword-only
        In space: as in `RegionComplex.plot`.
    fps : int, keyword-only
        Frames per second.
    dpi : int, keyword-only
        Pixels per inch: 120 make 576 × 504 pixels.
    progress : callable (n_frames, fraction), keyword-only
        Called after every frame with the frames written so far and the part that is done.

    Returns
    -------
    list of pathlib.Path
        The files written: one, or the frames in the folder.

    Raises
    ------
    InvalidInputError
        If there is no frame, their dimensions differ or cannot be drawn, there is no such
        quantity or suffix, or the file system refuses.
    MissingDependencyError
        If an MP4 is asked for and ffmpeg is not there.

    Notes
    -----
    Frames that look exactly alike one after another may become one longer frame of a GIF.
    """
    path, shown = Path(path), list(frames)
    kind = path.suffix.lower()
    _check(shown, by, path, fps, dpi)
    if kind == ".mp4" and not FFMpegWriter.isAvailable():
        raise MissingDependencyError(
            f"animate: writing {path.name} needs the program ffmpeg on the path; "
            f"{path.stem}.gif, or {path.stem} as a folder of PNG files, needs nothing more"
        )
    with house_style():
        stage = _Stage(shown, by, output, explode)
        if not kind:
            return _write_folder(stage, writable_folder(path), dpi, progress)
        with whole_file(writable_file(path)) as draft:
            writer: Any = PillowWriter(fps=fps) if kind == ".gif" else FFMpegWriter(fps=fps)
            with writer.saving(stage.figure, str(draft), dpi):
                for i in range(len(shown)):
                    stage.show(i)
                    writer.grab_frame()
                    _report(progress, i + 1, len(shown))
    return [path]


class _Stage:
    """One figure in which frame after frame is drawn, on common axes, in common colours."""

    def __init__(
        self,
        frames: list[tuple[str, RegionComplex]],
        by: str,
        output: int,
        explode: float | None,
    ) -> None:
        self._frames, self._by, self._output = frames, by, output
        self.dim = frames[0][1].dim
        self._explode = explode
        values = [quantity_of(regions, by, output=output)[0] for _, regions in frames]
        self._colours = colouring(np.concatenate(values), by, dim=self.dim)
        self.figure = Figure(figsize=SIZE, layout="constrained")
        self._axes: Any = self.figure.add_subplot(projection="3d" if self.dim == 3 else None)
        self._limits: list[tuple[float, float]] = []
        self._colours.scale(self.figure, self._axes, shrink=0.8)
        self._limits = self._common_limits()
        # What the first frame leaves room for stays where it is: no frame moves the axes.
        self.show(0)
        for _ in range(2):  # the second time with the axes' numbers in their places
            self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def show(self, i: int) -> None:
        """Draw the i-th frame in place of the one before."""
        title, regions = self._frames[i]
        self._axes.clear()
        regions_plot(
            regions, by=self._by, output=self._output, ax=self._axes, explode=self._explode,
            scale=False, colours=self._colours,
        )  # fmt: skip
        for letter, limits in zip("xyz", self._limits, strict=False):
            getattr(self._axes, f"set_{letter}lim")(limits)
        if self.dim == 3 and self._limits:
            self._axes.set_box_aspect(np.ptp(self._limits, axis=1))
        if self.dim == 2:
            for axis in (self._axes.xaxis, self._axes.yaxis):
                axis.set_major_locator(MaxNLocator(5, steps=STEPS))
        self._axes.set_title(title.replace("$", r"\$"))

    def _common_limits(self) -> list[tuple[float, float]]:
        """The least box, axis by axis, around what all frames draw."""
        boxes = []
        for i, (_, regions) in enumerate(self._frames):
            if self.dim == 2:
                corners = corners_in_axes(regions)[1]
                boxes.append(np.column_stack([corners.min(axis=0), corners.max(axis=0)]))
            else:
                self.show(i)
                names = ("x", "y", "z")[: max(self.dim, 2)]
                boxes.append(np.array([getattr(self._axes, f"get_{name}lim")() for name in names]))
        lower, upper = np.min(boxes, axis=0)[:, 0], np.max(boxes, axis=0)[:, 1]
        return list(zip(lower.tolist(), upper.tolist(), strict=True))


def _write_folder(stage: _Stage, folder: Path, dpi: int, progress: Progress | None) -> list[Path]:
    with writing(folder):
        for earlier in folder.glob("frame_*.png"):
            earlier.unlink()
    written = []
    n_frames = len(stage._frames)
    for i in range(n_frames):
        stage.show(i)
        written.append(folder / f"frame_{i:04}.png")
        with whole_file(written[-1]) as draft:
            stage.figure.savefig(draft, format="png", dpi=dpi, metadata={"Software": None})
        _report(progress, i + 1, n_frames)
    return written


def _report(progress: Progress | None, done: int, of: int) -> None:
    if progress is not None:
        progress(done, done / of)


def _check(
    frames: list[tuple[str, RegionComplex]], by: str, path: Path, fps: int, dpi: int
) -> None:
    if path.suffix.lower() not in ("", ".gif", ".mp4"):
        raise InvalidInputError(
            f"{path}: animations are written as .gif, as .mp4, or into a folder (no suffix)"
        )
    if not frames:
        raise InvalidInputError("animate: there is no frame")
    dims = {regions.dim for _, regions in frames}
    if len(dims) > 1:
        raise InvalidInputError(
            f"animate: frames have regions of dimensions {', '.join(map(str, sorted(dims)))}; "
            "they need to be of one"
        )
    if by not in QUANTITIES:
        raise InvalidInputError(f"animate: by is {by!r}; quantities are {', '.join(QUANTITIES)}")
    if not (fps > 0 and dpi > 0):
        raise InvalidInputError(
            f"animate: fps is {fps!r} and dpi {dpi!r}; both need to be positive"
        )
