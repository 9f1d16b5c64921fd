import re

import pytest

from polyrelu.report.text import EIGHTHS, census_text, histogram_text, rows_text
from polyrelu.shapes import Census, FaceHistogram


def facets(counts, weights=None):
    return FaceHistogram.from_counts(counts, weights, k=2, dim=3)


def rows(text):
    return [line for line in text.splitlines() if "%" in line]


def bar(row):
    return re.sub(f"[^{EIGHTHS}#]", "", row)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_lines_fit_and_the_longest_bar_fills(histogram, width, ascii_only):
    text = histogram_text(histogram, width=width, ascii_only=ascii_only)
    assert {len(row) for row in rows(text)} == {width}
    assert max(map(len, text.splitlines())) == width
    assert "  " + max(map(bar, rows(text)), key=len) + "  " in text
    if ascii_only:
        assert text.isascii()


def test_every_value_has_its_count_share_and_bar(histogram):
    text = rows(histogram_text(histogram))
    assert len(text) == len(histogram.values)
    for row, value, count in zip(text, histogram.values, histogram.weights, strict=True):
        fields = row.split()
        assert fields[0] == str(value)
        assert fields[2] == f"{count:,}"
        assert fields[3] == f"{count / histogram.total:.2%}"
        assert bar(row)


def test_bars_are_proportional_to_the_eighth_of_a_character():
    room = len(bar(rows(histogram_text(facets([5] * 8)))[0]))
    text = rows(histogram_text(facets([4] + [5] * 8)))
    eighths = sum(EIGHTHS.index(mark) + 1 for mark in bar(text[0]))
    assert eighths == room


def test_gap_is_marked_but_a_regular_step_is_not():
    assert "..." in histogram_text(facets([4, 5, 9]))
    assert "..." not in histogram_text(facets([4, 6, 8]))


def test_small_share_does_not_look_like_none():
    assert "<0.01%" in histogram_text(facets([4] + [5] * 20000))


def test_volumes_have_four_digits():
    row = rows(histogram_text(facets([4, 5], [1 / 3, 1.0])))[0]
    assert row.split()[2:] == ["0.3333", "25.00%"]


def test_empty_histogram_is_a_heading():
    assert len(histogram_text(facets([])).splitlines()) == 2


def test_census_text_shows_every_number(census):
    text = census_text(census)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"{census.n_regions:,} regions of dimension 3 over the box [-1, 1]^3")
    for number in (*census.f_vector_sum, *census.facet_histogram.weights):
        assert f"{number:,}" in text
    assert f"mean {census.mean_facets:.4f} (2d = 6)" in text
    assert f"mean {census.facet_histogram_by_volume.mean:.4f}" in text
    assert "8 of 8" in text
    assert "closes" in text
    assert "complete      yes" in text


def test_part_of_a_census_says_so(census):
    record = census.to_dict()
    record["complete"] = record["certificate"]["closes"] = False
    text = census_text(Census.from_dict(record))
    assert "NO: these are the counts of a part" in text
    assert "DOES NOT CLOSE" in text


def test_rows_keep_lines_and_wrap_long_ones():
    text = rows_text({"a": "one\ntwo", "bc": "x " * 30}, width=24)
    assert text.splitlines()[:3] == ["a   one", "    two", "bc  " + "x " * 9 + "x"]
