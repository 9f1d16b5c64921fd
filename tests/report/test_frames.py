import csv
import re
import shutil
import subprocess

import pandas as pd
import pytest
from tidytables import effects, histograms, statistics

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.report import frames
from polyrelu.report.frames import (
    EFFECTS,
    HISTOGRAMS,
    STATISTICS,
    cells,
    checked,
    escaped_latex,
    latex,
    tidy,
    write_csv,
    write_latex,
    write_parquet,
)

AWKWARD = "50 % of x_1 & x_2 #3 {$5} \\ ~ ^ <a> ≤ 2d − 1"


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "setting": ["Xavier, bias 0.01", AWKWARD, None],
            "n_regions": [30396, 236557, 7],
            "mean": [1 / 3, 6.0026, float("nan")],
            "complete": [True, False, True],
        }
    )


def column(values, **formats):
    return [row[0] for row in cells(pd.DataFrame({"x": values}), formats).rows]


def test_known_tables_have_the_agreed_columns():
    assert set(histograms().columns) == set(HISTOGRAMS)
    assert set(statistics().columns) == set(STATISTICS)
    assert set(effects().columns) == set(EFFECTS)
    again = tidy(histograms().to_dict("records"), HISTOGRAMS)
    assert again.columns.tolist() == list(HISTOGRAMS)
    assert len(again) == 5


def test_csv_comes_back_as_it_was(tmp_path, table):
    write_csv(table, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["setting"] for row in rows] == ["Xavier, bias 0.01", AWKWARD, ""]
    assert [int(row["n_regions"]) for row in rows] == table["n_regions"].tolist()
    assert [float(row["mean"]) for row in rows[:2]] == [1 / 3, 6.0026]  # to the last digit
    assert rows[2]["mean"] == ""
    assert [row["complete"] for row in rows] == ["True", "False", "True"]
    assert (tmp_path / "table.csv").read_bytes().count(b"\n") == 4


def test_parquet_comes_back_as_it_was(tmp_path, table):
    pytest.importorskip("pyarrow")
    write_parquet(table, tmp_path / "table.parquet")
    again = pd.read_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_parquet_without_its_library_says_what_to_install(tmp_path, table, monkeypatch):
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"polyrelu\[parquet\]"):
        write_parquet(table, tmp_path / "table.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "write",
    [
        write_csv,
        write_parquet,
        lambda frame, path: write_latex(frame, path, caption="", label="x"),
    ],
)
def test_empty_tables_are_refused(tmp_path, table, write):
    with pytest.raises(InvalidInputError, match="empty"):
        write(table[:0], tmp_path / "table")
    assert not list(tmp_path.iterdir())


def test_wrong_columns_are_refused(table):
    with pytest.raises(InvalidInputError, match="lacks seed"):
        checked(table, ["seed", "mean"])
    with pytest.raises(InvalidInputError, match="different names"):
        checked(table.rename(columns={"mean": "setting"}))
    with pytest.raises(InvalidInputError, match="has the columns setting, seed; got setting"):
        tidy([{"setting": "a"}], ["setting", "seed"])


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([6.00263, 4.0], ["6.0026", "4.0000"]),
        ([0.5, 0.25], ["0.50", "0.25"]),
        ([4.0, 6.0], ["4", "6"]),
        ([30396.0, 6.00263], ["30,396", "6.0026"]),  # of unlike size: each on its own
        ([0.0, 3.14159e-15], ["0", "3.14e−15"]),
        ([-1.5, float("inf")], ["−1.5", "∞"]),
        ([12345, -7], ["12,345", "−7"]),
        ([float("nan"), 1.25], ["–", "1.25"]),
        ([True, False], ["yes", "no"]),
        (["a-b", " c \n d "], ["a-b", "c d"]),
        (pd.array([3, None], dtype="Int64"), ["3", "–"]),
    ],
)
def test_numbers_are_easy_to_read(values, texts):
    assert column(values) == texts


def test_formats_are_kept():
    assert column([0.1234, 0.5], x=".1%") == ["12.3%", "50.0%"]
    assert column([1.5e-9, 0.0], x=".1e") == ["1.5e−09", "0"]
    with pytest.raises(InvalidInputError, match="no format of column 'x'"):
        column([1.0], x=".1q")
    with pytest.raises(InvalidInputError, match="lacks y"):
        column([1.0], y=".1f")


def test_only_numbers_are_set_flush_right(table):
    assert cells(table).numeric == (False, True, True, False)
    assert cells(table).heads == ("setting", "n regions", "mean", "complete")


def test_latex_is_escaped(table):
    text = latex(table, caption=AWKWARD, label="tab:a-b_1")
    body = text.replace("\\\\", "").replace("tab:a-b_1", "")
    assert r"50 \% of x\_1 \& x\_2 \#3 \{\$5\} \textbackslash{}" in text
    assert text.count(r"\%") == text.count("%") - 1  # the comment in the first line
    assert not re.search(r"(?<!\\)_", body)
    assert r"$\le$ 2d $-$ 1" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    assert r"30,396 & 0.3333 & yes \\" in text
    assert escaped_latex("a\n b") == "a b"


def test_long_tables_break_between_pages():
    text = latex(pd.DataFrame({"n": range(41)}), caption="", label="x")
    assert r"\begin{longtable}" in text
    assert r"\endhead" in text
    assert r"\begin{tabular}" in latex(pd.DataFrame({"n": range(40)}), caption="", label="x")


def test_labels_that_latex_cannot_refer_to_are_refused(table):
    with pytest.raises(InvalidInputError, match="label"):
        latex(table, caption="", label="a}b")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
@pytest.mark.parametrize("n", [1, 20])
def test_latex_compiles(tmp_path, table, n):
    wide = pd.concat([table] * n, ignore_index=True)
    for i in range(4):
        wide[f"more_{i}"] = "words that go on and on " * 2
    source = latex(wide, caption=AWKWARD, label="tab:x")
    packages = source.splitlines()[0].split(": ")[1]
    document = (
        rf"\documentclass{{article}}\usepackage[utf8]{{inputenc}}\usepackage{{{packages}}}"
        rf"\begin{{document}}{source}\end{{document}}"
    )
    document = document.replace("% needs", "\n% needs")
    (tmp_path / "table.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 5000
