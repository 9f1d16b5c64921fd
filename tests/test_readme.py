"""The README's Python runs as printed, and its numbers are those of the program."""

import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt

from polyrelu import Box, count_faces, load
from polyrelu.report.text import census_text

ROOT = Path(__file__).resolve().parents[1]


def test_python_blocks_run_and_print_what_their_comments_say(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    matplotlib.use("Agg")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        exec(block, names)
    plt.close("all")
    assert "RegionComplex(362 regions, dim 2)" in capsys.readouterr().out
    assert names["histogram"].mean == 4.0  # papers: exactly 4 in a planar box


def test_no_placeholder_is_left():
    assert re.findall(r"\b[A-Z]+_TABLE\b", (ROOT / "README.md").read_text()) == []


def test_demo_prints_what_the_readme_shows():
    pattern = r"^    ((?:by region|by volume|f-vector sum|volume) .*)$"
    shown = re.findall(pattern, (ROOT / "README.md").read_text(), re.M)
    printed = census_text(count_faces(load(ROOT / "data/compas_4.npz"), Box(-1, 1))).splitlines()
    assert len(shown) == 4
    assert set(shown) <= set(printed)
