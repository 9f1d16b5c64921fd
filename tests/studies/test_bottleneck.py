"""The study of bottlenecks: oracles, Hessians, exponents, settings, report."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bottleneck import NAMES, study
from polyrelu.studies.bottleneck.chain import coefficients, random_chain
from polyrelu.studies.bottleneck.directions import steepest
from polyrelu.studies.bottleneck.laws import anchored, exponents, median_interval, medians
from polyrelu.studies.bottleneck.measurement import measured
from polyrelu.studies.bottleneck.oracles import (
    block_norms,
    gradient_rate,
    largest_remainder,
    largest_top_coefficient,
    rate,
    root_mean_square,
)
from polyrelu.studies.bottleneck.reduction import reduced_chain
from polyrelu.studies.bottleneck.settings import settings
from polyrelu.studies.sections import chosen

MINI = """
[networks]
dim = 3
bottleneck = 2
seeds = 4
n_rounds = 1
[widths]
widths = [32, 128, 512]
blocks = [1, 2]
wide_layers = [1, 2]
wide_layers_alone = [1, 2]
[remainder]
radii = [0.5, 1.0]
[narrow]
bottlenecks = [1, 2]
[hessian]
seeds = 2
n_steps = 20
[relu]
widths = [16, 64]
deep_widths = [16, 32]
seeds = 2
n_steps = 10
radius = 1.0
[quick]
networks = { seeds = 3 }
"""


@pytest.fixture
def mini(tmp_path):
    path = tmp_path / "mini.toml"
    path.write_text(MINI)
    return path


def test_rates_are_those_of_the_theorem():
    assert [rate(k, 1) for k in (1, 2, 3)] == [0, -0.5, -1]
    assert [rate(k, 3) for k in (1, 2, 3, 4, 5)] == [0, 0, 0, -0.5, -1]
    assert [gradient_rate(k, 2) for k in (2, 3, 4)] == [0, -1, -2]


@pytest.mark.parametrize("wide", [64, 1024, 16384])
def test_the_largest_remainder_without_bottleneck(wide):
    rng = np.random.default_rng(0)
    chain = reduced_chain(random_chain(5, wide, [], 1, rng), rng)
    expected = largest_remainder(1.0, math.sqrt(5), wide, 5)
    assert expected == pytest.approx(0.5 / math.sqrt(wide))
    assert steepest(chain, 2).coefficient == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("bottlenecks", "n_wide"), [([], 2), ([3], 1), ([2, 3], 1), ([3], 2)])
def test_the_largest_top_coefficient(bottlenecks, n_wide):
    rng = np.random.default_rng(1)
    chain = reduced_chain(random_chain(5, 2000, bottlenecks, n_wide, rng), rng)
    found = steepest(chain, chain.n_layers).coefficient
    # The n-th power mean of D equal norms 1/√D, over all √fan-in, at |x| = √d.
    fans = math.prod(bottlenecks) * 2000 ** (n_wide * (len(bottlenecks) + 1))
    degree = chain.n_layers
    assert largest_top_coefficient(chain) == pytest.approx(degree ** (-degree / 2) / fans**0.5)
    assert found == pytest.approx(largest_top_coefficient(chain), rel=1e-6)


def test_the_root_mean_square_of_random_directions():
    rng, widths, n = np.random.default_rng(2), (2, 3, 2, 1), 50_000
    # Directions of length 1 among 6 + 6 + 2 weights, and |x| = √2.
    shapes = ((n, 3, 2), (n, 2, 3), (n, 1, 2))
    steps = [rng.standard_normal(shape) for shape in shapes]
    length = np.sqrt(sum((step**2).sum((1, 2)) for step in steps))
    powers = [np.ones((n, 2))] + [np.zeros((n, 2))] * 3
    for shape, step in zip(shapes, steps, strict=True):
        weight, unit_step = rng.standard_normal(shape), step / length[:, None, None]
        zero = np.zeros((n, shape[2]))
        powers = [
            (weight @ a[..., None] + unit_step @ b[..., None])[..., 0] / shape[2] ** 0.5
            for a, b in zip(powers, [zero, *powers[:-1]], strict=True)
        ]
    found = [float(np.sqrt((power[:, 0] ** 2).mean())) for power in powers]
    expected = [root_mean_square(widths, 2**0.5, order) for order in range(4)]
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_hessians_by_power_iteration_against_all_their_entries():
    torch = pytest.importorskip("torch")
    from polyrelu.studies.bottleneck.hessian import DenseNetwork, hessian_norm

    network = DenseNetwork.random(3, 6, [2], 1, np.random.default_rng(3))
    for relu in (False, True):
        function, weights = network.function(relu=relu)
        sizes = [w.numel() for w in weights]
        flat = torch.cat([w.reshape(-1) for w in weights])

        def of_flat(v, function=function, weights=weights, sizes=sizes):
            parts = zip(torch.split(v, sizes), weights, strict=True)
            return function(tuple(part.reshape(w.shape) for part, w in parts))

        matrix = torch.func.jacrev(torch.func.jacrev(of_flat))(flat)
        norm = float(torch.linalg.matrix_norm(matrix, 2))
        found = hessian_norm(function, weights, n_steps=1000)
        assert found.settled
        assert found.norm == pytest.approx(norm, rel=1e-3)
        v = torch.cat([part.reshape(-1) for part in found.direction])
        assert float(v @ v) == pytest.approx(1)
        assert abs(float(v @ matrix @ v)) == pytest.approx(norm, rel=1e-2)
        block = matrix[: sizes[0] + sizes[1], : sizes[0] + sizes[1]]
        own = hessian_norm(function, weights, n_steps=1000, layers=[0, 1])
        assert own.norm == pytest.approx(float(torch.linalg.matrix_norm(block, 2)), rel=1e-3)
        if not relu:
            assert own.norm == pytest.approx(block_norms(network.chain())[0], rel=1e-9)


def test_second_differences_are_the_even_coefficients():
    torch = pytest.importorskip("torch")
    from polyrelu.studies.bottleneck.directions import unit
    from polyrelu.studies.bottleneck.hessian import DenseNetwork, second_difference

    rng = np.random.default_rng(4)
    network = DenseNetwork.random(3, 6, [2], 1, rng)
    direction = unit([rng.standard_normal(w.shape) for w in network.weights])
    found = coefficients(network.chain(), direction)
    function, weights = network.function(relu=False)
    step = tuple(torch.from_numpy(part.entries) for part in direction)
    expected = abs(4 * found[2] + 16 * found[4])
    assert second_difference(function, weights, step, 2.0) == pytest.approx(expected, rel=1e-9)


def test_relu_networks_are_relu_networks():
    pytest.importorskip("torch")
    from polyrelu.studies.bottleneck.hessian import DenseNetwork

    network = DenseNetwork.random(3, 4, [2], 1, np.random.default_rng(5))
    a, b, c, d = network.weights
    inner = b @ np.maximum(a @ network.x / 3**0.5, 0) * 2**0.5 / 2
    expected = d @ np.maximum(c @ inner / 2**0.5, 0) * 2**0.5 / 2
    function, weights = network.function(relu=True)
    assert float(function(weights)) == pytest.approx(float(expected[0]))


@pytest.mark.parametrize(
    ("bottlenecks", "n_wide"), [([], 2), ([3], 1), ([3], 2), ([3, 3], 1), ([3, 3], 2)]
)
def test_exponents_of_the_width(bottlenecks, n_wide):
    n_blocks, found = len(bottlenecks) + 1, []
    widths, seeds = (512, 16384), range(2)
    for wide in widths:
        call = {"dim": 5, "wide": wide, "bottlenecks": bottlenecks, "n_wide": n_wide}
        rows = measured(**call, seeds=seeds, n_rounds=1)["directions"]
        found.append(
            {
                order: np.median(
                    [abs(r["coefficients"][order]) for r in rows if r["order"] == order]
                )
                for order in range(n_blocks, n_blocks + 3)
            }
        )
    for order in found[0]:
        sizes = np.log([each[order] for each in found])
        slope = np.polyfit(np.log(widths), sizes, 1)[0]
        assert slope == pytest.approx(-max(order - n_blocks, 0) / 2, abs=0.1)


def test_intervals_of_medians_cover():
    rng = np.random.default_rng(6)
    for n in (6, 11, 60):
        inside = [
            low <= 0 <= high
            for _, low, high in (median_interval(rng.standard_normal(n)) for _ in range(500))
        ]
        assert 0.92 < np.mean(inside) < 0.995
    assert median_interval([3.0, 1.0]) == (2.0, 1.0, 3.0)


def test_exponents_of_a_law_are_found():
    rows = [
        {"of": of, "seed": seed, "width": m, "c": (seed + 1) * m**power}
        for of, power in (("a", -0.5), ("b", 2.0))
        for seed in range(4)
        for m in (4, 16, 256)
    ]
    frame = pd.DataFrame(rows)
    found = exponents(frame, by=["of"], value="c").set_index("of")
    assert found["slope"].to_dict() == pytest.approx({"a": -0.5, "b": 2.0})
    assert found["low"].to_dict() == pytest.approx({"a": -0.5, "b": 2.0})
    middle = medians(frame[frame["of"] == "a"], by=["of", "width"], value="c")
    assert middle["c"].tolist() == pytest.approx([1.25, 0.625, 0.15625])
    law = anchored(middle, value="c", rate=-0.5)
    assert law.tolist() == pytest.approx(middle["c"].tolist())


def test_the_settings_are_those_of_the_issue():
    full, quick = settings(), settings(quick=True)
    assert full.widths.widths == (64, 256, 1024, 4096, 16384)
    assert full.widths.blocks == (1, 2, 3)
    assert full.networks.seeds == 60
    assert len(full.widths.wide_layers) == 2  # two depths
    assert (quick.networks.seeds, quick.networks.dim) == (10, 5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 2", "seeds = 1", "hessian.seeds is 1"),
        ("dim = 3", "dmi = 3", "unknown key 'dmi'; did you mean 'dim'"),
        ("dim = 3", "", "networks.dim is missing"),
        ("widths = [32, 128, 512]", "widths = [128, 32]", "rising integers"),
        ("widths = [32, 128, 512]", "widths = [32.0, 64]", "rising integers"),
        ("radii = [0.5, 1.0]", "radii = [0.0]", "rising positive numbers"),
        ("[narrow]", "[norrow]", "'norrow'; did you mean 'narrow'"),
        ("[narrow]\nbottlenecks = [1, 2]", "", r"\[narrow\] is missing"),
        ("networks = { seeds = 3 }", "networks = { seed = 3 }", "unknown key 'seed'"),
        ("[networks]", "[[", "no TOML|is not TOML"),
    ],
)
def test_mistakes_in_settings_are_named(mini, old, new, message):
    assert old in MINI
    mini.write_text(MINI.replace(old, new, 1))
    with pytest.raises(InvalidInputError, match=message):
        settings(mini, quick=True)


def test_names_that_are_none_are_refused():
    assert chosen(None, NAMES) == NAMES
    for names in (["depth"], []):
        with pytest.raises(InvalidInputError, match="widths, remainder"):
            chosen(names, NAMES)
    with pytest.raises(InvalidInputError, match="cannot read"):
        settings("nowhere.toml")


def test_the_study_from_settings_to_report(mini, tmp_path):
    pytest.importorskip("torch")
    out, done = tmp_path / "out", []
    written = study(out, settings=mini, progress=lambda *each: done.append(each))
    assert written.paths[-1] == out / "report.html"
    page = written.paths[-1].read_text()
    for text in ("our extension", "exponents", "closed form", "Largest relative deviations"):
        assert text in page
    assert (out / "settings/bottleneck.toml").read_text() == MINI
    slopes = pd.read_csv(out / "tables/slopes.csv")
    assert set(slopes["wide_layers"]) == {1, 2}
    beyond = slopes[slopes["order"] > slopes["blocks"]]
    assert beyond["deviation"].abs().max() < 0.2
    exact = pd.read_csv(out / "tables/closed-forms.csv")
    assert exact["largest relative deviation"].max() < 1e-5
    for name in ("coefficients-2", "directions", "remainder-width", "narrow", "hessian"):
        assert (out / f"figures/{name}.png").stat().st_size > 5000
        assert (out / f"tables/{name}.csv").exists()

    n_records = len(list((out / "records").iterdir()))
    assert done[-1][:2] == (n_records, n_records)
    done.clear()
    again = study(out, settings=mini, names=["relu", "narrow"], progress=lambda *e: done.append(e))
    assert len(done) == 1  # nothing was measured again
    assert "Hessians by automatic" not in again.paths[-1].read_text()


def test_records_are_json_and_tell_seeds_apart():
    call = {"dim": 3, "wide": 20, "bottlenecks": [2], "n_wide": 1, "n_rounds": 1}
    both = measured(**call, seeds=[0, 1])
    assert json.loads(json.dumps(both)) == both
    alone = measured(**call, seeds=[1])
    assert alone["directions"] == [row for row in both["directions"] if row["seed"] == 1]
    names = {row["direction"] for row in alone["directions"]}
    assert names == {"gradient", "steepest", "top Hessian", "one block", "random"}
    (network,) = alone["networks"]
    (block,) = (row for row in alone["directions"] if row["direction"] == "one block")
    # Of the remainder along the steepest direction of one block only t² is left.
    rest = np.abs(block["remainder"])
    assert rest[2] == pytest.approx(network["block_norm"] / 2)
    assert max(rest[:2].max(), rest[3:].max()) < 1e-14
