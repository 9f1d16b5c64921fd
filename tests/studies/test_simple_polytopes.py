"""The study of simple polytopes: what is measured, how seeds become effects, and the report."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from studies.mini import MINI

from polyrelu.errors import InvalidInputError
from polyrelu.network.initialize import random_network
from polyrelu.regions import Box, enumerate_regions
from polyrelu.studies.simple_polytopes import study
from polyrelu.studies.simple_polytopes.measurement import measured
from polyrelu.studies.simple_polytopes.pages import report
from polyrelu.studies.simple_polytopes.settings import experiment
from polyrelu.studies.simple_polytopes.tables import tables, tasks
from polyrelu.studies.simple_polytopes.verdict import by_setting, observations, verdict

WIDTHS = (3, 6, 4, 1)


@pytest.fixture(scope="module")
def rows():
    return measured(
        kind="network", options={"widths": WIDTHS, "bias": 0.1}, box=(-1, 1), points=200, seed=3
    )


def bars(rows, population, weighting, counted):
    kind = {"population": population, "weighting": weighting, "counted": counted}
    return {
        row["value"]: row["weight"]
        for row in rows["histograms"]
        if all(row[column] == value for column, value in kind.items())
    }


def number(rows, statistic, population="all", weighting="", counted=""):
    kind = {
        "population": population,
        "weighting": weighting,
        "counted": counted,
        "statistic": statistic,
    }
    (found,) = [
        row["value"]
        for row in rows["statistics"]
        if all(row[column] == value for column, value in kind.items())
    ]
    return found


def test_all_regions_and_those_met_by_points(rows):
    regions = enumerate_regions(random_network(WIDTHS, bias=0.1, seed=3), Box(-1, 1))
    values, counts = np.unique(regions.n_facets, return_counts=True)
    assert bars(rows, "all", "count", "facets") == dict(
        zip(values.tolist(), counts.tolist(), strict=True)
    )
    assert sum(bars(rows, "all", "volume", "facets").values()) == pytest.approx(8, rel=1e-12)
    assert number(rows, "regions") == len(regions)
    met = sum(bars(rows, "sampled", "count", "facets").values())
    assert number(rows, "share_met") == met / len(regions)
    assert 0 < met < len(regions)
    mean = number(rows, "mean", weighting="count", counted="facets")
    assert mean == regions.n_facets.mean()
    assert (
        number(rows, "max", weighting="count", counted="vertices") == regions.f_vectors[:, 0].max()
    )


def test_theory_holds_and_the_rows_are_json(rows):
    assert rows["oracles"]
    assert all(row["holds"] for row in rows["oracles"])
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_a_trained_setting_has_its_epochs_and_its_data():
    options = {
        "data": {"name": "moons", "samples": 40},
        "network": {"hidden": [4]},
        "training": {"loss": "logistic", "epochs": 2, "batch_size": 0},
        "snapshots": {"schedule": "linear", "every": 1},
    }
    rows = measured(kind="train", options=options, box=(-1, 1), points=20, seed=0)
    assert {row["epoch"] for row in rows["statistics"]} == {0, 1, 2}
    first = {"histograms": [row for row in rows["histograms"] if row["epoch"] == 0]}
    assert sum(bars(first, "all", "points", "facets").values()) == 40
    assert sum(bars(first, "data", "count", "facets").values()) <= 40
    losses = [row["value"] for row in rows["statistics"] if row["statistic"] == "loss_train"]
    assert losses[2] < losses[0]


def test_a_designed_setting_reaches_its_theory():
    options = {"kind": "tangent", "n": 9, "dim": 2}
    rows = measured(kind="design", options=options, box=(-1, 1), points=20, seed=0)
    assert number(rows, "max", weighting="count", counted="facets") == 9 + 2 * 2


def record(regions, mean, epoch=0):
    """A record with the few numbers that effects are made of."""
    of = {"epoch": epoch, "population": "all"}
    whole = of | {"weighting": "", "counted": ""}
    return {
        "histograms": [of | {"weighting": "count", "counted": "facets", "value": 4, "weight": 1}],
        "statistics": [
            whole | {"statistic": "regions", "value": regions},
            whole | {"statistic": "dim", "value": 2},
            whole | {"statistic": "share_met", "value": 0.5},
            of | {"weighting": "count", "counted": "facets", "statistic": "mean", "value": mean},
            of
            | {
                "weighting": "count",
                "counted": "facets",
                "statistic": "share_third",
                "value": 0.25,
            },
        ],
        "oracles": [],
    }


@pytest.fixture
def found(mini):
    each = experiment(mini)
    three = [record(7, 4.0), record(6, 4.0), record(7, 4.0)]
    six = [record(17, 4.0), record(18, 4.0), record(21, 4.0)]
    learned = [
        {
            name: first[name] + last[name]
            for first, last in [(record(5, 4.0), record(n, 4.5, epoch=2))]
            for name in first
        }
        for n in (8, 9, 10)
    ]
    return tables([each], [*three, *six, *learned])


def test_tasks_and_records_go_in_step(mini):
    each = experiment(mini)
    labels = [task.label for task in tasks([each])]
    assert labels[0] == "Mini: three, seed 0"
    assert labels[-1] == "Mini: learned, seed 2"
    assert len(labels) == 9


def test_effects_are_students_over_paired_seeds(found):
    effects = found.effects.set_index(["comparison", "statistic"])
    regions = effects.loc[("six", "regions")]
    # Differences 10, 12, 14: mean 12, standard error 2 / sqrt(3), t of 2 degrees at 97.5 % 4.3027.
    assert regions["effect"] == 12
    assert regions["high"] - 12 == pytest.approx(4.302653 * 2 / math.sqrt(3), rel=1e-6)
    assert regions["clear"]
    assert regions["baseline"] == pytest.approx(20 / 3)
    trained = effects.loc[("learned: trained", "regions")]
    assert (trained["effect"], trained["baseline"]) == (4, 5)
    assert not effects.loc[("six", "mean")]["clear"]


def test_the_end_is_the_last_epoch_of_each_setting(found):
    ends = found.at_the_end()
    assert set(ends.statistics.groupby("setting")["epoch"].max().items()) == {
        ("three", 0), ("six", 0), ("learned", 2),
    }  # fmt: skip
    assert len(ends.histograms) == 9
    assert len(found.histograms) == 12


def test_the_verdict_quotes_its_figures(found):
    text = verdict(found)
    assert "4.000 (three) to 4.500 (learned); 2d = 4" in text
    assert "by facets 25% of all regions" in text
    assert "most of all regions by facets in none of 9 networks, other than Fan" in text
    assert "the claim holds" not in text  # what is claimed is not the same in every experiment
    (changes,) = observations(found)  # nothing was sampled
    assert "the number of regions (6.667 rises by 12, 95 % interval 7.032 to 16.97" in changes


def of_two(mini, seeds, *pairs):
    """Tables of the settings "three" and "six", from (regions, mean) of every seed of each."""
    head, three, six, _ = MINI.split("[[setting]]")
    mini.write_text("[[setting]]".join([head.replace("[0, 1, 2]", seeds), three, six]))
    each = experiment(mini)
    records = [record(*numbers) for numbers in pairs]
    for one in records:
        means = [row for row in one["statistics"] if row["statistic"] == "mean"]
        one["statistics"] += [row | {"population": "sampled"} for row in means]
    return each, tables([each], records)


def summary(each, found):
    return report([each], found, seconds=1).sections[0].verdict


def test_what_is_known_of_some_networks_only_is_said_so(found):
    shares = found.statistics[found.statistics["statistic"] == "share_third"]
    some = shares[(shares["setting"] == "six") | (shares["seed"] == 0)]
    cut = some[some["epoch"] != 2].assign(counted="simplices", value=0.75)
    cut.loc[cut["setting"] == "three", "value"] = 0.4
    known = replace(found, statistics=pd.concat([found.statistics, cut]))
    text = verdict(known)
    assert "by simplices 40% to 75% of all regions (known of 4 of 9 networks)" in text
    assert (
        "by facets in none of 9 networks, other than Fan et al. say; by simplices in 3 of 4" in text
    )
    means = by_setting(known, "all", "count", "simplices", "share_third")
    assert means.to_dict() == {"six": 0.75}  # of the others a mean would be of some seeds


def test_a_fall_has_the_interval_of_a_fall(mini):
    _, found = of_two(mini, "[0, 1]", (90, 4.0), (90, 4.0), (50, 4.0), (51, 4.0))
    changes, _ = observations(found)
    # Differences -40 and -39: half a width of 12.706 / 2.
    assert "(90 falls by 39.5, 95 % interval 33.15 to 45.85: six against" in changes


def test_one_seed_shows_no_effect(mini):
    each, found = of_two(mini, "[4]", (7, 4.0), (17, 5.0))
    changes, _ = observations(found)
    assert changes == (
        "Effects have no intervals with one seed: what changes cannot be told from chance."
    )
    assert summary(each, found) == (
        "In 0 of 1 comparisons the mean number of facets over all regions stays where it is, within"
        " 2%. Not to be told with so few seeds: Mini, six: +1."
    )


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ((4.02, 4.06), "In 1 of 1 comparisons .* stays where it is, within 1.0%.$"),
        ((4.99, 5.01), r"In 0 of 1 .* within 2%. It changes in: Mini, six: \+1 \[0.8729, 1.127\]."),
        ((4.9, 5.1), r"In 0 of 1 .* so few seeds: Mini, six: \+1 \[-0.2706, 2.271\].$"),
    ],
)
def test_the_summary_tells_what_is_unclear_from_what_stays(mini, means, said):
    of_six = [(8, mean) for mean in means]
    assert re.match(said, summary(*of_two(mini, "[0, 1]", (7, 4.0), (7, 4.0), *of_six)))


def test_regions_met_are_a_mean_of_products(mini):
    each, found = of_two(mini, "[0, 1]", (10, 4.0), (30, 4.0), (8, 4.0), (8, 4.0))
    share = (found.statistics["statistic"] == "share_met") & (found.statistics["seed"] == 1)
    found.statistics.loc[share, "value"] = 0.1
    (reference,) = [
        display
        for section in report([each], found, seconds=1).sections
        for display in section.displays
        if display.name == "mini-reference"
    ]
    assert reference.frame["met, ours"].tolist() == [4]  # (0.5 * 10 + 0.1 * 30) / 2


def test_other_dimensions_are_refused(mini):
    each = experiment(mini)
    records = [record(7, 4.0) for _ in tasks([each])]
    for row in records[-1]["statistics"]:
        if row["statistic"] == "dim":
            row["value"] = 3
    with pytest.raises(InvalidInputError, match="different dimensions"):
        tables([each], records)


def test_the_study_is_the_same_in_python(mini, tmp_path):
    seen = []
    written = study(
        tmp_path / "out", names=[mini], quick=True, progress=lambda *state: seen.append(state)
    )
    assert written.paths[-1] == tmp_path / "out/report.html"
    assert seen[0] == (0, 2, "")
    assert seen[-1][:2] == (2, 2)


@pytest.mark.parametrize("key", ["name", "title"])
def test_two_experiments_of_one_name_or_title(mini, tmp_path, key):
    (tmp_path / "other").mkdir()
    other = tmp_path / ("other/mini.toml" if key == "name" else "other.toml")
    other.write_text(mini.read_text().replace("Mini", "Other") if key == "name" else MINI)
    with pytest.raises(InvalidInputError, match=f"two experiments have the {key} "):
        study(tmp_path / "out", names=[mini, other])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("epochs", "n_rows"), [(0, 1), (30, 24)])
def test_any_number_of_snapshots(mini, tmp_path, epochs, n_rows):
    text = MINI.replace("epochs = 2", f"epochs = {epochs}").replace("[5]", "[5, 6]")
    mini.write_text(text)
    written = study(tmp_path / "out", names=[mini], quick=True)
    assert "learned. Facets per activation region" in written.paths[-1].read_text()
    ridge = pd.read_csv(tmp_path / "out/tables/mini-ridge.csv")
    assert ridge["epoch"].nunique() == n_rows
    effects = pd.read_csv(tmp_path / "out/tables/mini-effects.csv")
    assert ("learned: trained" in set(effects["comparison"])) == bool(epochs)


def test_captions_name_the_box_of_every_setting(mini, tmp_path):
    mini.write_text(MINI.replace("reference", "box = [-2, 2]\nreference"))
    mini.write_text(mini.read_text().replace('baseline = "three"', 'baseline = "learned"'))
    page = study(tmp_path / "out", names=[mini], quick=True).paths[-1].read_text()
    assert "Domain: box [-1, 1]^2; box [-2, 2]^2 (three)." in page
