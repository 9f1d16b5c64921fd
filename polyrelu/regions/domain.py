"""Domains: the part of input space that is cut into regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.rational import independent_rows, integer_direction
from polyrelu.network import Network
from polyrelu.regions.bounds import slice_arrays
from polyrelu.regions.box import Box
from polyrelu.regions.chart import Chart, polyhedron_chart
from polyrelu.regions.polytope import Polytope, frozen_floats

__all__ = ["AffineSlice", "Box", "Domain", "Polytope", "Space"]

ON_SLICE = 1e-9  # how far from a slice, relative to its coordinates, a point counts as on it
MARGIN = 0.25  # how far a slice through points reaches beyond them, in its coordinates
FLAT = 1e-10  # sine of an angle between directions that rounding of the points may have made


@dataclass(frozen=True, eq=False)
class Space:
    """All of R^dim.

    Parameters
    ----------
    dim : int, optional
        Number of inputs. Without it the space fits a network with any number of inputs.

    Raises
    ------
    InvalidInputError
        If ``dim`` is not a positive integer.

    Examples
    --------
    >>> Space().bound_to(3)
    Space(3)
    >>> Space(2).contains([1e300, -5.0])
    array(True)
    """

    dim: int | None = None

    def __post_init__(self) -> None:
        if self.dim is None:
            return
        if not isinstance(self.dim, int | np.integer) or self.dim < 1 or self.dim is True:
            raise InvalidInputError(f"Space: dim must be a positive integer, not {self.dim!r}")
        object.__setattr__(self, "dim", int(self.dim))

    def bound_to(self, n_inputs: int) -> Space:
        """The space of a network's inputs.

        Raises
        ------
        InvalidInputError
            If this space has another dimension.
        """
        if self.dim not in (None, n_inputs):
            raise InvalidInputError(
                f"the space has {self.dim} dimensions but the network has {n_inputs} inputs"
            )
        return Space(n_inputs)

    @property
    def is_bounded(self) -> bool:
        """False."""
        return False

    def contains(self, x: ArrayLike) -> np.ndarray:
        """Whether the points x (…, dim) have finite coordinates."""
        inside: np.ndarray = np.asarray(np.isfinite(np.asarray(x, dtype=np.float64)).all(axis=-1))
        return inside

    def describe(self) -> dict[str, Any]:
        """The space as a JSON object: type, dimension."""
        return {"type": "space", "dim": self.dim}

    def chart(self, network: Network) -> Chart:
        """The inputs, or as many of them as tell the regions apart.

        Raises
        ------
        InvalidInputError
            If the first layer's weights have a rank beyond ``chart.MAX_DIM``.
        """
        n_inputs = network.n_inputs
        return self.bound_to(n_inputs).chart_in(network, np.zeros(n_inputs), np.eye(n_inputs))

    def chart_in(self, network: Network, origin: np.ndarray, basis: np.ndarray) -> Chart:
        """The coordinates y in x = origin + basis y, or as many as tell the regions apart."""
        return polyhedron_chart(network, origin, basis, ())

    def __repr__(self) -> str:
        return f"Space({'' if self.dim is None else self.dim})"


@dataclass(frozen=True, eq=False)
class AffineSlice:
    """The points x = origin + basis y of an affine subspace, with y in a domain of its own.

    Parameters
    ----------
    origin : (n_inputs,) array_like
    basis : (n_inputs, k) array_like
        Independent directions, one per column.
    within : Box, Polytope or Space, optional
        Where the coordinates y lie; by default anywhere (the whole subspace).

    Raises
    ------
    InvalidInputError
        If shapes disagree, the columns depend on one another (decided exactly), an entry is not
        finite, or ``within`` does not fit k coordinates.

    Notes
    -----
    Regions are cut in the coordinates y: dimensions, volumes and the facet ids of the domain (the
    rows of ``within``) are those of y. A coordinate that a ``Box`` holds fixed moves the origin,
    which must then be exact in float64: a ``chart`` that would need rounding is refused.

    Examples
    --------
    >>> diagonal = AffineSlice([0, 0], [[1], [1]], Box(-1, 1))
    >>> diagonal.contains([[0.5, 0.5], [2, 2], [0.5, 0]])
    array([ True, False, False])
    """

    origin: np.ndarray  # (n_inputs,) float64, read-only
    basis: np.ndarray  # (n_inputs, k) float64, read-only
    within: Box | Polytope | Space  # bound to the k coordinates y

    def __init__(
        self,
        origin: ArrayLike,
        basis: ArrayLike,
        within: Box | Polytope | Space | None = None,
    ) -> None:
        origin, basis = frozen_floats("AffineSlice", origin=origin, basis=basis)
        within = Space() if within is None else within
        if origin.ndim != 1 or basis.ndim != 2 or len(basis) != len(origin) or not basis.size:
            raise InvalidInputError(
                f"AffineSlice: origin has shape {origin.shape} and basis {basis.shape}; needed are "
                "(n_inputs,) and (n_inputs, k), one column per direction"
            )
        k = basis.shape[1]
        independent = independent_rows([integer_direction(column) for column in basis.T])
        if len(independent) < k:
            column = min(set(range(k)) - set(independent))
            raise InvalidInputError(
                f"AffineSlice: column {column} of basis (counted from 0) depends on those before "
                "it; leave it out"
            )
        if not isinstance(within, Box | Polytope | Space):
            raise InvalidInputError(
                f"AffineSlice: within is a {type(within).__name__}; it needs to be a Box, Polytope "
                "or Space in the slice's coordinates"
            )
        try:
            within = within.bound_to(k)
        except InvalidInputError as error:
            raise InvalidInputError(
                f"AffineSlice: {within!r} does not bound {k} coordinates, one per column of basis"
            ) from error
        for name, value in (("origin", origin), ("basis", basis), ("within", within)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_file(
        cls, path: str | Path, within: Box | Polytope | Space | None = None
    ) -> AffineSlice:
        """Read a slice from a ``.npz`` file with arrays ``origin`` and ``basis``, or a text file.

        Parameters
        ----------
        path : str or Path
            In a text file the first line is the origin and every further one a direction, that
            is a column of ``basis``; ``#`` starts a comment.
        within : Box, Polytope or Space, optional
            As above.

        Raises
        ------
        InvalidInputError
            If the file cannot be read or holds no slice; says where.
        """
        try:
            whole = cls(*slice_arrays(Path(path)))
        except InvalidInputError as error:
            raise InvalidInputError(f"slice file {path}: {error}") from error
        return cls(whole.origin, whole.basis, within)

    @classmethod
    def through(
        cls, points: Iterable[ArrayLike], bounds: Box | Polytope | Space | None = None
    ) -> AffineSlice:
        """The slice through k + 1 points of input space, with k coordinates.

        The first point is the origin, and the i-th one after it has coordinate i equal to 1 and
        the others 0: the columns of ``basis`` are its differences to the first.

        Parameters
        ----------
        points : iterable of k + 1 array_like, or (k + 1, n_inputs) array_like
            At least two points that do not depend on one another: three on a line have no plane.
            Arrays of more axes, such as images, are taken in row-major order.
        bounds : Box, Polytope or Space, optional
            Where the coordinates lie; by default in the box from -0.25 to 1.25, which holds the
            points with a margin.

        Raises
        ------
        InvalidInputError
            If there are less than two points, they differ in size, an entry is not finite or no
            float64, or some point depends on those before it, or does so but for rounding.

        Notes
        -----
        A difference is rounded where float64 cannot hold it; then the slice misses that point by
        half a unit in the last place of the difference. It is exact for images in float32 whose
        values are not tiny. Volumes are those of the coordinates: lengths between the points are 1.

        Examples
        --------
        >>> plane = AffineSlice.through([[0, 0, 1], [2, 0, 1], [0, 3, 1]])
        >>> plane.basis.T
        array([[2., 0., 0.],
               [0., 3., 0.]])
        >>> plane.within
        Box([-0.25, -0.25], [1.25, 1.25])
        """
        owner = "AffineSlice.through"
        if not isinstance(points, Iterable):
            raise InvalidInputError(f"{owner}: points is {points!r}; a list of points is needed")
        flat = [frozen_floats(owner, **{f"point {i}": p})[0].ravel() for i, p in enumerate(points)]
        if len(flat) < 2 or len({p.size for p in flat}) > 1 or not flat[0].size:
            raise InvalidInputError(
                f"{owner}: points of the sizes {[p.size for p in flat]}; at least two of one size "
                "are needed, with a number per input"
            )
        origin = flat[0]
        with np.errstate(over="ignore"):
            basis = np.array([point - origin for point in flat[1:]]).T
        if not np.isfinite(basis).all():
            raise InvalidInputError(f"{owner}: the points are so far apart that floats overflow")
        _check_independent(owner, flat, basis)
        return cls(origin, basis, Box(-MARGIN, 1 + MARGIN) if bounds is None else bounds)

    def bound_to(self, n_inputs: int) -> AffineSlice:
        """This slice, which must lie in the space of the network's inputs.

        Raises
        ------
        InvalidInputError
            If it lies in a space of another dimension.
        """
        if len(self.origin) != n_inputs:
            raise InvalidInputError(
                f"the slice lies in R^{len(self.origin)} but the network has {n_inputs} inputs"
            )
        return self

    @property
    def dim(self) -> int:
        """Dimension of the part of the slice that is cut, before anything unseen drops out."""
        dim = self.within.dim
        return self.basis.shape[1] if dim is None else dim

    @property
    def is_bounded(self) -> bool:
        """Whether ``within`` is."""
        return self.within.is_bounded

    def contains(self, x: ArrayLike) -> np.ndarray:
        """Whether the points x (…, n_inputs) lie on the slice, up to rounding, and within.

        A point is on the slice if it misses it by no more than 1e-9 of the coordinates that it is
        made of; whether its y, found by least squares and rounded, is in ``within`` is exact. A
        coordinate that a ``Box`` holds fixed has its value.
        """
        points = np.asarray(x, dtype=np.float64)
        finite = np.asarray(np.isfinite(points).all(axis=-1))
        flat = np.where(finite[..., None], points, 0.0).reshape(-1, len(self.origin))
        length = np.abs(self.basis).max(axis=0)
        unit = self.basis / length
        free, y = np.arange(len(length)), np.zeros((len(flat), len(length)))
        if isinstance(self.within, Box):
            free = self.within.free
            y[:] = self.within.lower * length
        rest = flat - self.origin - np.delete(y, free, axis=1) @ np.delete(unit, free, axis=1).T
        with np.errstate(over="ignore", invalid="ignore"):
            y[:, free] = np.linalg.lstsq(unit[:, free], rest.T, rcond=None)[0].T
            miss = np.abs(flat - self.origin - y @ unit.T).max(axis=1)
            size = np.abs(flat) + np.abs(self.origin) + np.abs(y) @ np.abs(unit).T
            on_slice = miss <= ON_SLICE * size.max(axis=1)
            y /= length
        if isinstance(self.within, Box):
            fixed = np.setdiff1d(np.arange(len(length)), free)
            y[:, fixed] = self.within.lower[fixed]
        inside: np.ndarray = on_slice & self.within.contains(y)
        return finite & inside.reshape(points.shape[:-1])

    def describe(self) -> dict[str, Any]:
        """The slice as a JSON object: type, origin, basis, bounds of its coordinates, dimension."""
        return {
            "type": "slice",
            "origin": self.origin.tolist(),
            "basis": self.basis.tolist(),
            "within": self.within.describe(),
            "dim": self.dim,
        }

    def chart(self, network: Network) -> Chart:
        """``within`` in its own coordinates, embedded in the network's inputs.

        Raises
        ------
        EmptyPolyhedronError, InvalidInputError
            As ``within.chart`` does, and if a fixed coordinate of a ``Box`` moves the origin to a
            point that float64 cannot hold.
        """
        self.bound_to(network.n_inputs)
        return self.within.chart_in(network, self.origin, self.basis)

    def __repr__(self) -> str:
        return f"AffineSlice({self.origin.tolist()}, {self.basis.tolist()}, {self.within!r})"


def _check_independent(owner: str, points: list[np.ndarray], basis: np.ndarray) -> None:
    """Refuse points of which one lies on the affine subspace of others, or would but for rounding.

    ``basis`` has the differences to the first one as its columns.
    """
    independent = independent_rows([integer_direction(np.append(p, 1.0)) for p in points])
    dependent = sorted(set(range(len(points))) - set(independent))
    if not dependent:
        length = np.abs(basis).max(axis=0)
        unit = basis / np.where(length, length, 1.0)
        unit /= np.sqrt((unit**2).sum(axis=0)).clip(min=FLAT)
        # |r_ii| is the sine of the angle of column i to those before it.
        sines = np.abs(np.asarray(np.linalg.qr(unit, mode="r")).diagonal())
        dependent = (np.flatnonzero(sines < FLAT) + 1).tolist()
    if dependent:
        raise InvalidInputError(
            f"{owner}: point {dependent[0]} (counted from 0) lies on the line, plane or space "
            "through those before it, or is so close that rounding decides; leave it out"
        )


Domain: TypeAlias = Box | Polytope | Space | AffineSlice
