import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection

from polyrelu.errors import InvalidInputError
from polyrelu.report.curves import curves, matrices
from polyrelu.report.figures import write_figure


def table(*, lines=("relu", "linear"), sides=("a",), n=4):
    rows = [
        {
            "t": t, "loss": 2.0**-t * (i + 1), "low": 0.5 * 2.0**-t, "high": 3.0 * 2.0**-t,
            "exact": 2.0**-t * (i + 1) + 1e-3, "net": line, "case": side,
        }
        for side in sides
        for i, line in enumerate(lines)
        for t in range(n)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def drawn(frame, **more):
    return curves(frame, x="t", y="loss", by="net", **more)


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def solid(axes):
    return [line for line in axes.lines if line.get_zorder() < 20]


def dashed(axes):
    return [line for line in axes.lines if line.get_zorder() == 20]


def test_a_line_for_each_value_in_the_order_of_x():
    frame = table().sample(frac=1, random_state=0)
    (axes,) = drawn(frame).axes
    found = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert found == {"relu": [1, 0.5, 0.25, 0.125], "linear": [2, 1, 0.5, 0.25]}


def test_theory_is_dashed_in_the_colour_of_its_line_and_named_once():
    figure = drawn(table(), oracle="exact", oracle_name="closed form")
    (axes,) = figure.axes
    assert [line.get_color() for line in dashed(axes)] == [li.get_color() for li in solid(axes)]
    assert all(line.is_dashed() for line in dashed(axes))
    assert dashed(axes)[1].get_ydata().tolist() == pytest.approx([2.001, 1.001, 0.501, 0.251])
    assert sorted(labels(figure)) == ["closed form", "linear", "relu"]


def test_theory_may_be_there_for_some_points_and_lines_only():
    frame = table()
    frame.loc[(frame["net"] == "linear") | (frame["t"] > 1), "exact"] = np.nan
    figure = drawn(frame, oracle="exact")
    (line,) = dashed(figure.axes[0])
    assert line.get_xdata().tolist() == [0, 1]
    frame["exact"] = np.nan
    assert "theory" not in labels(drawn(frame, oracle="exact"))


def test_a_band_runs_from_low_to_high():
    (axes,) = drawn(table(lines=("relu",)), low="low", high="high").axes
    (band,) = (c for c in axes.collections if isinstance(c, PolyCollection))
    heights = {round(float(v), 6) for v in band.get_paths()[0].vertices[:, 1]}
    assert heights == {0.5, 0.25, 0.125, 0.0625, 3, 1.5, 0.75, 0.375}


def test_panels_side_by_side_with_one_vertical_axis_or_their_own():
    frame = table(sides=("a", "b"))
    frame.loc[frame["case"] == "b", "loss"] *= 100
    same, own = drawn(frame, across="case"), drawn(frame, across="case", share_y=False)
    assert [axes.get_title(loc="left") for axes in same.axes] == ["a", "b"]
    assert same.axes[0].get_ylim() == same.axes[1].get_ylim()
    assert own.axes[0].get_ylim() != own.axes[1].get_ylim()
    assert len(drawn(table(sides="abcd"), across="case").axes) == 4


def test_scales_and_names_of_the_axes(tmp_path):
    figure = drawn(table(n=6), x_scale="symlog", y_scale="log", x_name="time t", y_name="loss $L$")
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("symlog", "log")
    assert figure.get_supxlabel() == "time t"
    assert figure.get_supylabel() == r"loss \$L\$"
    write_figure(figure, tmp_path / "a.svg")
    write_figure(figure, tmp_path / "b.png")


def test_few_points_have_marks_and_many_have_none():
    def mark(n):
        return drawn(table(n=n)).axes[0].lines[0].get_marker()

    assert mark(5) == "o"
    assert mark(50) in (None, "None", "")


@pytest.mark.parametrize(
    ("frame", "more", "message"),
    [
        (table().drop(columns="loss"), {}, "lacks loss"),
        (table()[:0], {}, "empty|no row"),
        (pd.concat([table(), table()]), {}, "two rows for net 'relu', t 0"),
        (table(lines="abcdefgh"), {}, "at most 7 lines"),
        (table(sides="abcde"), {"across": "case"}, "at most 4 panels"),
        (table(), {"low": "low"}, "low and high"),
        (table(), {"y_scale": "logarithmic"}, "scale is one of"),
        (table().assign(loss=0.0), {"y_scale": "log"}, "log axis"),
        (table().assign(loss=np.nan), {}, "linear axis"),
        (table().assign(loss=np.inf), {}, "infinite"),
        (table().assign(loss="much"), {}, "no number"),
        (table(), {"oracle": "case"}, "no number"),
    ],
)
def test_what_cannot_be_drawn_is_refused(frame, more, message):
    with pytest.raises(InvalidInputError, match=message):
        drawn(frame, **more)


def test_few_places_are_marked_themselves():
    frame = table(n=4)
    frame["t"] = frame["t"].map({0: 64, 1: 256, 2: 1024, 3: 16384})
    (axes,) = drawn(frame, x_scale="log").axes
    assert axes.get_xticks().tolist() == [64, 256, 1024, 16384]
    assert axes.xaxis.get_major_formatter().seq == ["64", "256", "1,024", "16,384"]
    (axes,) = drawn(table(n=40)).axes
    assert len(axes.get_xticks()) < 12
    frame["t"] = frame["t"] + 0.5
    (axes,) = drawn(frame).axes
    assert 64.5 not in axes.get_xticks()


def test_a_legend_of_names_of_unlike_length_lies_within():
    lines = ("ReLU, rank-one groups", "ReLU, random small start", "linear, random small start")
    figure = drawn(table(lines=lines), oracle="exact", oracle_name="linear nets side by side")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert figure.legends[0].get_window_extent(canvas.get_renderer()).x1 <= figure.bbox.x1 + 1


def test_nothing_lies_beyond_the_picture():
    lines = tuple(f"a rather long name of a line, {i}" for i in range(7))
    figure = drawn(table(lines=lines, sides="abcd"), across="case", oracle="exact", y_scale="log")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.legends[0].get_window_extent(canvas.get_renderer())
    assert figure.bbox.x0 - 1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1
    assert all(axes.get_window_extent().height > 40 for axes in figure.axes)


def test_matrices_are_divided_by_their_largest_entry():
    figure = matrices({"W1": [[1.0, -2.0]], "W2": [[0.0], [0.0]]}, name="weight")
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert images[0].get_array().tolist() == [[0.5, -1.0]]
    assert images[1].get_array().tolist() == [[0.0], [0.0]]
    assert all(image.get_clim() == (-1, 1) for image in images)


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ({}, "none to draw"),
        ({"W": [1.0, 2.0]}, r"'W' has shape \(2,\)"),
        ({"W": [[np.nan]]}, "finite"),
        ({str(i): [[1.0]] for i in range(7)}, "at most 6"),
    ],
)
def test_what_is_no_matrix_is_refused(shown, message):
    with pytest.raises(InvalidInputError, match=message):
        matrices(shown, name="weight")
