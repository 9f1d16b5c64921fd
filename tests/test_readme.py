"""The README's Python runs as printed."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_python_blocks_run_and_print_what_their_comments_say(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        exec(block, names)
    assert "RegionComplex(362 regions, dim 2)" in capsys.readouterr().out
    assert names["histogram"].mean == 4.0  # papers: exactly 4 in a planar box
