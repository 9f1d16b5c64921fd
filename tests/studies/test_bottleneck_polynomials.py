"""Linear networks along rays of weights: exact polynomials, their model, matrices on demand."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.stats import ks_2samp

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bottleneck.chain import (
    Chain,
    coefficients,
    multi_affine_coefficients,
    random_chain,
    remainder_coefficients,
    value,
)
from polyrelu.studies.bottleneck.directions import gradient_direction, gradient_of, steepest, unit
from polyrelu.studies.bottleneck.gaussian import Dense, Gaussian
from polyrelu.studies.bottleneck.reduction import reduced_chain

SHAPES = [([], 1), ([], 3), ([2], 1), ([2, 3], 2)]


def chain_and_direction(bottlenecks, n_wide, *, wide=7, seed=0):
    rng = np.random.default_rng(seed)
    chain = random_chain(4, wide, bottlenecks, n_wide, rng)
    return chain, unit([rng.standard_normal(weight.shape) for weight in chain.weights])


def output(chain, weights):
    v = chain.x
    for weight in weights:
        v = weight @ v / weight.shape[1] ** 0.5
    return float(v[0])


def moved(chain, direction, t):
    return [w.entries + t * d.entries for w, d in zip(chain.weights, direction, strict=True)]


@pytest.mark.parametrize(("bottlenecks", "n_wide"), SHAPES)
def test_the_polynomial_is_the_network_on_the_ray(bottlenecks, n_wide):
    chain, direction = chain_and_direction(bottlenecks, n_wide)
    found = coefficients(chain, direction)
    assert len(found) == chain.n_layers + 1 == (len(bottlenecks) + 1) * (n_wide + 1) + 1
    for t in (-2.0, 0.0, 0.3, 5.0):
        assert value(found, [t])[0] == pytest.approx(output(chain, moved(chain, direction, t)))


def test_coefficients_are_sums_over_choices_of_layers():
    chain, direction = chain_and_direction([2], 1)
    found = coefficients(chain, direction)
    for order in range(5):
        total = 0.0
        for chosen in combinations(range(4), order):
            pairs = zip(chain.weights, direction, strict=True)
            mixed = [(d if n in chosen else w).entries for n, (w, d) in enumerate(pairs)]
            total += output(chain, mixed)
        assert found[order] == pytest.approx(total, rel=1e-12)


def test_only_orders_asked_for_are_computed():
    chain, direction = chain_and_direction([2, 3], 2)
    np.testing.assert_allclose(
        coefficients(chain, direction, order=3), coefficients(chain, direction)[:4], rtol=1e-12
    )


@pytest.mark.parametrize(("bottlenecks", "n_wide"), SHAPES)
def test_the_model_is_the_product_of_tangents_of_blocks(bottlenecks, n_wide):
    chain, direction = chain_and_direction(bottlenecks, n_wide)
    t, h = 0.7, 1e-5
    expected = chain.x
    for block in (slice(*ends) for ends in pairwise((0, *chain.ends))):

        def product(t, block=block):
            found = np.eye(chain.weights[block.start].shape[1])
            for weight in moved(chain, direction, t)[block]:
                found = weight @ found / weight.shape[1] ** 0.5
            return found

        expected = (product(0) + t * (product(h) - product(-h)) / (2 * h)) @ expected
    found = multi_affine_coefficients(chain, direction)
    assert len(found) == len(bottlenecks) + 2
    assert value(found, [t])[0] == pytest.approx(expected[0], rel=1e-8)
    rest = remainder_coefficients(chain, direction)
    assert np.abs(rest[:2]).max() < 1e-13
    assert value(rest, [t])[0] == pytest.approx(
        value(coefficients(chain, direction), [t])[0] - expected[0], abs=1e-9
    )


def test_a_network_of_one_layer_a_block_is_its_model():
    rng = np.random.default_rng(1)
    weights = tuple(Dense(rng.standard_normal(shape)) for shape in ((3, 4), (2, 3), (1, 2)))
    chain = Chain(weights, rng.standard_normal(4), (1, 2, 3), (1.0, 1.0, 1.0))
    direction = unit([rng.standard_normal(weight.shape) for weight in weights])
    assert np.abs(remainder_coefficients(chain, direction)).max() < 1e-14


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_gradients_of_coefficients(order):
    chain, direction = chain_and_direction([2], 1)
    coefficient, gradient = gradient_of(chain, direction, order)
    assert coefficient == pytest.approx(coefficients(chain, direction)[order])
    rng, h = np.random.default_rng(2), 1e-5
    step = [rng.standard_normal(part.shape) for part in gradient]
    sides = [
        coefficients(
            chain, [Dense(d.entries + s * h * e) for d, e in zip(direction, step, strict=True)]
        )[order]
        for s in (1, -1)
    ]
    slope = sum(float(np.vdot(g, e)) for g, e in zip(gradient, step, strict=True))
    assert slope == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-6)


def test_the_gradient_is_steepest_of_order_one():
    chain, _ = chain_and_direction([2], 1)
    along = coefficients(chain, gradient_direction(chain))[1]
    assert along == pytest.approx(steepest(chain, 1).coefficient, rel=1e-9)


@pytest.mark.parametrize(("shape", "ends"), [([(3, 4), (1, 2)], (2,)), ([(1, 4)], (2,))])
def test_chains_that_do_not_fit_are_refused(shape, ends):
    weights = tuple(Dense(np.ones(each)) for each in shape)
    with pytest.raises(InvalidInputError, match="Chain"):
        Chain(weights, np.ones(4), ends, (1.0,) * len(weights))


def test_orders_that_do_not_exist_are_refused():
    chain, _ = chain_and_direction([], 1)
    with pytest.raises(InvalidInputError, match="degree 2"):
        steepest(chain, 3)


def adaptive_answers(matrix, rng):
    """Numbers from questions that depend on answers: (Gᵀ G)² v, and the norm of the matrix."""
    v = rng.standard_normal((matrix.shape[1], 1))
    v /= np.linalg.norm(v)
    first = matrix.transposed_times(matrix.times(v))
    second = matrix.transposed_times(matrix.times(first / np.linalg.norm(first)))
    return [float((v.T @ first)[0, 0]), float((v.T @ second)[0, 0]), matrix.squared_norm()]


def test_a_matrix_on_demand_has_the_law_of_a_whole_one():
    n_out, n_in, n = 6, 9, 3000
    rng = np.random.default_rng(0)
    lazy = [adaptive_answers(Gaussian(n_out, n_in, rng), rng) for _ in range(n)]
    whole = [adaptive_answers(Dense(rng.standard_normal((n_out, n_in))), rng) for _ in range(n)]
    for a, b in zip(np.array(lazy).T, np.array(whole).T, strict=True):
        assert ks_2samp(a, b).pvalue > 1e-3
    correlations = [np.corrcoef(np.array(each).T) for each in (lazy, whole)]
    np.testing.assert_allclose(*correlations, atol=0.06)


def test_a_matrix_on_demand_stays_one_matrix():
    rng = np.random.default_rng(3)
    matrix = Gaussian(5, 4, rng)
    u, v = rng.standard_normal((5, 2)), rng.standard_normal((4, 3))
    images, backward = matrix.times(v), matrix.transposed_times(u)
    np.testing.assert_allclose(u.T @ images, backward.T @ v, atol=1e-12)
    entries = matrix.times(np.eye(4))
    np.testing.assert_allclose(entries @ v, images, atol=1e-12)
    np.testing.assert_allclose(entries.T @ u, backward, atol=1e-12)
    np.testing.assert_allclose(matrix.transposed_times(np.eye(5)), entries.T, atol=1e-12)
    assert matrix.squared_norm() == pytest.approx(np.sum(entries**2))


def test_a_matrix_whose_norm_is_known_is_asked_nothing_new():
    matrix = Gaussian(5, 4, np.random.default_rng(0))
    v = np.eye(4)[:, :1]
    known = matrix.times(v)
    assert matrix.squared_norm() == matrix.squared_norm() > float(np.sum(known**2))
    np.testing.assert_array_equal(matrix.times(v), known)
    with pytest.raises(InvalidInputError, match="norm"):
        matrix.times(np.eye(4))


@pytest.mark.parametrize("n_wide", [1, 2, 3])
def test_reduced_networks_have_the_same_output_and_gradient(n_wide):
    rng = np.random.default_rng(4)
    chain = random_chain(4, 60, [3], n_wide, rng)
    small = reduced_chain(chain, rng)
    assert max(max(weight.shape) for weight in small.weights) < 40
    for direction in (gradient_direction, lambda c: [Dense(0 * w.entries) for w in c.weights]):
        found, expected = (coefficients(c, direction(c)) for c in (small, chain))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    ("bottlenecks", "n_wide", "order", "lost"),
    [([3], 1, 2, 1e-6), ([3], 1, 3, 1e-4), ([], 2, 2, 0.05), ([3], 2, 3, 0.02)],
)
def test_little_is_lost_in_the_subspace_of_a_search(bottlenecks, n_wide, order, lost):
    rng = np.random.default_rng(5)
    chain = random_chain(5, 64, bottlenecks, n_wide, rng)
    found = steepest(reduced_chain(chain, rng, n_rounds=2), order, tolerance=1e-5)
    whole = steepest(chain, order, tolerance=1e-5).coefficient
    assert (1 - lost) * whole <= found.coefficient <= (1 + 1e-6) * whole
    assert found.residual < 1e-2


@pytest.mark.parametrize("seed", range(6))
def test_the_steepest_of_order_two_is_the_top_of_the_hessian(seed):
    chain = random_chain(3, 5, [2, 2], 1, np.random.default_rng(seed))
    shapes = [weight.shape for weight in chain.weights]
    cuts = np.cumsum([n * k for n, k in shapes])
    columns = []
    for unit_vector in np.eye(cuts[-1]):
        parts = np.split(unit_vector, cuts[:-1])
        direction = [Dense(p.reshape(shape)) for p, shape in zip(parts, shapes, strict=True)]
        columns.append(np.concatenate([g.ravel() for g in gradient_of(chain, direction, 2)[1]]))
    # The top may have either sign: the search must look on both sides.
    top = np.abs(np.linalg.eigvalsh(np.array(columns))).max()
    assert 2 * steepest(chain, 2).coefficient == pytest.approx(top, rel=1e-6)
