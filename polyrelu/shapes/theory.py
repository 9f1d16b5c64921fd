"""Closed forms: what counts of regions and faces must be, whatever the weights.

All are exact: integers and fractions. *Generic* means: the statement holds for all weights but a
set of measure zero. What has no reference below follows from Euler's formula as its docstring says.
`polyrelu.shapes.oracles` picks the formulas that hold for given regions, beside measured values.

References
----------
Buck, "Partition of space", American Mathematical Monthly 50 (1943).
Cover, "Geometrical and statistical properties of systems of linear inequalities with applications
in pattern recognition", IEEE Transactions on Electronic Computers 14 (1965).
McMullen, "The maximum numbers of faces of a convex polytope", Mathematika 17 (1970).
Zaslavsky, "Facing up to arrangements", Memoirs of the AMS 154 (1975).
Björner et al., "Oriented Matroids", 2nd edition (1999).
Gaines, Bi, "Characterizing the Discrete Geometry of ReLU Networks", ICLR (2026).
"""

from collections.abc import Iterable
from fractions import Fraction
from math import comb

from polyrelu.errors import InvalidInputError

# One hidden layer with biases: a hyperplane arrangement in R^d


def n_faces_of_arrangement(n: int, dim: int, k: int) -> int:
    """Number of k-dimensional faces of n hyperplanes in general position in R^dim.

    C(n, d - k) * sum over j <= k of C(n - d + k, j): a k-face lies on d - k of the hyperplanes,
    and the others cut the k-dimensional flat that these have in common (Buck 1943). Each k-face
    belongs to 2**(d - k) regions.

    Examples
    --------
    Three lines: 3 points, 9 edges, 7 regions.

    >>> [n_faces_of_arrangement(3, 2, k) for k in range(3)]
    [3, 9, 7]
    """
    _check("n_faces_of_arrangement", n=(n, 0), dim=(dim, 1), k=(k, 0))
    if k > dim:
        raise InvalidInputError(f"n_faces_of_arrangement: k={k} exceeds dim={dim}")
    rest = n - dim + k
    return comb(n, dim - k) * sum(comb(rest, j) for j in range(k + 1)) if rest >= 0 else 0


def n_regions_of_arrangement(n: int, dim: int) -> int:
    """Number of regions of n hyperplanes in general position: sum over j <= d of C(n, j).

    So many has a generic network with one hidden layer of n neurons (Zaslavsky 1975).

    Examples
    --------
    >>> n_regions_of_arrangement(16, 3)
    697
    """
    _check("n_regions_of_arrangement", n=(n, 0), dim=(dim, 1))
    return sum(comb(n, j) for j in range(dim + 1))


def n_bounded_regions_of_arrangement(n: int, dim: int) -> int:
    """Number of bounded regions of n hyperplanes in general position: C(n - 1, d) (Zaslavsky 1975).

    Examples
    --------
    >>> n_bounded_regions_of_arrangement(3, 2)  # the triangle between three lines
    1
    """
    _check("n_bounded_regions_of_arrangement", n=(n, 0), dim=(dim, 1))
    return comb(n - 1, dim) if n else 0


def mean_facets_of_arrangement(n: int, dim: int) -> Fraction:
    """Mean number of facets of the regions of n hyperplanes in general position in R^dim.

    2 E[J | J <= d] with J binomial, n trials of probability 1/2: always below 2 d, rising in n
    towards it (Gaines and Bi 2026, theorem 3.7).

    Examples
    --------
    >>> mean_facets_of_arrangement(3, 2)  # a triangle, three unbounded regions each of 2, 3 sides
    Fraction(18, 7)
    >>> round(float(mean_facets_of_arrangement(16, 3)), 4)
    5.5552
    """
    _check("mean_facets_of_arrangement", n=(n, 0), dim=(dim, 1))
    sides = 2 * sum(j * comb(n, j) for j in range(dim + 1))
    return Fraction(sides, sum(comb(n, j) for j in range(dim + 1)))


def diameter_of_arrangement(n: int) -> int:
    """Largest distance in the dual graph of n hyperplanes in general position: n, whatever d >= 1.

    A shortest way crosses each hyperplane between its ends once, and opposite unbounded regions
    are separated by all n (Björner et al. 1999, section 4.2).
    """
    _check("diameter_of_arrangement", n=(n, 0))
    return n


# Without biases: regions are cones around the origin


def n_cones(n: int, dim: int) -> int:
    """Number of cones that n hyperplanes through the origin cut R^dim into, any d independent.

    2 * sum over i < d of C(n - 1, i) (Cover 1965).

    Examples
    --------
    >>> n_cones(3, 3), n_cones(4, 2)
    (8, 8)
    """
    _check("n_cones", n=(n, 0), dim=(dim, 1))
    return 2 * sum(comb(n - 1, i) for i in range(dim)) if n else 1


def mean_facets_of_cones(n: int, dim: int) -> Fraction:
    """Mean number of facets of the cones of n hyperplanes through the origin, any d independent.

    2 n C(n - 1, d - 1) / C(n, d) with C = `n_cones`: each hyperplane is cut by the n - 1 others.
    Below 2 (d - 1), and tends to it. For bias-free networks with one hidden layer
    (Cover 1965 for both counts).

    Examples
    --------
    >>> mean_facets_of_cones(3, 3)  # octants
    Fraction(3, 1)
    >>> round(float(mean_facets_of_cones(20, 3)), 3), round(float(mean_facets_of_cones(40, 4)), 3)
    (3.979, 5.984)
    """
    _check("mean_facets_of_cones", n=(n, 1), dim=(dim, 2))
    return Fraction(2 * n * n_cones(n - 1, dim - 1), n_cones(n, dim))


def facets_of_cones_in_space(n_regions: int) -> int:
    """Sum of the facets of the N cones of a bias-free network in R^3, of any depth: 4 N - 8.

    So the mean is 4 - 8 / N, where the network is generic on the sphere: by Euler's formula for a
    planar graph whose nodes have 4 edges. Regions must have rays.

    Examples
    --------
    >>> facets_of_cones_in_space(8)  # octants have three facets each
    24
    """
    _check("facets_of_cones_in_space", n_regions=(n_regions, 2))
    return 4 * n_regions - 8


def facets_of_cones_in_cube(n_regions: int, n_crossings: Iterable[int]) -> int:
    """Sum of the facets of the N regions of a bias-free network in a box in R^3, of any depth.

    5 N - 4 + sum over neurons of V_c(h), the crossings of the zero surface with edges of the box
    (4 or 6 for a plane through its centre), where the network is generic but for the origin. So
    the mean comes down to 5 = 2 d - 1 as regions grow faster in number than neurons.

    Notes
    -----
    Derived: 4 N - 8 facets of neurons, and Euler's formula for the boundary, on which V_2 = N - 2
    points lie on two neurons: F = 2 + V_2 + sum of V_c + 8 / 2.

    Examples
    --------
    The octants of a cube are cubes; each coordinate plane crosses four edges.

    >>> facets_of_cones_in_cube(8, [4, 4, 4])
    48
    """
    _check("facets_of_cones_in_cube", n_regions=(n_regions, 2))
    return 5 * n_regions - 4 + sum(map(int, n_crossings))


def max_mean_facets_of_cones_in_cube(n: int, dim: int) -> Fraction:
    """What the mean facets of n hyperplanes through the centre of a cube cannot exceed.

    Mean facets of the cones, plus one, plus 2 d (d - 1) * sum over j <= d - 2 of C(n, j) / N: the
    facets of the cube that a cone meets hang together by pieces of the cube's ridges, and each
    ridge is cut by n hyperplanes. Tends to 2 d - 1; the mean exceeds the first two terms.

    Examples
    --------
    >>> float(max_mean_facets_of_cones_in_cube(1000, 3)) < 5.02
    True
    """
    _check("max_mean_facets_of_cones_in_cube", n=(n, 1), dim=(dim, 2))
    on_ridges = 2 * dim * (dim - 1) * sum(comb(n, j) for j in range(dim - 1))
    return mean_facets_of_cones(n, dim) + 1 + Fraction(on_ridges, n_cones(n, dim))


def limit_of_mean_facets(dim: int, *, bias_free: bool = False, in_box: bool = False) -> int:
    """What the mean number of facets tends to as one hidden layer gets wider.

    2 d, in R^d and in a box; without biases 2 (d - 1) for cones and 2 d - 1 in a box, by the
    closed forms above; for R^d with biases also Gaines and Bi (2026), theorem 3.7.

    Examples
    --------
    >>> limit_of_mean_facets(3), limit_of_mean_facets(3, bias_free=True, in_box=True)
    (6, 5)
    """
    _check("limit_of_mean_facets", dim=(dim, 2 if bias_free else 1))
    if not bias_free:
        return 2 * dim
    return 2 * dim - 1 if in_box else 2 * (dim - 1)


# Any depth, d = 2: Euler's formula


def side_excess_in_polygon(n_sides: int) -> int:
    """Sum of sides - 4 N of a generic network's N regions in a polygon: p - 4 for p sides.

    So the mean number of sides in a rectangle is exactly 4, for any depth and any weights.

    Examples
    --------
    >>> side_excess_in_polygon(4), side_excess_in_polygon(3)  # N = 1: the polygon itself
    (0, -1)
    """
    _check("side_excess_in_polygon", n_sides=(n_sides, 3))
    return n_sides - 4


def side_excess_in_plane(n_unbounded_components: int) -> int:
    """Sum of sides - 4 N of a generic network's N regions in R^2: -4 - 2 U, of any depth.

    U is the number of unbounded connected parts of the neurons' zero curves (each curve counts on
    its own). So the mean number of sides is below 4.

    Examples
    --------
    Two lines make four quadrants with two sides each.

    >>> side_excess_in_plane(2), 4 * 2 - 4 * 4
    (-8, -8)
    """
    _check("side_excess_in_plane", n_unbounded_components=(n_unbounded_components, 0))
    return -4 - 2 * n_unbounded_components


# Any depth, d = 3: Euler's formula


def facet_excess_in_polytope(
    n_crossings: Iterable[int], euler_characteristics: Iterable[int], n_domain_facets: int = 6
) -> int:
    """Sum of facets - 6 N of a generic network's N regions in a box in R^3, of any depth.

    Sum over neurons of V_c(h) - 4 chi(h), with V_c the crossings of the neuron's zero surface and
    the edges of the box, and chi its Euler characteristic. In another bounded polytope with p
    facets, none of whose vertices lies on a zero surface, p - 6 more.

    Examples
    --------
    A plane halves a cube: two cubes. It is a disc (chi = 1) and crosses four edges.

    >>> facet_excess_in_polytope([4], [1]), 6 + 6 - 6 * 2
    (0, 0)
    """
    _check("facet_excess_in_polytope", n_domain_facets=(n_domain_facets, 4))
    chi = sum(map(int, euler_characteristics))
    return sum(map(int, n_crossings)) - 4 * chi + n_domain_facets - 6


def facet_excess_in_space(
    euler_characteristics: Iterable[int], n_unbounded_edges: Iterable[int]
) -> Fraction:
    """Sum of facets - 6 N of a generic network's N regions in R^3, of any depth.

    -6 - sum over neurons of 4 chi(h) + R_h / 2. R_h counts the unbounded edges on the neuron's
    zero surface; as an edge lies on two surfaces, both count it. Regions must have vertices.

    Notes
    -----
    Each facet has two regions, so N_2 - 3 N = -3 - sum of 2 chi(h) + R_h / 4 for their number N_2;
    it would be R_h / 2 if each unbounded edge were counted on one of its two surfaces only.

    Examples
    --------
    Three planes, four open edges and chi = 1 on each: eight octants with three facets.

    >>> facet_excess_in_space([1, 1, 1], [4, 4, 4]), 8 * 3 - 6 * 8
    (Fraction(-24, 1), -24)
    """
    chi, ends = (sum(map(int, counts)) for counts in (euler_characteristics, n_unbounded_edges))
    return Fraction(-12 - 8 * chi - ends, 2)


def max_mean_facets_of_planes_in_box(n: int, n_regions: int) -> Fraction:
    """What the mean facets of n generic planes in a box in R^3 cannot exceed: 6 + 2 n / N.

    A plane is a disc (chi = 1) that crosses three to six edges of the box, so by
    `facet_excess_in_polytope` it adds -1 to 2.

    Examples
    --------
    >>> max_mean_facets_of_planes_in_box(1, 2)  # a hexagon cuts a cube into two heptahedra
    Fraction(7, 1)
    """
    _check("max_mean_facets_of_planes_in_box", n=(n, 0), n_regions=(n_regions, 1))
    return 6 + Fraction(2 * n, n_regions)


def limit_of_mean_facets_of_copies(genus: int, n_facets: int) -> Fraction:
    """Mean facets that many parallel copies of a closed zero surface in R^3 tend to.

    6 + 8 (g - 1) / F for a connected surface of genus g with F facets: by
    `facet_excess_in_polytope` a copy adds -4 chi = 8 (g - 1), and F regions. Above 6 from genus 2
    on: depth can raise the mean above 2 d.

    Examples
    --------
    Nested octahedra: the regions between them are eight prisms with five facets.

    >>> limit_of_mean_facets_of_copies(0, 8)
    Fraction(5, 1)
    """
    _check("limit_of_mean_facets_of_copies", genus=(genus, 0), n_facets=(n_facets, 4))
    return 6 + Fraction(8 * (genus - 1), n_facets)


# One region


def max_facets(n_neurons: int, n_domain_facets: int) -> int:
    """Most facets of a region: every neuron gives at most one, the domain (a box) its p (2 d).

    Reached by hyperplanes tangent to a ball inside the domain.
    """
    _check("max_facets", n_neurons=(n_neurons, 0), n_domain_facets=(n_domain_facets, 0))
    return n_neurons + n_domain_facets


def min_facets_in_space(n_first: int, dim: int) -> int:
    """Fewest facets of a region of a generic network in R^dim: min(n_1, d).

    n_1 is the number of neurons of the first layer (Gaines and Bi 2026, theorem 3.5).
    """
    _check("min_facets_in_space", n_first=(n_first, 0), dim=(dim, 1))
    return min(n_first, dim)


def max_vertices(n_facets: int, dim: int) -> int:
    """Most vertices of a d-polytope with f facets, those of the dual of a cyclic polytope.

    C(f - ceil(d/2), floor(d/2)) + C(f - floor(d/2) - 1, ceil(d/2) - 1): f for d = 2, 2 f - 4 for
    d = 3, f (f - 3) / 2 for d = 4 (McMullen 1970).

    Examples
    --------
    >>> max_vertices(7, 2), max_vertices(6, 3), max_vertices(8, 4)
    (7, 8, 20)
    """
    _check("max_vertices", dim=(dim, 1), n_facets=(n_facets, dim + 1))
    low, high = dim // 2, dim - dim // 2
    return comb(n_facets - high, low) + comb(n_facets - low - 1, high - 1)


def f_vector_of_simple_polytope(n_facets: int, dim: int) -> tuple[int, ...]:
    """(f_0, ..., f_d) of a simple polytope of dimension 2 or 3 with f facets: it is no choice.

    (f, f, 1) for polygons and (2 f - 4, 3 f - 6, f, 1) for 3-polytopes, by Euler's formula. So
    facets, edges and vertices of a generic network's bounded regions tell the same for d <= 3.

    Examples
    --------
    >>> f_vector_of_simple_polytope(6, 3)
    (8, 12, 6, 1)
    """
    _check("f_vector_of_simple_polytope", dim=(dim, 2), n_facets=(n_facets, dim + 1))
    if dim > 3:
        raise InvalidInputError(f"f_vector_of_simple_polytope: dim is {dim}; 2 or 3 is needed")
    if dim == 2:
        return n_facets, n_facets, 1
    return 2 * n_facets - 4, 3 * n_facets - 6, n_facets, 1


def n_triangles_of_polygon(n_sides: int) -> int:
    """Triangles of every triangulation of a polygon by its vertices: k - 2.

    3-polytopes have no such number: a triangulation's size depends on the algorithm.
    """
    _check("n_triangles_of_polygon", n_sides=(n_sides, 3))
    return n_sides - 2


def _check(function: str, **given: tuple[int, int]) -> None:
    """Refuse what is no integer, or below its least value."""
    for name, (value, least) in given.items():
        is_integer = hasattr(value, "__index__") and not isinstance(value, bool)
        if not is_integer or value < least:
            raise InvalidInputError(
                f"{function}: {name} is {value!r}; an integer of at least {least} is needed"
            )
