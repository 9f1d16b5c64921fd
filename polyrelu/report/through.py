"""What there is to tell of a slice through points, apart from its census."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex
    from polyrelu.regions.boundary import DecisionBoundary
    from polyrelu.regions.chart import Chart

ON_SLICE = 1e-9  # how far from a slice, relative to its coordinates, a point counts as on it


@dataclass(frozen=True)
class Marks:
    """Points to be marked in a picture.

    Attributes
    ----------
    names : tuple of str, length k
    points : (k, n_inputs) float64
    """

    names: tuple[str, ...]
    points: np.ndarray

    def within(self, chart: Chart) -> tuple[list[str], np.ndarray]:
        """Those that lie on the slice of a chart, and their coordinates there."""
        far = self.points - chart.origin
        y = np.linalg.lstsq(chart.basis, far.T, rcond=None)[0].T
        miss = np.abs(far - y @ chart.basis.T).max(axis=1)
        on = miss <= ON_SLICE * (np.abs(self.points).max(axis=1) + np.abs(chart.origin).max())
        return [name for name, is_on in zip(self.names, on, strict=True) if is_on], y[on]


@dataclass(frozen=True)
class Through:
    """What there is to tell of a slice through points, apart from its census.

    Attributes
    ----------
    marks : Marks
        The points.
    record : dict
        JSON-able: the points' files, coordinates and, if the network classifies, classes.
    boundary : DecisionBoundary or None
        None if the network does not classify, or was not followed to its end.
    cells : RegionComplex or None
        Regions of the decision network, if they are to be drawn.
    """

    marks: Marks
    record: dict[str, Any]
    boundary: DecisionBoundary | None = None
    cells: RegionComplex | None = None

    def to_dict(self) -> dict[str, Any]:
        """What is added to the record of a census."""
        found = self.boundary.to_dict() if self.boundary is not None else {}
        return {"through": self.record, **found}

    def figures(self, regions: RegionComplex | None) -> dict[str, Any]:
        """The pictures by name, as far as the dimension and what is known allow; to scale."""
        from polyrelu.report.slices import boundary_figure, class_figure, slice_figure

        found: dict[str, Any] = {}
        if regions is not None:
            found["partition"] = slice_figure(regions, marks=self.marks)
            if self.boundary is not None and self.cells is not None:
                found["classes"] = class_figure(
                    regions, self.cells, self.boundary, marks=self.marks
                )
        elif self.boundary is not None:
            chart = self.boundary.chart
            if chart.dim == 3 and chart.is_bounded:
                found["boundary"] = boundary_figure(self.boundary, marks=self.marks)
        return found
