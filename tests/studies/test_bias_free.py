"""What the theorems say of networks without biases, against what the code does."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.network.initialize import random_network
from polyrelu.regions import Space, enumerate_regions
from polyrelu.shapes.theory import n_cones
from polyrelu.studies.bias_free.antipodes import Antipodes, antipodes
from polyrelu.studies.bias_free.blocks import (
    by_groups,
    in_blocks,
    off_blocks,
    one_block,
    two_blocks,
)
from polyrelu.studies.bias_free.expressing import TARGETS, depth, split
from polyrelu.studies.bias_free.flow import LINEAR, Data, Net, flow, shown_steps, velocity
from polyrelu.studies.bias_free.odd import even_part, nonlinear_share, odd_matrix, odd_part
from polyrelu.studies.bias_free.pairs import (
    CONDITIONS,
    conditions,
    index,
    initialisation,
    rescaling,
)
from polyrelu.studies.bias_free.solvable import cases, closed_form, deep, deep_random
from polyrelu.studies.bias_free.starts import (
    Targets,
    imbalance_of,
    mirrored,
    random_start,
    rank_one,
    white,
)
from polyrelu.studies.bias_free.theory import (
    early_imbalance,
    floor_of_homogeneous,
    linear_partner,
    saxe_sigmoid,
    white_inputs,
)


def rng(seed=0):
    return np.random.default_rng(seed)


# Functions


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3])
def test_the_odd_part_of_two_layers_is_its_matrix(alpha):
    assert split(nets=100, points=1000, alpha=alpha)["deviation"] < 1e-12


@pytest.mark.parametrize("alpha", [0.0, 0.3, LINEAR])
def test_the_matrix_is_c_times_the_product_of_the_weights(alpha):
    net = random_start((4, 9, 1), size=1.0, alpha=alpha, rng=rng())
    expected = (1 + alpha) / 2 * net.weights[1] @ net.weights[0]
    assert odd_matrix(net.network()) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("hidden", [(7,), (7, 5), (7, 5, 6)])
def test_a_net_and_its_network_are_one_function(alpha, hidden):
    net = random_start((3, *hidden, 1), size=1.0, alpha=alpha, rng=rng())
    net = Net(net.weights, alpha, rng(1).standard_normal(7))
    x = rng(2).standard_normal((50, 3))
    assert net.network().forward(x)[:, 0] == pytest.approx(net(x), abs=1e-14)


def test_parts_add_up_and_are_even_and_odd():
    network = random_network((3, 6, 6, 2), weights="gaussian", scale=1.0, bias=0.3, seed=0)
    x = rng().standard_normal((20, 3))
    even, odd = even_part(network, x), odd_part(network, x)
    assert even + odd == pytest.approx(network.forward(x))
    assert np.array_equal(even_part(network, -x), even)
    assert np.array_equal(odd_part(network, -x), -odd)


def test_the_odd_part_of_deeper_nets_is_not_linear():
    x = rng().standard_normal((2000, 3))
    assert nonlinear_share(random_network((3, 20, 1), seed=0), x) < 1e-25
    assert nonlinear_share(random_network((3, 20, 20, 1), seed=0), x) > 0.01


@pytest.mark.parametrize(
    "network",
    [
        random_network((3, 5, 1), bias=0.1, seed=0),
        random_network((3, 5, 5, 1), seed=0),
        Network.from_arrays([[[1.0, 2.0]]]),
    ],
)
def test_without_the_conditions_there_is_no_matrix(network):
    with pytest.raises(InvalidInputError, match="one hidden layer without biases"):
        odd_matrix(network)


def by_fractions(network):
    """Maps of all regions of a two-layer ReLU network, by pattern, in fractions."""
    first, last = (
        [[Fraction(v) for v in row] for row in layer.weight.tolist()] for layer in network.layers
    )
    regions = enumerate_regions(network, Space())
    maps = {}
    for bits in regions.bits_of(np.arange(len(regions))):
        maps[tuple(bits.tolist())] = [
            sum((row[h] * first[h][k] for h in np.flatnonzero(bits)), Fraction(0))
            for row, k in product(last, range(network.n_inputs))
        ]
    return maps, first, last


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_regions_come_in_antipodal_pairs_whose_maps_sum_to_twice_the_linear_part(dim):
    width = 9
    weights = [rng(dim).integers(-9, 10, shape) for shape in ((width, dim), (2, width))]
    network = Network.from_arrays(weights)
    maps, first, last = by_fractions(network)
    twice = [
        sum((row[h] * first[h][k] for h in range(width)), Fraction(0))
        for row, k in product(last, range(dim))
    ]
    for pattern, own in maps.items():
        other = maps[tuple(not bit for bit in pattern)]
        assert [a + b for a, b in zip(own, other, strict=True)] == twice
    n = len(maps)
    assert antipodes(network) == Antipodes(n, n, n, 0.0)
    assert odd_matrix(network).ravel().tolist() == [float(v / 2) for v in twice]


@pytest.mark.parametrize("alpha", [0.1, 0.3])
@pytest.mark.parametrize("dim", [2, 3])
def test_pairs_of_leaky_networks_with_random_weights(dim, alpha):
    net = random_start((dim, 10, 1), size=1.0, alpha=alpha, rng=rng())
    n = n_cones(10, dim)
    assert antipodes(net.network()) == Antipodes(n, n, n, 0.0)


def test_deeper_networks_lose_their_pairs():
    found = antipodes(random_network((2, 6, 6, 1), weights="gaussian", scale=1.0, seed=0))
    assert found.n_paired < found.n_regions
    assert found.n_sums_twice_odd < found.n_paired or not found.n_paired


def test_a_neuron_without_weights_is_off_everywhere():
    network = Network.from_arrays([[[1, 0], [0, 0], [0, 1]], [[1, 5, 1]]])
    assert antipodes(network) == Antipodes(4, 4, 4, 0.0)


def test_a_fan_has_no_biases():
    with pytest.raises(InvalidInputError, match="biases"):
        antipodes(random_network((2, 4, 1), bias=0.5, seed=0))


def test_what_no_network_without_biases_explains():
    x = mirrored(rng().standard_normal((400_000, 3)))
    r = np.linalg.norm(x, axis=1)
    y = x.prod(axis=1)
    h = y / r**3
    best = h * np.mean(r**4) / np.mean(r**2)  # |x| h(x/|x|) with the best factor
    left = np.mean((y - r * best) ** 2) / np.mean(y**2)
    assert left == pytest.approx(floor_of_homogeneous(3, 3), abs=0.01)
    assert floor_of_homogeneous(1, 5) == pytest.approx(0)
    assert floor_of_homogeneous(3, 7) == pytest.approx(2 / 11)


def test_three_layers_learn_an_odd_function_that_two_cannot():
    settings = {"width": 32, "steps": 300, "batch_size": 128, "learning_rate": 0.005}
    target = "x1 x2 x3 / |x|²"
    ends = [
        depth(target=target, hidden=hidden, test_points=4000, seed=0, **settings)["rows"][-1]
        for hidden in (1, 2)
    ]
    assert ends[0]["error"] > 0.9
    assert ends[1]["error"] < 0.05


def test_best_functions_of_the_targets_are_what_theory_says():
    x = mirrored(rng().standard_normal((200_000, 3)))
    for name, odd in TARGETS.items():
        y = odd.target(x)
        left = [
            np.mean((y - best(x)) ** 2) / np.mean(y**2)
            for best in (odd.of_two_layers, odd.of_any_depth)
        ]
        cubic = floor_of_homogeneous(3, 3)
        expected = [1 - 9 / 15 if name == "x1³" else 1, 0 if "|" in name else cubic]
        assert left == pytest.approx(expected, abs=0.01)
        assert odd.target(-x) == pytest.approx(-y)
        assert odd.of_any_depth(2 * x) == pytest.approx(2 * odd.of_any_depth(x))


# Gradients and starts


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize(
    ("hidden", "alpha", "biased"), [((6,), 0.0, True), ((6, 5), 0.3, False), ((4, 4, 4), 1.0, True)]
)
def test_the_velocity_is_minus_the_gradient(hidden, alpha, biased, loss):
    net = random_start((3, *hidden, 1), size=1.5, alpha=alpha, rng=rng(3))
    if biased:
        net = Net(net.weights, alpha, rng(4).standard_normal(hidden[0]))
    x = rng(5).standard_normal((11, 3))
    data = Data(x, Targets(3, rng(6)).odd(x) + 0.3, loss)
    changes, of_bias = velocity(net, data)

    def loss_at(layer, at, by):
        weights = [weight.copy() for weight in net.weights]
        bias = None if net.bias is None else net.bias.copy()
        (weights[layer] if layer >= 0 else bias)[at] += by
        return data.loss_of(Net(tuple(weights), alpha, bias)(x))

    asked = [(layer, (0, 1)) for layer in range(len(net.weights))] + [(-1, 2)] * biased
    for layer, at in asked:
        slope = (loss_at(layer, at, 1e-6) - loss_at(layer, at, -1e-6)) / 2e-6
        found = changes[layer][at] if layer >= 0 else of_bias[at]
        assert found == pytest.approx(-slope, abs=1e-8)
    assert (of_bias is None) == (not biased)


def test_starts_are_what_the_theorem_asks_for():
    net = rank_one(40, 8, size=0.3, alpha=0.0, rng=rng())
    first, second = net.weights
    assert np.linalg.matrix_rank(first) == 1
    assert first @ first.T == pytest.approx(second.T @ second)  # balanced
    assert np.linalg.norm(first) * np.linalg.norm(second) == pytest.approx(0.3)
    assert imbalance_of(net) == pytest.approx(0, abs=1e-15)
    x = rng(1).standard_normal((50, 8))
    assert even_part(net, x) == pytest.approx(0, abs=1e-16)
    tilted = rank_one(40, 8, size=0.3, alpha=0.0, rng=rng(), imbalance=-0.4)
    assert imbalance_of(tilted) == pytest.approx(-0.4)
    r = first[0] / np.linalg.norm(first[0])
    assert even_part(tilted, x) == pytest.approx(-0.4 * 0.3 / 2 * np.abs(x @ r))


def test_random_starts_have_singular_values_of_about_their_size():
    net = random_start((8, 400, 400, 1), size=0.1, alpha=0.0, rng=rng())
    assert all(0.05 < np.linalg.norm(weight, 2) < 0.25 for weight in net.weights)


def test_white_points_have_the_covariance_1():
    data = white(mirrored(rng().standard_normal((60, 8)) * [1, 2, 3, 4, 5, 6, 7, 8]))
    assert data.T @ data / 120 == pytest.approx(np.eye(8), abs=1e-13)
    assert data[:60] == pytest.approx(-data[60:])


@pytest.mark.parametrize("bad", [(1, 0.0), (4, 1.0)])
def test_a_start_that_there_is_not_is_refused(bad):
    with pytest.raises(InvalidInputError, match="imbalance"):
        rank_one(bad[0], 2, size=0.1, alpha=0.0, rng=rng(), imbalance=bad[1])


def test_data_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInputError, match=r"y \(2,\)"):
        Data(np.ones((3, 1)), np.ones(2))
    with pytest.raises(InvalidInputError, match="hinge"):
        Data(np.ones((3, 1)), np.ones(3), "hinge")


def test_shown_steps_begin_and_end_with_the_run():
    assert shown_steps(7, 3) == [0, 4, 7]
    assert shown_steps(3, 10) == [0, 1, 2, 3]


# Dynamics

RUN = {"dim": 8, "width": 40, "points": 120, "size": 0.01, "step": 0.02, "n_steps": 400, "shown": 5}


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_a_relu_network_trains_as_a_linear_one_in_rescaled_time(alpha, loss):
    n_steps = 400 if loss == "square" else 1200
    found = rescaling(alpha=alpha, loss=loss, seed=3, **RUN | {"n_steps": n_steps})
    assert found["largest"]["absolute_gap"] < 1e-12
    assert found["largest"]["weight_gap"] < 1e-12
    first, *_, last = found["rows"]
    assert last["loss"] < 0.8 * first["loss"]  # there was something to learn


def test_each_broken_condition_shows():
    run = RUN | {"imbalance": 0.5, "seed": 1}
    gaps = {c: conditions(condition=c, **run)["largest"]["output_gap"] for c in CONDITIONS}
    assert gaps.pop("exact") < 1e-13
    assert min(gaps.values()) > 1e-3, gaps


def test_a_larger_network_of_random_weights_is_nearer_to_a_linear_one():
    run = {"size": 0.01, "alpha": 0.0, "dim": 4, "points": 60, "step": 0.05, "n_steps": 150}
    gap = {}
    for width in (16, 256):
        rows = initialisation(width=width, seeds=8, **run)["rows"]
        gap[width] = np.mean([row["largest_gap"] for row in rows])
        imbalance = np.mean([row["early_imbalance"] for row in rows])
        assert 0.4 < imbalance / early_imbalance(width) < 2
        assert max(row["rank_two_share"] for row in rows) < 0.03
    assert gap[256] < gap[16] / 2


def test_the_closed_form_solves_its_equations():
    b, direction, product_ = np.array([0.5, -1.0, 0.3]), np.array([0.6, 0.0, 0.8]), 0.03

    def change(_, state):
        a, r = state[0], state[1:]
        return np.append(a * (b @ r - a**2), b - (b @ r) * r)  # one linear unit, covariance 1

    t = np.linspace(0, 8, 30)
    start = np.append(np.sqrt(product_), direction)
    found = solve_ivp(change, (0, 8), start, t_eval=t, rtol=1e-11, atol=1e-13).y
    expected = found[0] ** 2 * found[1:]
    assert white_inputs(t, b, direction, product_) == pytest.approx(expected.T, abs=1e-8)


def test_the_closed_form_near_the_aligned_start_is_the_sigmoid():
    t = np.linspace(0, 10, 20)
    b = np.array([2.0, 0.0])
    near = np.array([np.cos(1e-7), np.sin(1e-7)])
    length = np.linalg.norm(white_inputs(t, b, near, 0.01), axis=1)
    assert length == pytest.approx(saxe_sigmoid(t, 2.0, 0.01), rel=1e-10)
    with pytest.raises(InvalidInputError, match="parallel"):
        white_inputs(t, b, np.array([1.0, 0.0]), 0.01)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_the_error_of_gradient_descent_falls_with_its_step(alpha):
    run = {"dim": 8, "width": 40, "points": 120, "size": 0.05, "strength": 1.0, "shown": 50}
    errors = [
        closed_form(alpha=alpha, step=step, n_steps=round(4 / step), **run)["error"]
        for step in (2e-3, 1e-3, 5e-4)
    ]
    assert errors[-1] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.02)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.02)


def test_two_blocks_of_two_layers_are_a_balanced_rank_one_start():
    assert imbalance_of(two_blocks(2, 40, 8, size=0.5, rng=rng())) == pytest.approx(0)


@pytest.mark.parametrize("n_layers", [3, 5])
def test_two_blocks_follow_the_deep_linear_network_at_half_the_speed(n_layers):
    found = deep(n_layers=n_layers, seed=1, **RUN | {"size": 0.5})
    assert found["output_gap"] < 1e-9
    assert found["weight_gap"] < 1e-9
    assert found["between_blocks"] == 0
    assert found["third_share"] < 1e-9
    assert found["rows"][-1]["loss"] < 0.8 * found["rows"][0]["loss"]


def test_blocks_need_layers_of_even_width():
    with pytest.raises(InvalidInputError, match="even width"):
        two_blocks(3, 5, 2, size=1.0, rng=rng())


def test_units_are_sorted_into_their_blocks():
    net = two_blocks(4, 6, 3, size=1.0, rng=rng())
    order = [rng(k).permutation(6) for k in range(3)]
    weights = list(net.weights)
    for k, own in enumerate(order):
        weights[k] = weights[k][own]
        weights[k + 1] = weights[k + 1][:, own]
    mixed = Net(tuple(weights), 0.0)
    assert off_blocks(mixed) > 0
    sorted_ = in_blocks(mixed)
    assert off_blocks(sorted_) == 0
    x = rng(9).standard_normal((10, 3))
    assert sorted_(x) == pytest.approx(net(x))


def test_deep_networks_of_random_weights_become_nearly_two_blocks():
    run = {name: RUN[name] for name in ("dim", "width", "points", "step", "shown")}
    found = deep_random(n_layers=3, size=0.1, n_steps=1200, seed=0, **run)
    inner = {v["network"]: v for v in found["singular_values"] if v["layer"] == 2}
    assert inner["ReLU"]["second"] > 0.6 > 0.3 > inner["ReLU"]["third"]
    assert inner["linear"]["second"] < 0.3
    assert found["rows"][-1]["loss"] < 0.01


@pytest.mark.parametrize("case", ["orthogonal inputs", "XOR"])
def test_groups_follow_linear_networks_of_their_own(case):
    found = cases(
        case=case, dim=6, width=16, size=0.01, random_size=0.05, step=0.02, n_steps=1200, shown=5,
        seed=0,
    )  # fmt: skip
    last = found["rows"][-1]
    assert found["gap"] < 1e-12
    assert found["sigmoid_gap"] < 0.01
    assert last["family"] < 0.01
    assert last["linear"] == pytest.approx(0.5 if case == "XOR" else 0, abs=1e-3)


def test_groups_are_linear_on_their_own_side():
    net = by_groups([(np.array([3.0, 4.0]), -1.0)], 5, size=0.2, rng=rng())
    assert net(np.array([[0.6, 0.8], [-0.6, -0.8]])) == pytest.approx([-0.2, 0.0])


def test_the_partner_has_scaled_weights_and_two_layers():
    net = rank_one(4, 2, size=0.1, alpha=0.2, rng=rng())
    assert linear_partner(net).weights[0] == pytest.approx(np.sqrt(0.6) * net.weights[0])
    assert linear_partner(net).alpha == LINEAR
    for bad in (two_blocks(3, 4, 2, size=1.0, rng=rng()), Net(net.weights, 0.0, np.zeros(4))):
        with pytest.raises(InvalidInputError, match="two without biases"):
            linear_partner(bad)
    assert one_block(two_blocks(3, 4, 2, size=1.0, rng=rng())).alpha == LINEAR


def test_the_nonlinearity_index_tells_the_conditions_apart():
    run = {"dim": 2, "width": 10, "points": 60, "size": 0.1, "step": 0.05, "n_steps": 400}
    ends = {
        c: index(condition=c, shown=2, seed=0, **run)["rows"][-1]["index"]
        for c in ("exact", "even target", "random small start", "asymmetric data", "biases")
    }
    assert ends["exact"] < 1e-12
    assert ends["even target"] > 0.99
    assert 1e-12 < ends["random small start"] < 0.05
    assert ends["even target"] <= 1  # normalised
    assert ends["asymmetric data"] > ends["random small start"]


def test_a_flow_is_gradient_descent():
    x = mirrored(rng().standard_normal((10, 3)))
    data = Data(x, Targets(3, rng(1)).linear(x))
    net = random_start((3, 5, 1), size=0.5, alpha=0.0, rng=rng(2))
    *_, last = flow(net, data, step=0.05, n_steps=400)
    assert data.loss_of(last(x)) < 0.01 * data.loss_of(net(x))
