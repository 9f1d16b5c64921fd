"""The study of symmetries: gradients, kept symmetries, the odd flow, the angle dynamics."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.regions import Box, enumerate_regions
from polyrelu.studies.sections import FILE
from polyrelu.studies.symmetry import NAMES, study
from polyrelu.studies.symmetry.angles import simulated
from polyrelu.studies.symmetry.mean_field import MeanField, random_start
from polyrelu.studies.symmetry.measurement import angles, odd, paths, subspace, subspace_limit
from polyrelu.studies.symmetry.odd_target import OddFlow, cubic_optimum, gap_at_start
from polyrelu.studies.symmetry.pages import report
from polyrelu.studies.symmetry.preservation import CONDITIONS, divided, preserved, unmatched
from polyrelu.studies.symmetry.settings import settings
from polyrelu.studies.symmetry.statistics import PUBLISHED, gap_slopes
from polyrelu.studies.symmetry.tables import tables, tasks
from polyrelu.studies.symmetry.targets import cubic
from polyrelu.studies.symmetry.transformations import NAMES as MAPS
from polyrelu.studies.symmetry.transformations import symmetry
from polyrelu.studies.symmetry.zonal import Zonal, limit_mass, neuron_mean

MIRROR = {"target": "|x1|+x2", "other": "x1+x2", "dim": 3, "map": "mirror", "sign": 1}
MINUS = {"target": "cubic", "other": "|x1|+x1", "dim": 3, "map": "minus", "sign": -1}
TRAINING = {"neurons": 8, "batch": 32, "rate": 0.05, "steps": 40}


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_a_step_is_m_times_the_gradient_of_the_loss(rng):
    net = random_start(6, 3, rng, symmetry("mirror", dim=3, sign=1))
    x, y = rng.standard_normal((2, 40, 3)), rng.standard_normal((2, 40))

    def loss(outer, inner):
        f = MeanField(outer, inner).predicted(x)
        return np.mean((y - f) ** 2) / 2

    after = net.stepped(x, y, 1.0)
    h = 1e-6
    for at in ((0, 1), (1, 2)):
        shifted = net.outer.copy()
        shifted[at] += h
        slope = (loss(shifted, net.inner) - loss(net.outer, net.inner)) / h
        assert after.outer[at] - net.outer[at] == pytest.approx(-6 * slope, abs=1e-5)
        shifted = net.inner.copy()
        shifted[at][2] += h
        slope = (loss(net.outer, shifted) - loss(net.outer, net.inner)) / h
        assert (after.inner - net.inner)[at][2] == pytest.approx(-6 * slope, abs=1e-5)


def test_a_step_does_not_depend_on_how_many_inputs_are_taken_at_once(rng, monkeypatch):
    net, x = random_start(8, 3, rng), rng.standard_normal((1, 50, 3))
    whole = net.stepped(x, x[..., 0], 0.1)
    monkeypatch.setattr("polyrelu.studies.symmetry.mean_field.ROWS", 7)
    monkeypatch.setattr("polyrelu.studies.symmetry.mean_field.IN_CACHE", 0)
    parts = net.stepped(x, x[..., 0], 0.1)
    assert np.allclose(whole.inner, parts.inner, rtol=0, atol=1e-15)


def test_the_network_is_the_same_function(rng):
    net = random_start(10, 4, rng)
    x = rng.standard_normal((20, 3))
    expected = net.predicted(np.hstack([x, np.ones((20, 1))]))
    assert np.allclose(net.network(bias=True).forward(x)[:, 0], expected, atol=1e-15)
    even = net.predicted(x := rng.standard_normal((5, 4))) - x @ net.linear_part()
    odd_part = net.predicted(-x) + x @ net.linear_part()
    assert np.allclose(even, odd_part, atol=1e-15)


@pytest.mark.parametrize("name", MAPS)
def test_maps_are_orthogonal_of_their_order(name):
    own = symmetry(name, dim=3, sign=1)
    assert np.allclose(own.matrix @ own.matrix.T, np.eye(3), atol=1e-15)
    power = np.linalg.matrix_power
    assert np.allclose(power(own.matrix, own.order), np.eye(3), atol=1e-15)
    assert all(not np.allclose(power(own.matrix, k), np.eye(3)) for k in range(1, own.order))


@pytest.mark.parametrize("case", [MIRROR, MINUS])
def test_signs_of_coordinates_are_kept_to_the_last_bit_unless_a_condition_breaks(case):
    deviations = {}
    for condition in CONDITIONS:
        record = preserved(case=case, condition=condition, seed=1, points=50, shown=4, **TRAINING)
        deviations[condition] = max(row["deviation"] for row in record["moments"])
        last = record["moments"][-1]
        assert ("pairing" in last) == (condition != "random start")
    assert deviations.pop("all symmetric") == 0
    assert min(deviations.values()) > 1e-3


def test_other_maps_are_kept_to_rounding():
    case = {"target": "|x1|+|x2|", "other": "x1", "dim": 3, "map": "quarter turn", "sign": 1}
    record = preserved(case=case, condition="all symmetric", seed=0, points=50, shown=2, **TRAINING)
    assert all(row["deviation"] < 1e-14 and row["pairing"] < 1e-13 for row in record["moments"])


def histogram(record, half, step):
    return {
        row["facets"]: row["regions"]
        for row in record["halves"]
        if row["half"] == half and row["step"] == step
    }


@pytest.mark.parametrize("case", [MIRROR, MINUS])
def test_halves_have_equal_histograms_and_regions_have_images(case):
    record = divided(case=case, condition="all symmetric", seed=3, **TRAINING)
    for step in (0, 40):
        assert histogram(record, "x1 < 0", step) == histogram(record, "x1 > 0", step)
    assert [row["not_matched"] for row in record["whole"]] == [0, 0]
    assert min(row["regions"] for row in record["whole"]) > 5
    other = divided(case=case, condition="other target", seed=3, **TRAINING)
    assert other["whole"][0] == record["whole"][0]  # from the same neurons
    assert other["whole"][1]["not_matched"] > 0
    assert json.loads(json.dumps(record)) == record


def test_unmatched_sees_one_neuron_out_of_its_orbit(rng):
    own = symmetry("mirror", dim=2, sign=1)
    net = random_start(8, 3, rng, own.with_constant())
    inner = net.inner.copy()
    inner[1, 0] += 0.4
    whole, broken = (
        enumerate_regions(MeanField(net.outer, b).network(bias=True), Box([-1, -1], [1, 1]))
        for b in (net.inner, inner)
    )
    assert unmatched(whole, own) == 0
    assert unmatched(broken, own) > 0


def test_the_odd_flow_is_that_of_its_neurons():
    # Neurons at equal angles are exactly isotropic in the plane: a' = b.g/2, b' = a g/2 by Heun.
    flow = OddFlow(dim=2, variance=0.5, optimum=3.0)
    turn = 2 * np.pi * np.arange(12) / 12
    b = np.tile(np.stack([np.cos(turn), np.sin(turn)], axis=1), (2, 1))
    a = np.repeat([1.0, -1.0], 12)

    def speed(a, b):
        g = np.array([0.5 * 3.0, 0.0]) - 0.5 * (a @ b) / 48
        return b @ g / 2, a[:, None] * g / 2

    for _ in range(4000):
        da, db = speed(a, b)
        more_a, more_b = speed(a + 0.001 * da, b + 0.001 * db)
        a, b = a + 0.0005 * (da + more_a), b + 0.0005 * (db + more_b)
    assert np.allclose(a @ b / 48, [flow.size(4.0), 0], atol=1e-6)
    t = np.linspace(0, 20, 41)
    assert np.allclose(flow.size_by_ode(t), flow.size(t), atol=1e-8)
    assert (flow.distance(t) <= flow.bound(t) + 1e-12).all()


def test_the_cubic_target_has_the_moments_of_its_formulas(rng):
    d = 5
    z = rng.standard_normal(d)
    x = rng.standard_normal((400_000, d)) / math.sqrt(d)
    y = cubic(z)(x)
    assert np.mean(y**2) == pytest.approx(2, rel=0.03)
    w = d * (y @ x) / len(x)
    assert np.allclose(w, cubic_optimum(d) * z / np.linalg.norm(z), atol=0.05)


def test_a_wide_network_follows_the_odd_flow():
    call = {"dim": 20, "batch": 256, "rate": 0.04, "steps": 500, "shown": 5, "validation": 500}
    record = odd(neurons=400, batches="antipodal", seed=0, **call)
    flow = OddFlow(20, 1 / 20, cubic_optimum(20))
    for row in record["moments"]:
        assert row["distance"] == pytest.approx(flow.distance(0.04 * row["step"]), abs=0.15)
    assert record["moments"][-1]["distance"] < 0.35 * record["moments"][0]["distance"]


def test_the_gap_at_the_start_is_its_formula_on_average(rng):
    gaps = []
    for _ in range(300):
        net = random_start(20, 4, rng)
        x = rng.standard_normal((200, 4)) / 2
        gaps.append(np.mean((net.predicted(x) - x @ net.linear_part()) ** 2))
    assert np.mean(gaps) == pytest.approx(gap_at_start(20, 0.25), rel=0.15)


def test_slopes_are_of_every_seed_and_kind_of_batches():
    rows = [
        {"batches": "fresh", "neurons": m, "seed": s, "step": n, "t": n / 10, "gap": (1 + s) / m}
        for m in (10, 100)
        for s in (0, 1)
        for n in (0, 10, 20, 40)
    ]
    found = gap_slopes(pd.DataFrame(rows))
    assert found["step"].tolist() == [0, 10, 20, 40]
    assert np.allclose(found["slope"], -1)
    assert np.allclose(found["deviation"], 0)


@pytest.mark.parametrize(("dim", "dim_h"), [(20, 5), (7, 2), (9, 8), (6, 1)])
def test_the_series_is_the_mean_over_rotations(dim, dim_h, rng):
    th, phi = np.array([0.5, 0.8, 1.2]), np.array([0.7, 1.1])
    zonal = Zonal(dim, dim_h, n=200)
    left, _ = zonal.polynomials(np.cos(2 * phi))
    right, _ = zonal.polynomials(np.cos(2 * th))
    series = (left.T * zonal.eigenvalues) @ right
    found = neuron_mean(th, phi, dim, dim_h)
    assert np.allclose(series, found, atol=2e-4)
    x = rng.standard_normal((200_000, dim))
    r = x[:, 0] / np.linalg.norm(x[:, :dim_h], axis=1)
    s = x[:, -1] / np.linalg.norm(x[:, dim_h:], axis=1)
    drawn = np.maximum(np.cos(0.8) * np.cos(1.1) * r + np.sin(0.8) * np.sin(1.1) * s, 0).mean()
    assert found[1, 1] == pytest.approx(drawn, rel=0.02)


def test_polynomials_are_orthonormal_and_have_their_derivatives(rng):
    x = rng.standard_normal((400_000, 8))
    u = 2 * (x[:, :3] ** 2).sum(axis=1) / (x**2).sum(axis=1) - 1
    zonal = Zonal(8, 3, n=5)
    p, _ = zonal.polynomials(u)
    assert np.allclose(p @ p.T / len(u), np.eye(5), atol=0.05)
    at, h = np.array([-0.9, 0.1, 0.7]), 1e-6
    slope = (zonal.polynomials(at + h)[0] - zonal.polynomials(at - h)[0]) / (2 * h)
    assert np.allclose(zonal.polynomials(at)[1], slope, rtol=1e-5, atol=1e-6)
    assert np.allclose(p @ np.sqrt((1 + u) / 2) / len(u), zonal.target, atol=0.02)


def test_the_first_step_of_particles_is_a_mean_over_points(rng):
    # G(theta) = d E[R psi], R = cos phi - f = cos phi at the start of quantiles.
    zonal = Zonal(12, 4)
    course = simulated(zonal, particles=16, rate=0.01, steps=1, start="quantiles")
    (_, before), (_, after) = course
    x = rng.standard_normal((300_000, 12))
    phi = np.arccos(np.sqrt((x[:, :4] ** 2).sum(axis=1) / (x**2).sum(axis=1)))
    for i in (0, 5):
        psi = neuron_mean(before.angles[i : i + 1], phi[:20_000], 12, 4)[:, 0]
        G = 12 * np.mean(np.cos(phi[:20_000]) * psi)
        change = after.masses[[i, i + 8]] / before.masses[[i, i + 8]] - 1
        assert change == pytest.approx([0.02 * G, -0.02 * G], rel=0.02)
    assert (after.angles[:8] <= before.angles[:8]).all()
    assert (after.angles[8:] >= before.angles[8:]).all()


def test_masses_of_particles_are_the_published_ones():
    call = {"dim": 40, "particles": 1024, "rate": 0.005, "bins": 10, "start": "random"}
    record = angles(dim_h=35, steps=2000, at=[2000], seed=0, **call)
    last = record["moments"][-1]
    positive, negative = PUBLISHED[40, 35]
    assert last["positive"] == pytest.approx(positive, rel=0.005)
    assert last["negative"] == pytest.approx(negative, rel=0.05)
    assert last["positive"] - last["negative"] == pytest.approx(limit_mass(35), rel=0.001)
    assert sum(row["mass"] for row in record["bars"]) == pytest.approx(
        last["positive"] + last["negative"]
    )


def test_a_wide_network_is_the_limit_of_infinite_width():
    call = {"dim": 8, "dim_h": 3, "rate": 0.05, "variance": 1.0, "steps": 200, "at": [0, 50, 200]}
    lines = {"radius": 3.0, "radii": 7}
    net = subspace(neurons=600, batch=256, directions=40, seed=0, **call, **lines)
    limit = subspace_limit(particles=256, **call, **lines)
    for row, exact in zip(net["lines"], limit["lines"], strict=True):
        assert (row["step"], row["r"]) == (exact["step"], exact["r"])
        assert row["mean"] == pytest.approx(exact["value"], abs=0.1)
    assert net["moments"][1]["range"] > 2 * net["moments"][2]["range"]


def test_paths_reach_the_net_mass_and_linear_part_of_the_target():
    call = {"neurons": 100, "drawn": 5, "batch": 128, "rate": 0.05, "variance": 1.0}
    record = paths(target="|x1|+x1", dim=2, steps=1000, shown=4, bias=False, seed=0, **call)
    last = record["numbers"][-1]
    assert [last["net_mass"], last["w1"], last["w2"]] == pytest.approx([2, 1, 0], abs=0.03)
    assert last["near"] > record["numbers"][0]["near"]
    assert len(record["points"]) == 5 * len(record["numbers"])
    first = record["points"][0]
    assert math.hypot(first["x1"], first["x2"]) == pytest.approx(1)


def test_settings_are_refused_by_name(tmp_path):
    assert tuple(settings().sections) == NAMES
    with pytest.raises(InvalidInputError, match="'odds'; there are"):
        settings(names=["odds"])
    text = settings().source
    for old, new, needs in (
        ('start = "random"   #', 'start = "lucky" #', "angles.start is 'lucky'"),
        ("dim_h = 5", "dim_h = 20", "an integer below dim = 20"),
        ("at = [0, 20, 100", "at = [0, 20, 9100", "integers up to steps = 5000"),
        ('map = "mirror", sign = 1 },\n  { label = "quarter', 'map = "x", sign = 1 },\n  { label '
         '= "quarter', "cases.map is 'x'"),
        ("[odd]", "[even]", "unknown key 'even'"),
    ):  # fmt: skip
        assert old in text
        path = tmp_path / FILE
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(InvalidInputError, match=needs.replace("[", r"\[")):
            settings(path)


SMALL = """
[quick.preserved]
neurons = 4
batch = 16
steps = 4
shown = 2
seeds = [0]

[quick.partition]
neurons = 4
batch = 16
steps = 4
seeds = [0]

[quick.odd]
dim = 6
neurons = [4, 16]
batch = 16
steps = 40
shown = 4
validation = 50
seeds = [0, 1]

[quick.subspace]
dim = 4
dim_h = 2
neurons = 8
steps = 5
at = [0, 5]
radii = 3
seeds = [0]

[quick.angles]
particles = 16
steps = 10
at = [0, 10]
seeds = [0]

[quick.sweep]
dims_h = [2, 5]
particles = 16
steps = 10
at = [10]
seeds = [0, 1]

[quick.neurons]
neurons = 8
drawn = 4
steps = 20
shown = 4
"""


@pytest.fixture
def small(tmp_path):
    """A settings file whose quick runs are done in a second."""
    path = tmp_path / "small.toml"
    path.write_text(settings().source.split("[quick.preserved]")[0] + SMALL)
    return path


def test_every_section_quotes_what_was_measured_beside_its_theory(small):
    given = settings(small, quick=True)
    wanted = tasks(given)
    found = report(
        given, tables(wanted, [task.record() for _, _, task in wanted]), quick=True, seconds=1.0
    )
    by_name = dict(zip(NAMES, (section.verdict for section in found.sections), strict=True))
    words = {
        "preserved": "theory: 0 (exactly 0 for -Id, odd cubic; mirror, |x1|+x2)",
        "partition": "; theory: 0 and 0",
        "odd": "theory: -1",
        "subspace": "infinite width:",
        "angles": "α = 5.3333",
        "sweep": "of the published row",
        "neurons": "net mass is within",
    }
    assert all(text in by_name[name] for name, text in words.items())
    assert "0 of " in by_name["partition"]
    shown = {display.name: display for s in found.sections for display in s.displays}
    assert len(shown["sweep-10"].frame) == 2
    assert shown["sweep-10"].frame["alpha"].tolist() == [limit_mass(2), limit_mass(5)]
    assert shown["odd-slopes"].frame["seeds"].tolist() == [2] * 8


def test_the_study_writes_a_page_and_goes_on_from_its_records(small, tmp_path):
    seen = []
    for _ in range(2):
        written = study(
            tmp_path / "out",
            names=["subspace"],
            quick=True,
            settings=small,
            progress=lambda *now: seen.append(now[:2]),
        )
    assert seen == [(0, 2), (1, 2), (2, 2), (2, 2)]
    assert {path.name for path in written.paths} >= {"subspace-lines.png", "subspace-range.csv"}
    assert "A target that sees only a subspace" in written.paths[-1].read_text()
    assert (tmp_path / "out/settings/symmetry.toml").read_text() == small.read_text()
