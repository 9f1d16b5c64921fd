"""The door to cddlib: representation conversion, redundancy, incidence.

This is the only module that imports `cdd`, and the only place where ``A x <= b`` becomes cddlib's
``0 <= b + A x``. With `cdd.gmp` (pycddlib built with GMP) every number is taken as the rational it
is, and every answer is exact (`IS_EXACT`). Without it cddlib computes in floating point and takes
what is below 1e-7 for zero. Here that is made safe by

* *scaling*: rows are scaled by powers of two, and a full-dimensional set is moved and blown up
  until a point near its deepest one is the origin, at depth about 1 (by steps that are exact on
  small integers), so that 1e-7 is relative to the set and not to the unit of its coordinates;
* *order*: redundant rows go first, one linear program each; only irredundant rows are converted;
* *refusal*: afterwards every row is evaluated at every generator, and a value too small to be
  nonzero for cddlib and too large to be a rounding error is a `KernelError`, not a guess.

Habits of cddlib that end here: an infeasible system gives no generator and no error; a cone with
its apex at 0 does not list the apex; generators at infinity come as an extra incidence set, and the
facet at infinity as a row 0 <= 1; a row that touches has a non-empty incidence set without being a
facet; NaN passes (`HRep` and `VRep` stop it); a row of zeros crashes some functions; an infeasible
system has redundant rows, after whose removal it is feasible.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

import cdd
import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import EmptyPolyhedronError, InvalidInputError, KernelError
from polyrelu.geometry._scaling import offsets, on_grid, power_of_two, row_scaled
from polyrelu.geometry.polyhedron import HRep, Incidence, VRep

kernel: Any = cdd
try:
    import cdd.gmp

    kernel = cdd.gmp
except ImportError:
    pass

__all__ = ["IS_EXACT", "facet_rows", "hrep", "incidence", "vrep"]

IS_EXACT: bool = kernel is not cdd
"""Whether cddlib computes with rationals (`cdd.gmp`) and not in floating point."""

_ADVICE = "" if IS_EXACT else "; pycddlib in place of pycddlib-standalone decides exactly"

FLAT = 1e-12  # a depth below this, relative to the right-hand sides, is none (floating point)
ROUNDING, CDD_ZERO = 1e-10, 1e-7  # slacks between the two are undecided (floating point)

Reals = NDArray[np.float64]


class _Description(NamedTuple):
    """Both representations of one polyhedron, irredundant, and who lies on whom."""

    facets: NDArray[np.intp]  # (n_facets,): input rows, or output rows without equations
    matrix: NDArray[np.bool_]  # (n_facets, n_vertices + n_rays)
    vertices: Reals  # (n_vertices, d)
    rays: Reals  # (n_rays, d)
    lines: Reals  # (lineality, d)
    dim: int


def facet_rows(hrep: HRep) -> NDArray[np.intp]:
    """Ascending indices of the rows of A x <= b that are facets.

    A facet is a row whose removal enlarges the set; of rows that give the same facet the first
    one counts. If the set is not full-dimensional, the rows that hold with equality everywhere
    span its affine hull; they are no facets, and facets are those inside the hull.

    Parameters
    ----------
    hrep : HRep

    Returns
    -------
    ndarray of int, shape (n_facets,)
        Empty for an affine space, R^d and a point among them.

    Raises
    ------
    EmptyPolyhedronError
        If no point satisfies all rows.
    KernelError
        If cddlib fails, or floating point cannot decide a near-tie.

    Examples
    --------
    >>> facet_rows(HRep([[-1, 0], [0, -1], [-2, 0], [-1, -1]], [0, 0, 0, 0]))
    array([0, 1])
    """
    return _from_inequalities(hrep).facets


def vrep(hrep: HRep) -> VRep:
    """Vertices, rays and lines of {x : A x <= b}, none of them redundant.

    Parameters
    ----------
    hrep : HRep

    Returns
    -------
    VRep
        At least one vertex; the apex of a cone is listed. With lines, one point of each minimal
        face and one direction of each extreme ray modulo the lines.

    Raises
    ------
    EmptyPolyhedronError
        If no point satisfies all rows.
    KernelError
        If cddlib fails, or floating point cannot decide a near-tie.

    Examples
    --------
    >>> vrep(HRep([[-1, 0], [0, -1]], [0, 0])).vertices
    array([[0., 0.]])
    """
    found = _from_inequalities(hrep)
    return VRep(found.vertices, found.rays, found.lines)


def hrep(vrep: VRep) -> HRep:
    """Irredundant inequalities A x <= b of conv(vertices) + cone(rays) + span(lines).

    Parameters
    ----------
    vrep : VRep
        Redundant generators do no harm.

    Returns
    -------
    HRep
        One row per facet; then, if the set is not full-dimensional, the equations of its affine
        hull as pairs of opposite rows.

    Raises
    ------
    EmptyPolyhedronError
        If there is no generator.
    KernelError
        If cddlib fails, or floating point cannot decide a near-tie.

    Examples
    --------
    >>> segment = hrep(VRep([[0], [1], [0.5]]))
    >>> sorted(zip(segment.A[:, 0].tolist(), segment.b.tolist()))
    [(-1.0, 0.0), (1.0, 1.0)]
    """
    return _from_generators(vrep)[1]


def incidence(representation: HRep | VRep) -> Incidence:
    """Facets against generators of a polyhedron, neither side redundant.

    Parameters
    ----------
    representation : HRep or VRep
        Need not be irredundant or full-dimensional.

    Returns
    -------
    Incidence
        Of an `HRep` the facets are the rows `facet_rows`, in this order, and the generators those
        of `vrep`, vertices first. Of a `VRep` the facets are the first rows of `hrep`, and the
        generators those that are not redundant, in the order given, vertices first.

    Raises
    ------
    EmptyPolyhedronError
        If the polyhedron is empty.
    KernelError
        If cddlib fails, or floating point cannot decide a near-tie.

    Examples
    --------
    >>> corner = incidence(HRep([[-1, 0], [0, -1]], [0, 0]))
    >>> corner.matrix.sum(axis=1), corner.rays, corner.dim
    (array([2, 2]), array([False,  True,  True]), 2)
    """
    if isinstance(representation, HRep):
        found = _from_inequalities(representation)
    else:
        found = _from_generators(representation)[0]
    rays = np.arange(found.matrix.shape[1]) >= len(found.vertices)
    try:
        return Incidence(found.matrix, dim=found.dim, rays=rays, lineality=len(found.lines))
    except InvalidInputError as error:
        raise KernelError(f"cddlib's answer contradicts itself: {error}{_ADVICE}") from error


def _from_inequalities(hrep: HRep) -> _Description:
    d = hrep.ambient_dim
    rows = _nonzero_rows(hrep)
    if not len(rows):
        none = np.empty((0, d))
        all_of_it = np.zeros((0, 1), dtype=bool)
        return _Description(rows, all_of_it, np.zeros((1, d)), none, np.eye(d), d)
    A, b = row_scaled(hrep.A[rows], hrep.b[rows])
    center, scale, is_full = _frame(A, b)
    shifted = np.insert(-A, 0, offsets(A, b, center) / scale, axis=1)
    if is_full and not IS_EXACT and (shifted[:, 0] <= 0).any():
        raise KernelError(f"floating point found no interior point{_ADVICE}")

    system = _matrix(shifted, kernel.RepType.INEQUALITY)
    equations = set() if is_full else _call(kernel.implicit_linearity_rows, system)
    system.lin_set = equations
    redundant = _call(kernel.redundant_rows, system)
    kept = [i for i in range(len(rows)) if i not in redundant]
    equal = [k for k, i in enumerate(kept) if i in equations]
    reduced = _matrix(shifted[kept], kernel.RepType.INEQUALITY, equal)
    described = _call(kernel.polyhedron_from_matrix, reduced)
    output = kernel.copy_generators(described)
    entries, lines = output.array, output.lin_set
    generators = _floats(entries, d + 1)

    vertices = [j for j, entry in enumerate(entries) if entry[0] > 0.5]  # it is 1, or 0
    rays = [j for j, entry in enumerate(entries) if entry[0] <= 0.5 and j not in lines]
    if not vertices and shifted[kept, 0].any():
        raise KernelError(f"floating point cannot decide whether the set is empty{_ADVICE}")
    points = np.zeros((1, d))  # the apex of a cone
    if vertices:
        points = generators[vertices, 1:] / generators[vertices, :1]
    _check_decided(shifted, points, generators[rays, 1:], equations)

    facets = [k for k in range(len(kept)) if kept[k] not in equations]
    on = kernel.copy_input_incidence(described)  # its last set may be that of the facet at infinity
    matrix = np.array([[j in on[k] for j in vertices + rays] for k in facets], dtype=bool)
    matrix = matrix.reshape(len(facets), len(vertices) + len(rays))
    if not vertices:
        matrix = np.insert(matrix, 0, True, axis=1)  # and it lies on every facet
    dim = d - (_rank(shifted[sorted(equations)]) if equations else 0)
    return _Description(
        rows[[kept[k] for k in facets]],
        matrix,
        center + scale * points,
        generators[rays, 1:],
        generators[sorted(lines), 1:],
        dim,
    )


def _from_generators(vrep: VRep) -> tuple[_Description, HRep]:
    d, n = vrep.ambient_dim, len(vrep.vertices)
    if not n:
        raise EmptyPolyhedronError("there is no generator, so the set is empty")
    center, scale = np.zeros(d), 1.0
    if not IS_EXACT:
        low, high = vrep.vertices.min(axis=0), vrep.vertices.max(axis=0)
        scale = power_of_two((high - low).max() / 2) or 1.0
        center = on_grid((low + high) / 2, scale)
    directions = np.vstack([vrep.rays, vrep.lines])
    directions, _ = row_scaled(directions, np.zeros(len(directions)))
    homogeneous = np.block(
        [
            [np.ones((n, 1)), (vrep.vertices - center) / scale],
            [np.zeros((len(directions), 1)), directions],
        ]
    )
    n_proper = n + len(vrep.rays)
    lines = set(range(n_proper, len(homogeneous)))

    system = _matrix(homogeneous, kernel.RepType.GENERATOR, lines)
    if len(directions):
        lines |= _call(kernel.implicit_linearity_rows, system)
        system.lin_set = lines
    redundant = _call(kernel.redundant_rows, system)
    kept = [j for j in range(len(homogeneous)) if j not in redundant]
    straight = [k for k, j in enumerate(kept) if j in lines]
    reduced = _matrix(homogeneous[kept], kernel.RepType.GENERATOR, straight)
    described = _call(kernel.polyhedron_from_matrix, reduced)
    output = kernel.copy_inequalities(described)
    inequalities = _floats(output.array, d + 1)

    equations = sorted(output.lin_set)
    at_infinity = np.abs(inequalities[:, 1:]).max(axis=1, initial=0.0) < ROUNDING  # 0 <= 1
    facets = [i for i in range(len(inequalities)) if i not in equations and not at_infinity[i]]
    rows = inequalities[facets + equations]
    points = homogeneous[:n, 1:]
    _check_decided(rows, points, homogeneous[n:n_proper, 1:], range(len(facets), len(rows)))

    proper = [k for k, j in enumerate(kept) if j not in lines]
    on = kernel.copy_incidence(described)
    matrix = np.array([[k in on[i] for k in proper] for i in facets], dtype=bool)
    vertices = [kept[k] for k in proper if kept[k] < n]
    rays = [kept[k] for k in proper if kept[k] >= n]
    lineality = _basis(homogeneous[sorted(lines), 1:])
    found = _Description(
        np.arange(len(facets)),
        matrix.reshape(len(facets), len(proper)),
        vrep.vertices[vertices],
        homogeneous[rays, 1:],
        lineality,
        d - len(equations),
    )
    both = np.vstack([rows, -rows[len(facets) :]])
    return found, HRep(-both[:, 1:], scale * both[:, 0] - both[:, 1:] @ center)


def _nonzero_rows(hrep: HRep) -> NDArray[np.intp]:
    """Rows with a direction; a row of zeros says 0 <= b, which is nothing or a contradiction."""
    is_zero = ~hrep.A.any(axis=1)
    false = np.flatnonzero(is_zero & (hrep.b < 0))
    if len(false):
        raise EmptyPolyhedronError(f"row {false[0]} says 0 <= {hrep.b[false[0]]}: no point does")
    return np.flatnonzero(~is_zero)


def _frame(A: Reals, b: Reals) -> tuple[Reals, float, bool]:
    """Origin and unit of the coordinates to compute in, and whether the set is full-dimensional.

    The depth of x is the largest t with A x + t <= b. One linear program, with t <= 1 to keep it
    bounded, decides all: the set is empty when t < 0, full-dimensional when t > 0, flat when t = 0.
    """
    m, d = A.shape
    rows = np.vstack([np.hstack([b[:, None], -A, -np.ones((m, 1))]), np.zeros((1, d + 2))])
    rows[-1, [0, -1]] = 1, -1
    deepest = _matrix(rows, kernel.RepType.INEQUALITY)
    deepest.obj_type = kernel.LPObjType.MAX
    deepest.obj_func = [0] * (d + 1) + [1]
    program = kernel.linprog_from_matrix(deepest)
    _call(kernel.linprog_solve, program)
    if program.status != kernel.LPStatusType.OPTIMAL:
        raise KernelError(f"cddlib's linear program ended with {program.status!r}{_ADVICE}")
    depth = program.obj_value
    flat = 0 if IS_EXACT else FLAT * max(1.0, np.abs(b).max())
    if depth < -flat:
        raise EmptyPolyhedronError(
            f"no point satisfies all {m} rows; the best one misses by {-float(depth):.3g}"
        )
    if IS_EXACT or depth <= flat:
        return np.zeros(d), 1.0, bool(depth > flat)
    scale = power_of_two(depth)
    return on_grid(np.array(program.primal_solution[:d]), scale), scale, True


def _check_decided(rows: Reals, points: Reals, directions: Reals, equations: Iterable[int]) -> None:
    """Raise unless every row is clearly zero or clearly positive at every generator.

    `rows` are cddlib's 0 <= b + A x in scaled coordinates; `equations` are to vanish.
    """
    if IS_EXACT:
        return
    sizes = np.abs(rows[:, 1:]).max(axis=1, initial=0.0)
    rows = rows / np.where(sizes > 0, sizes, 1.0)[:, None]
    directions = directions / np.abs(directions).max(axis=1, initial=0.0, keepdims=True)
    slack = np.hstack([rows[:, :1] + rows[:, 1:] @ points.T, rows[:, 1:] @ directions.T])
    reach = np.abs(np.vstack([points, directions])).max(axis=1, initial=0.0)
    slack /= 1 + np.maximum(reach, np.abs(rows[:, :1]))
    undecided = (slack < -ROUNDING) | ((slack > ROUNDING) & (slack < CDD_ZERO))
    equal = list(equations)
    undecided[equal] = np.abs(slack[equal]) > ROUNDING
    if undecided.any():
        value = slack[undecided][0]
        raise KernelError(
            f"floating point cannot decide whether a relative slack of {value:.3g} is 0{_ADVICE}"
        )


def _matrix(rows: Reals, kind: Any, linear: Iterable[int] = ()) -> Any:
    """cddlib's matrix of the given rows; to exact arithmetic a float is the rational it is."""
    entries = [[Fraction(x) for x in row] for row in rows.tolist()] if IS_EXACT else rows.tolist()
    return kernel.matrix_from_array(entries, rep_type=kind, lin_set=set(linear))


def _floats(rows: Iterable[Sequence[Any]], n_columns: int) -> Reals:
    """cddlib's rows as float64; an exact one without rounding where a positive factor helps."""
    values = [_integral(row) for row in rows] if IS_EXACT else list(rows)
    return np.array([[float(x) for x in row] for row in values]).reshape(-1, n_columns)


def _integral(row: Sequence[Fraction]) -> list[Fraction]:
    """The row times the factor that makes it integral and coprime, or of size 1 if too large."""
    size = max(map(abs, row)) or Fraction(1)
    unit = Fraction(gcd(*(x.numerator for x in row)) or 1, lcm(*(x.denominator for x in row)))
    return [x / (unit if size / unit < 2**53 else size) for x in row]


def _rank(rows: Reals) -> int:
    return int(_call(kernel.matrix_rank, _matrix(rows, kernel.RepType.INEQUALITY))[2])


def _basis(rows: Reals) -> Reals:
    """A maximal independent subset of the rows."""
    if not len(rows):
        return rows
    system = _matrix(np.insert(rows, 0, 0.0, axis=1), kernel.RepType.INEQUALITY)
    return rows[sorted(_call(kernel.matrix_rank, system)[0])]


def _call(function: Callable[[Any], Any], argument: Any) -> Any:
    """`function(argument)`, with cddlib's failure as a `KernelError`."""
    try:
        return function(argument)
    except RuntimeError as error:
        raise KernelError(f"cddlib failed in {function.__name__}: {error}") from error
