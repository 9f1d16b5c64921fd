import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from tidytables import effects, histograms, statistics

from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import BAR, write_figure
from polyrelu.report.panels import (
    effect_caption,
    effect_plot,
    histogram_caption,
    histogram_panels,
    ridge,
    ridge_caption,
    trend,
    trend_caption,
)

BOX = "box [-1, 1]^3"


def bars(axes):
    return {round(bar.get_x() + bar.get_width() / 2, 9): bar.get_height() for bar in axes.patches}


def vertical_lines(axes):
    return [
        line.get_xdata()[0]
        for line in axes.lines
        if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2
    ]


def legend_labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def inside(figure):
    """Whether all texts lie within the picture, and no two titles or tick labels overlap."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    page = figure.bbox
    boxes = []
    for axes in figure.axes:
        texts = [axes._left_title]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            texts += [tick.label1 for tick in ticks]
        boxes += [
            text.get_window_extent(renderer)
            for text in texts
            if text.get_visible() and text.get_text()
        ]
    for box in boxes:
        assert page.x0 - 1 <= box.x0 < box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0 < box.y1 <= page.y1 + 1
    for i, box in enumerate(boxes):
        for other in boxes[:i]:
            assert not box.padded(-1).overlaps(other.padded(-1))


def test_bars_are_means_over_seeds_of_shares():
    (axes,) = histogram_panels(histograms(), twice_dim=6).axes
    assert bars(axes) == pytest.approx({4: 3 / 8, 6: 1 / 2, 8: 1 / 8})


def test_whiskers_run_from_the_least_to_the_largest_seed():
    (axes,) = histogram_panels(histograms(), twice_dim=6).axes
    (whiskers,) = (c for c in axes.collections if isinstance(c, LineCollection))
    ends = {x: (low, high) for (x, low), (_, high) in whiskers.get_segments()}
    assert ends == {4: (0.25, 0.5), 6: (0.25, 0.75), 8: (0, 0.25)}
    alone = histogram_panels(histograms(seeds={0: {4: 1}}), twice_dim=6).axes[0]
    assert not alone.collections


def test_exact_and_sampled_stand_side_by_side():
    table = histograms(["a", "b"], ["sampled", "all"])
    figure = histogram_panels(table, twice_dim=6)
    assert legend_labels(figure) == ["all regions", "sampled regions", "2d = 6", "mean"]
    for axes in figure.axes:
        places = sorted(bars(axes))
        assert len(places) == 6
        assert [round((x + y) / 2) for x, y in zip(places[::2], places[1::2], strict=True)] == [
            4, 6, 8
        ]  # fmt: skip
        left = min(axes.patches, key=lambda bar: bar.get_x())
        assert matplotlib.colors.to_hex(left.get_facecolor()) == BAR.lower()
        assert [text.get_text() for text in axes.texts] == ["mean 5.500"] * 2


def test_two_d_and_theory_are_in_every_panel_and_axes_are_common():
    table = histograms(["a", "b", "c", "d"])
    figure = histogram_panels(table, twice_dim=11, theory={"a": 5.5, "c": 13.0})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b", "c", "d"]
    assert [vertical_lines(axes) for axes in figure.axes] == [[11, 5.5], [11], [11, 13], [11]]
    assert len({axes.get_xlim() + axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.axes[0].get_xlim()[1] > 13
    assert "theory" in legend_labels(figure)
    assert all(vertical_lines(axes) == [] for axes in histogram_panels(table, twice_dim=None).axes)


def test_panels_by_epoch_come_in_order():
    table = histograms(epochs=[10, 0, 2])
    figure = histogram_panels(table, twice_dim=6, by="epoch")
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes]
    assert titles == ["epoch 0 (initialised)", "epoch 2", "epoch 10"]


def test_shares_of_volume_are_named():
    figure = histogram_panels(histograms(weighting="volume"), twice_dim=6)
    assert figure.get_supylabel() == "share of volume"
    assert figure.get_supxlabel() == "facets per activation region (neurons' and the domain's)"


@pytest.mark.parametrize("n", [1, 2, 4, 5, 12])
def test_long_names_are_neither_cut_nor_overlap(n):
    names = [f"Xavier uniform with bias 0.01 and $ signs, 3-40-20-{i}" for i in range(n)]
    table = histograms(names, ["all", "sampled"])
    comparisons = [f"{name} - rest" for name in (names * 3)[:3]]
    figures = [
        histogram_panels(table, twice_dim=6, theory=6.1),
        ridge(table, twice_dim=6, over="setting"),
        trend(statistics(names[:7]), statistic="mean", twice_dim=6),
        trend(statistics(names, epochs=[0]), statistic="mean", x="setting", by="population"),
        effect_plot(effects().assign(comparison=comparisons, experiment=list("abc"))),
    ]
    for figure in figures:
        inside(figure)
        assert figure.get_figwidth() == 5.2


def test_caption_of_histograms_says_it_all():
    table = histograms(["a", "b"], ["all", "sampled"], epochs=[7])
    table = table[(table["setting"] == "a") | (table["seed"] == 0)]
    caption = histogram_caption(table, twice_dim=6, domain=BOX, theory=5.25, n_points=8000)
    for words in (
        "Facets per activation region (neurons' and the domain's): share of regions.",
        "mean over seeds, whiskers from the least to the largest seed",
        "2d = 6",
        "theory 5.2500",
        "all regions; sampled: the regions that 8,000 uniform points meet, each once",
        "Weighting: every region weighs one.",
        f"Domain: {BOX}.",
        "Epoch 7.",
        "Seeds: 2 (0, 1); b: 1.",
        "4 (all), 4 (sampled)",
    ):
        assert words in caption
    volume = histograms(weighting="volume", counted="neuron facets", seeds={3: {4: 1.5}})
    caption = histogram_caption(volume, twice_dim=None, domain=BOX)
    assert "a region weighs its volume" in caption
    assert "neurons' only" in caption
    assert "Seeds: 1 (3)." in caption
    assert "initialised" in caption
    assert not any(words in caption for words in ("2d", "whiskers", "sampled", "Regions in"))


def test_histograms_of_two_kinds_or_epochs_are_told_apart():
    both = pd.concat([histograms(), histograms(counted="neuron facets")])
    words = "facets or neuron facets per activation region"
    figure = histogram_panels(both, twice_dim=6, series="counted")
    assert figure.get_supxlabel() == words
    assert legend_labels(figure)[:2] == ["facets", "neuron facets"]
    for table, series in ((both, "counted"), (histograms(epochs=[0, 9]), "epoch")):
        caption = histogram_caption(table, twice_dim=6, domain=BOX, series=series)
        assert "Regions in a histogram: 4 (all)." in caption
    assert words.capitalize() in histogram_caption(both, twice_dim=6, domain=BOX, series="counted")
    table = pd.concat([statistics(), statistics().assign(counted="vertices")])
    assert trend(table, statistic="mean", by="counted").axes[0].get_ylabel() == (
        "mean (facets or\nvertices)"
    )


def test_long_thin_tails_are_told_and_not_drawn():
    counts = {0: {4: 6000, 6: 3981, 8: 15, 75: 4}, 1: {4: 1, 6: 1}}
    table = histograms(seeds=counts, counted="simplices")
    ((axes,), (below,)) = (
        draw(table, twice_dim=None, **kind).axes
        for draw, kind in ((histogram_panels, {}), (ridge, {"over": "setting"}))
    )
    assert 6 < axes.get_xlim()[1] < 10
    assert 6 < below.get_xlim()[1] < 10
    assert axes.texts[0].get_text().endswith(", max 75")
    words = "The axis ends at 6, with at most 0.2% beyond; the largest is 75."
    assert words in histogram_caption(table, twice_dim=None, domain=BOX)
    assert words in ridge_caption(table, twice_dim=None, domain=BOX, over="setting")
    short = histograms(seeds={0: {4: 6000, 6: 3999, 8: 1}})
    assert histogram_panels(short, twice_dim=None).axes[0].get_xlim()[1] > 8


def test_captions_take_seeds_from_the_table():
    table = histograms(epochs=[0, 5], seeds={4: {4: 1}, 5: {4: 1}, 6: {4: 2}, 7: {6: 1}})
    caption = ridge_caption(table, twice_dim=6, domain=BOX)
    assert "Seeds: 4 (4 to 7)." in caption
    assert "Epochs 0, 5." in caption
    caption = trend_caption(statistics(names=["entropy"]), statistic="entropy", domain=BOX)
    assert caption.startswith("Entropy (facets), over epoch. Marks: mean over seeds; band or bar: ")
    for words in ("Population: all regions.", "every region weighs one", BOX, "Seeds: 3 (0 to 2)."):
        assert words in caption
    caption = effect_caption(effects(), domain=BOX, effect="difference", interval="95 % interval")
    for words in ("Difference of: entropy (facets).", "95 % interval", BOX, "Seeds: 5."):
        assert words in caption


def test_ridge_has_unsmoothed_steps_to_one_scale():
    table = histograms(["a", "b"], epochs=[0])
    table.loc[(table["setting"] == "b") & (table["value"] == 8), "weight"] = 5  # seed 1: 2, 1, 5
    figure = ridge(table, twice_dim=6, over="setting", theory={"b": 7.0})
    (axes,) = figure.axes
    a, b = (fill.get_paths()[0].vertices for fill in axes.collections)
    expected_b = [(1 / 4 + 2 / 8) / 2, (3 / 4 + 1 / 8) / 2, (0 + 5 / 8) / 2]
    scale = a[:, 1].max() / (1 / 2)
    assert 0.8 < scale * max(expected_b) < 1  # the highest step of all stays in its row
    for foot, outline, shares in ((0, a, [3 / 8, 1 / 2, 1 / 8]), (-1, b, expected_b)):
        heights = np.unique(outline[:, 1].round(9))
        assert heights == pytest.approx(sorted({foot, *(foot + scale * s for s in shares)}))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert vertical_lines(axes).count(6) == 1
    assert vertical_lines(axes).count(7) == 1
    marks = [
        (*line.get_xdata(), *line.get_ydata()) for line in axes.lines if line.get_marker() == "^"
    ]
    assert [x for x, _ in marks] == pytest.approx([5.5, np.dot([4, 6, 8], expected_b)])


def test_ridge_goes_down_over_epochs_with_populations_beside():
    table = histograms(populations=["sampled", "all"], epochs=[10, 0, 2])
    figure = ridge(table, twice_dim=6)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "all regions",
        "sampled regions",
    ]
    ticks = dict(zip(figure.axes[0].get_yticks(), figure.axes[0].get_yticklabels(), strict=True))
    names = [ticks[y].get_text().split()[1] for y in sorted(ticks, reverse=True)]
    assert names == ["0", "2", "10"]


def test_trend_is_the_mean_with_a_band():
    figure = trend(statistics(["a", "b"]), statistic="mean", twice_dim=6, theory=6.5)
    (axes,) = figure.axes
    a, b, twice, theory = axes.lines
    assert a.get_xdata().tolist() == [0, 1, 10]
    assert a.get_ydata() == pytest.approx([0.1, 1.1, 10.1])
    assert b.get_ydata() == pytest.approx([1.1, 2.1, 11.1])
    assert (twice.get_ydata()[0], theory.get_ydata()[0]) == (6, 6.5)
    outline = axes.collections[0].get_paths()[0].vertices
    assert {tuple(p) for p in outline.round(6)} >= {(0, 0), (0, 0.2), (10, 10), (10, 10.2)}
    assert legend_labels(figure) == ["a", "b", "2d = 6", "theory"]


def test_trend_takes_the_band_of_the_table():
    table = statistics().assign(low=-5.0, high=25.0)
    (axes,) = trend(table, statistic="mean").axes
    outline = axes.collections[0].get_paths()[0].vertices
    assert (outline[:, 1].min(), outline[:, 1].max()) == (-5, 25)
    caption = trend_caption(table, statistic="mean", domain=BOX, interval="95 % interval")
    assert "band or bar: 95 % interval" in caption
    table.loc[0, "low"] = -6.0
    with pytest.raises(InvalidInputError, match="low and high"):
        trend(table, statistic="mean")


def test_statistics_have_rows_and_populations_columns():
    table = statistics(populations=["all", "sampled"], names=["mean", "entropy"])
    figure = trend(table, statistic=["mean", "entropy"], across="population", twice_dim=6)
    above, below = figure.axes[:2], figure.axes[2:]
    assert above[0].get_ylim() == above[1].get_ylim() != below[0].get_ylim()
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1, 1]  # 2d is a mark for means
    assert [axes.get_ylabel() for axes in (above[0], below[0])] == [
        "mean (facets)",
        "entropy (facets)",
    ]


def test_labels_on_the_axis_are_not_joined():
    table = statistics(["shallow", "deep"], ["all", "sampled"], epochs=[0])
    (axes,) = trend(table, statistic="mean", x="setting", by="population").axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["shallow", "deep"]
    for marks in axes.lines:
        assert marks.get_linestyle() == "None"
        found = dict(zip(np.round(marks.get_xdata()), marks.get_ydata(), strict=True))
        assert found == pytest.approx({0: 0.1, 1: 1.1})


def test_effects_are_full_where_the_interval_leaves_out_zero():
    (axes,) = effect_plot(effects()).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "wide - narrow", "deep - flat", "one seed"
    ]  # fmt: skip
    assert 0 in vertical_lines(axes)
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [float(mark.get_xdata()[0]) for mark in marks] == [0.5, -0.1, 0.3]
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, True, True]
    heights = [float(mark.get_ydata()[0]) for mark in marks]
    assert heights == sorted(heights, reverse=True)
    spans = [line.get_xdata() for line in axes.lines if line.get_ydata()[0] in heights]
    assert [list(x) for x in spans if len(x) == 2] == [[0.2, 0.8], [-0.3, 0.1]]


def test_effects_of_several_experiments_have_headings():
    table = effects().assign(experiment=["depth", "depth", "bias"])
    (axes,) = effect_plot(table).axes
    bold = [t.get_text() for t in axes.get_yticklabels() if t.get_fontweight() == "bold"]
    assert bold == ["depth", "bias"]


@pytest.mark.parametrize("size", [1e-4, 2e-3, 0.03, 5.0, 3e5])
def test_numbers_below_small_and_large_effects_stand_apart(size):
    sides = [
        effects().assign(
            statistic=name, **{c: effects()[c] * size for c in ("effect", "low", "high")}
        )
        for name in ("mean", "std", "largest")
    ]
    inside(effect_plot(pd.concat(sides)))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="seed"), "lacks seed"),
        (lambda t: t[:0], "empty"),
        (lambda t: t.assign(weight=-1.0), "not negative"),
        (lambda t: t.assign(weight=0.0), "without weight"),
        (lambda t: t.assign(value=4), "two bars"),
        (lambda t: t.assign(epoch=range(len(t))), "one epoch at a time"),
        (lambda t: t.assign(weighting=["count", "volume", "count", "count", "count"]), "weighting"),
        (lambda _: histograms([f"{i}" for i in range(25)]), "at most 24"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_drawn_are_refused(spoil, message):
    for draw in (histogram_panels, ridge):
        kind = {"over": "setting"} if draw is ridge else {}
        with pytest.raises(InvalidInputError, match=message):
            draw(spoil(histograms()), twice_dim=6, **kind)


def test_theory_of_what_is_not_drawn_is_refused():
    with pytest.raises(InvalidInputError, match="'Xaver'"):
        histogram_panels(histograms(), twice_dim=6, theory={"Xaver": 6.0})
    with pytest.raises(InvalidInputError, match="mapping"):
        trend(statistics(names=["mean", "max"]), statistic=["mean", "max"], theory=6.0)


def test_trends_and_effects_that_cannot_be_drawn_are_refused():
    with pytest.raises(InvalidInputError, match="the table has mean"):
        trend(statistics(), statistic="median")
    with pytest.raises(InvalidInputError, match="there twice"):
        trend(statistics().assign(epoch=0), statistic="mean")
    with pytest.raises(InvalidInputError, match="one population"):
        trend(statistics(populations=["all", "sampled"]), statistic="mean")
    with pytest.raises(InvalidInputError, match="at most 7 lines"):
        trend(statistics([f"{i}" for i in range(8)]), statistic="mean")
    with pytest.raises(InvalidInputError, match="two effects"):
        effect_plot(effects().assign(comparison="same"))


def test_figures_are_the_same_whatever_the_settings(tmp_path):
    table = histograms(["a", "b"], ["all", "sampled"])
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True}):
        write_figure(histogram_panels(table, twice_dim=6), tmp_path / "second.svg")
    write_figure(histogram_panels(table, twice_dim=6), tmp_path / "first.svg")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
