"""Counts side by side: distances by hand, numbers of the censuses, what must not be mixed."""

import html
import json
import re

import pandas as pd
import pytest
from counts import CUT_CORNER, SQUARE, TWO_TRIANGLES, polygons

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions
from polyrelu.report.comparison.operands import (
    Comparison,
    Operand,
    check_one_domain,
    is_generic,
)
from polyrelu.report.comparison.page import comparison_report
from polyrelu.report.comparison.tables import histogram_table, statistic_table
from polyrelu.report.comparison.text import comparison_text, table_text
from polyrelu.report.page import write_report
from polyrelu.report.tables import json_text
from polyrelu.shapes import Census, count_faces

SLICE = AffineSlice([0, 0, 1], [[1, 0], [0, 1], [0, 0]], SQUARE)


def operand(label, sides=None, *, kind="saved count", path="x.json", census=None, **others):
    about = {key: others.pop(key) for key in ("run", "epoch", "seed", "scores") if key in others}
    census = polygons(sides, **others) if census is None else census
    return Operand(label, path, kind, census, **about)


def pair(**others):
    return Comparison(
        (operand("halves", TWO_TRIANGLES), operand("corner", CUT_CORNER, network="b", **others))
    )


def snapshots(run, n, **others):
    """Snapshots of a run: in epoch e there are e + 1 triangles, in half of the square, and one."""
    return [
        operand(
            f"{run} epoch {e}",
            {3: (e + 1, 2.0), 5: (1, 2.0)},
            kind="snapshot",
            path=f"{run}/epoch_{e}.npz",
            network=f"{run}{e}",
            run=run,
            epoch=e,
            seed=7,
            scores={"loss_train": 1 / (e + 1), "accuracy_train": e / n},
            **others,
        )
        for e in range(n)
    ]


def test_distances_by_hand():
    """Of two triangles one becomes a pentagon; by area 7/8 of the square move by two sides."""
    record = pair().to_dict()
    found = {(row["counted"], row["weighting"]): row for row in record["distances"]}
    assert found.keys() == {("facets", "count"), ("facets", "volume"), ("neuron facets", "count")}
    expected = {"count": (1.0, 0.5, 0.5, 1.0), "volume": (1.75, 0.875, 0.875, 1.75)}
    names = ("wasserstein", "total_variation", "kolmogorov_smirnov", "mean_difference")
    for weighting, numbers in expected.items():
        row = found["facets", weighting]
        assert tuple(row[name] for name in names) == numbers
        assert (row["first"], row["second"]) == ("halves", "corner")
    assert found["neuron facets", "count"]["wasserstein"] == 0


def test_every_pair_is_there_in_the_order_of_the_operands():
    three = Comparison(
        (
            operand("c", TWO_TRIANGLES),
            operand("a", CUT_CORNER, network="a"),
            operand("b", {4: (1, 4.0)}, network="b"),
        )
    )
    rows = [row for row in three.to_dict()["distances"] if row["weighting"] == "volume"]
    assert [(row["first"], row["second"]) for row in rows] == [("c", "a"), ("c", "b"), ("a", "b")]
    assert [row["wasserstein"] for row in rows] == [1.75, 1.0, 1.0]
    assert [row.second for row in three.to_first("facets", "volume")] == ["a", "b"]


def test_statistics_by_hand_and_the_census_itself():
    record = pair().to_dict()
    corner = record["operands"][1]
    assert corner["statistics"]["facets"]["count"] == {
        "mean": 4.0, "std": 1.0, "median": 4.0, "min": 3, "max": 5,
        "entropy": pytest.approx(0.6931471805599453), "share_third": 0.0,
    }  # fmt: skip
    assert corner["statistics"]["facets"]["volume"]["mean"] == 4.75  # 3 / 8 + 5 · 7 / 8
    assert corner["census"] == polygons(CUT_CORNER, network="b").to_dict()
    assert (record["dim"], record["domain"]) == (2, SQUARE.describe())
    assert json.loads(json_text(record)) == record


def test_text_has_the_numbers_of_the_censuses(census):
    other = operand("b.onnx", census=census, kind="checkpoint", path="b.onnx")
    text = comparison_text(
        Comparison((operand("a.npz", census=census, kind="checkpoint", path="a.npz"), other))
    )
    rows = {line[:32].strip(): line[32:].split() for line in text.splitlines()}
    facets, by_volume = census.facet_histogram, census.facet_histogram_by_volume
    assert rows["regions"] == [f"{census.n_regions:,}"] * 2
    assert rows["mean facets (2d = 6)"] == [f"{facets.mean:.4f}"] * 2
    assert rows["standard deviation"] == [f"{facets.std:.4f}"] * 2
    assert rows["median"] == [f"{facets.median:g}"] * 2
    assert rows["largest"] == [str(facets.max)] * 2
    assert rows["entropy (nats)"] == [f"{facets.entropy:.4f}"] * 2
    assert rows["share at most a third of largest"] == [f"{facets.share_third:.2%}"] * 2
    assert rows["mean by volume"] == [f"{by_volume.mean:.4f}"] * 2
    assert rows["mean without domain's facets"] == [f"{census.neuron_facet_histogram.mean:.4f}"] * 2
    assert rows["complete"] == ["yes"] * 2
    assert rows["certificate"] == ["closes"] * 2
    assert "a.npz and b.onnx hold the same network in 2 formats" in text


def test_distances_in_the_text():
    lines = comparison_text(pair()).splitlines()
    at = lines.index("every region weighs one")
    assert lines[at - 3] == "distances of their histograms to that of halves"
    assert lines[at + 1].split() == ["corner", "1.0000", "0.5000", "0.5000", "+1.0000"]
    assert lines[at + 3].split() == ["corner", "1.7500", "0.8750", "0.8750", "+1.7500"]
    assert "same network" not in "".join(lines)


@pytest.mark.parametrize("n", [2, 3, 5, 12])
@pytest.mark.parametrize("length", [1, 20, 60])
@pytest.mark.parametrize("width", [60, 80])
def test_lines_fit_whatever_is_compared(n, length, width):
    labels = [f"{i:0{length}}" for i in range(n)]
    operands = [operand(x, CUT_CORNER, network=x) for x in labels]
    text = comparison_text(Comparison(tuple(operands)), width=width)
    assert max(map(len, text.splitlines())) <= width
    unbroken = re.sub(r"\s+", "", text)
    assert all(label in unbroken for label in labels)
    assert text.count("4.0000") == n
    assert len(re.findall("closes", text)) == n


def test_snapshots_have_a_row_each_with_their_scores():
    text = comparison_text(Comparison(tuple(snapshots("run", 4))))
    row = [line.split() for line in text.splitlines() if line.startswith("run epoch 3")]
    assert row[0][3:5] == ["5", "3.4000"]  # four triangles, one pentagon
    assert row[2][3:] == ["0.2500", "0.7500"]


def test_what_is_not_zero_does_not_look_so():
    almost = {3: (1, 0.5 + 1e-7), 5: (1, 3.5 - 1e-7)}
    comparison = Comparison((operand("a", CUT_CORNER), operand("b", almost, network="b")))
    lines = [line.split() for line in comparison_text(comparison).splitlines()]
    assert lines[-1] == ["b", "5.0e-08", "2.5e-08", "2.5e-08", "-5.0e-08"]
    assert lines[-3] == ["b", *["0.0000"] * 4]


def test_counts_of_a_part_are_marked():
    comparison = pair(complete=False)
    text = comparison_text(comparison)
    assert re.search(r"complete +yes +NO\n", text)
    assert re.search(r"certificate +closes +open\n", text)
    assert "corner is not complete: these are the counts of a part" in text
    assert comparison.remarks[0] in comparison_report(comparison).lead
    assert [o.label for o, _ in comparison.oracles()] == ["halves"]
    assert "Dotted line" in captions(pair())["facets"]
    assert "Dotted line" not in captions(comparison)["facets"]  # theory is of whole domains


def test_one_square_in_two_spaces_is_said():
    comparison = Comparison(
        (operand("plane", TWO_TRIANGLES), operand("slice", CUT_CORNER, network="b", domain=SLICE))
    )
    assert comparison.domain.describe() == SQUARE.describe()
    (said,) = comparison.remarks
    assert said == (
        "Domains are equal in their own coordinates only (plane: box [-1, 1]^2; slice: slice of "
        "R^3 over box [-1, 1]^2)"
    )
    assert said in " ".join(comparison_text(comparison).split())


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            Box(-1, 1).bound_to(2),
            Box(-1, 1).bound_to(3),
            r"A is counted over box \[-1, 1\]\^2, of dimension 2, and B over box \[-1, 1\]\^3, of "
            r"dimension 3: .*Count a slice of dimension 2 of the larger one",
        ),
        (SQUARE, Box(-1, 2).bound_to(2), r"Count B again over that of A, with --box -1 1$"),
        (Box([0.5, 0.5], [2, 2]), SQUARE, r"B over box \[-1, 1\]\^2: .*with --box 0\.5 2$"),
        (Box([-1, 0], [1, 1]), SQUARE, r"box \[-1, 1\] x \[0, 1\] and B .* --bounds FILE$"),
        (Space(2), SQUARE, r"whole space R\^2 and B .* with --space$"),
        (SLICE, Box([-1, -2], [1, 2]), r"slice of R\^3 over box \[-1, 1\]\^2 and B over"),
    ],
)
def test_domains_that_do_not_compare(first, second, message):
    with pytest.raises(InvalidInputError, match=message):
        check_one_domain([("A", first), ("B", second)])
    check_one_domain([("A", first), ("B", first)])


def test_the_third_domain_is_looked_at_too():
    with pytest.raises(InvalidInputError, match=r"^B is .* and C over whole space"):
        check_one_domain([("A", SQUARE), ("B", SLICE), ("C", Space(2))])


def test_operands_that_do_not_compare():
    corner = operand("corner", CUT_CORNER)
    with pytest.raises(InvalidInputError, match="two operands"):
        Comparison((corner,))
    with pytest.raises(InvalidInputError, match="different labels"):
        Comparison((corner, corner))
    with pytest.raises(InvalidInputError, match=r"corner is counted over .* and other over"):
        Comparison((corner, operand("other", CUT_CORNER, domain=Box(-2, 2).bound_to(2))))


def test_counts_of_one_network_that_differ():
    corner = operand("corner", CUT_CORNER)
    with pytest.raises(InvalidInputError, match="corner and other are complete counts of one"):
        Comparison((corner, operand("other", TWO_TRIANGLES)))
    assert Comparison((corner, operand("other", TWO_TRIANGLES, complete=False)))
    assert Comparison((corner, operand("other", TWO_TRIANGLES, domain=SLICE))).same_networks


def test_whole_space_has_no_volumes(space, tmp_path):
    census = Census.from_batches([enumerate_regions(space.network, Space())])
    comparison = Comparison((operand("a", census=census), operand("b", census=census)))
    assert {weighting for _, weighting in comparison.kinds} == {"count"}
    text = comparison_text(comparison)
    assert re.search(r"mean by volume +- +-\n", text)
    assert "weighs its volume" not in text
    assert json_text(comparison.to_dict())
    assert write_report(comparison_report(comparison), tmp_path).paths[-1].exists()


def test_tidy_tables_are_the_histograms():
    comparison = Comparison((*snapshots("run", 3), operand("corner", CUT_CORNER, network="b")))
    bars, numbers = histogram_table(comparison), statistic_table(comparison)
    for one in comparison.operands:
        for (counted, weighting), histogram in one.histograms.items():
            kind = (bars["operand"] == one.label) & (bars["counted"] == counted)
            part = bars[kind & (bars["weighting"] == weighting)]
            assert dict(zip(part["value"], part["weight"], strict=True)) == {
                int(value): weight for value, weight in histogram.to_dict().items()
            }
    of_corner = numbers[numbers["operand"] == "corner"]
    assert of_corner["epoch"].isna().all()
    assert of_corner["seed"].isna().all()
    last = numbers[(numbers["setting"] == "run") & (numbers["epoch"] == 2)]
    assert last.loc[last["statistic"] == "loss_train", "value"].tolist() == [pytest.approx(1 / 3)]
    assert last.loc[last["statistic"] == "regions", "value"].tolist() == [4]
    assert set(last["seed"]) == {7}


def written(comparison, folder):
    """Words of the page, and names of the files."""
    paths = write_report(comparison_report(comparison), folder).paths
    text = html.unescape(re.sub("<[^>]*>", " ", paths[-1].read_text(encoding="utf-8")))
    return " ".join(text.split()), {path.relative_to(folder).as_posix() for path in paths}


def captions(comparison):
    sections = comparison_report(comparison).sections
    return {d.name: d.caption for section in sections for d in section.displays}


def test_report_of_two(tmp_path):
    text, files = written(pair(), tmp_path)
    assert {"figures/facets.png", "figures/neuron-facets.svg", "tables/distances.tex"} <= files
    assert not any("ridge" in name or "trend" in name for name in files)
    for words in ("halves", "corner", "1.7500", "0.8750", "Euler's formula", "2d = 4"):
        assert words in text
    table = pd.read_csv(tmp_path / "tables" / "distances.csv")
    assert table.loc[table["weighting"] == "volume", "W1"].tolist() == [1.75]
    theory = pd.read_csv(tmp_path / "tables" / "theory.csv")
    assert theory["measured"].tolist() == [-2, 0]  # 6 - 4 · 2 sides: this is no generic network
    assert theory["holds"].tolist() == [False, True]


def test_report_of_runs(tmp_path):
    runs = [*snapshots("slow", 13), *snapshots("fast", 2)]
    comparison = Comparison((*runs, operand("corner", CUT_CORNER, network="b")))
    text, files = written(comparison, tmp_path)
    assert {f"figures/{name}.png" for name in ("ridge-1", "ridge-2", "trend", "trend-volume")} | {
        "figures/trend-training.png"
    } <= files
    assert all(one.label in text for one in comparison.operands)
    said = captions(comparison)
    assert "Seeds: one run each (slow: 7; fast: 7). 12 of 16 drawn." in said["facets"]
    assert "Seeds: one run each (slow: 7). 13 of 16 drawn." in said["ridge-2"]
    trend = pd.read_csv(tmp_path / "tables" / "trend.csv")
    regions = trend[(trend["setting"] == "slow") & (trend["statistic"] == "regions")]
    assert dict(zip(regions["epoch"], regions["value"], strict=True)) == {
        e: e + 2 for e in range(13)
    }
    losses = pd.read_csv(tmp_path / "tables" / "trend-training.csv")
    assert set(losses["setting"]) == {"slow, training rows", "fast, training rows"}


def test_every_caption_says_population_weighting_domain_and_seeds(census):
    solid = [operand(name, census=census) for name in "ab"]
    whole = Comparison(tuple(solid)), Comparison(tuple(snapshots("run", 3)))
    for comparison in (*whole, pair(complete=False)):
        for name, caption in captions(comparison).items():
            if name not in ("theory", "trend-training"):  # no histograms
                for word in ("Population: all regions", "Weighting: ", "Domain: box", "Seeds: one"):
                    assert word in caption, name
    assert "but a part of corner." in captions(pair(complete=False))["facets"]


def test_a_polytope_has_its_vertices(census, tmp_path):
    comparison = Comparison((operand("a", census=census), operand("b", census=census)))
    text, files = written(comparison, tmp_path)
    assert "figures/vertices.png" in files
    assert "most vertices of a region: McMullen 1970" in text
    bars = pd.read_csv(tmp_path / "tables" / "vertices.csv")
    own = bars[bars["operand"] == "a"]
    assert own["weight"].sum() == census.n_regions
    assert (own["value"] * own["weight"]).sum() == census.f_vector_sum[0]


def test_tables_that_fit_are_turned_round():
    wide = table_text(["a", "b"], ["one", "two"], [["1", "2"], ["3", "4"]])
    assert [line.split() for line in wide.splitlines()] == [
        ["a", "b"], ["one", "1", "3"], ["two", "2", "4"],
    ]  # fmt: skip
    names = [f"name{i}" for i in range(9)]
    tall = table_text(names, ["one", "two"], [[str(i), "x" * 44] for i in range(9)], width=60)
    first, second = (
        table_text(names, [head], [[cell] for cell in cells], width=60, transposes=False)
        for head, cells in (("one", map(str, range(9))), ("two", ["x" * 44] * 9))
    )
    assert tall != f"{first}\n\n{second}"  # both columns fit beside the names
    assert len(tall.splitlines()) == 10


def test_theory_is_silent_where_a_count_needed_rationals():
    fan = Network.from_arrays([[[1, 0], [0, 1], [1, 1], [1, -1]], [[1, 1, 1, 1]]])
    census = count_faces(fan, Box(-1, 1))
    assert census.certificate["signs"]["rational"] > 0
    assert not is_generic(census)
    lines = Network.from_arrays([[[3, 1], [1, 4]], [[1, 1]]], [[0.3, 0.2], [0]])
    assert is_generic(count_faces(lines, Box(-1, 1)))
