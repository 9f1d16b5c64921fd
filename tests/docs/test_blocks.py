"""Every code block of the documentation runs, and prints what the page shows."""

import re
import shlex
import subprocess

import click
import matplotlib.pyplot
import pytest
from docs.blocks import ROOT, RUN, SHOWN, blocks, commands, is_as_shown, pages, run

import polyrelu as pr
from polyrelu.cli.main import polyrelu

PAGES = pages()
IDS = [str(path.relative_to(ROOT / "docs")) for path in PAGES]
EVERYWHERE = [*PAGES, ROOT / "README.md"]
# A page may need what not every installation has.
NEEDS = {
    "how-to/checkpoint.md": ["onnx", "sklearn", "torch"],
    "how-to/explore.md": ["plotly"],
    "how-to/export.md": ["trimesh"],
    "how-to/slices.md": ["safetensors", "sklearn"],
    "how-to/training.md": ["sklearn", "torch"],
}


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty folder that sees the project's data, for one page."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_blocks_of_a_page_run_in_order_and_print_what_it_shows(path, scratch):
    for module in NEEDS.get(str(path.relative_to(ROOT / "docs")), ()):
        pytest.importorskip(module)
    names = {"__name__": "page"}
    wrong = [fault for block in blocks(path) if block.kind in RUN for fault in run(block, names)]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("path", EVERYWHERE, ids=[*IDS, "README.md"])
def test_every_block_says_what_it_is(path):
    kinds = {block.kind for block in blocks(path)}
    assert kinds <= {*RUN, *SHOWN}, f"{path}: {kinds}"


def shown_calls():
    """Calls of polyrelu that pages and README show without running them."""
    for path in EVERYWHERE:
        content = path.read_text(encoding="utf-8")
        for fenced in blocks(path):
            content = content.replace(fenced.text, fenced.text if fenced.kind in SHOWN else "")
        for call in re.findall(r"^(?: {4})?(?:\.venv/bin/)?(polyrelu [^`\n]*)$", content, re.M):
            yield pytest.param(re.split(r" {2,}|\s#", call)[0], id=f"{path.name}:{call[:60]}")


@pytest.mark.parametrize("call", list(shown_calls()))
def test_calls_that_are_only_shown_have_the_options_of_the_program(call):
    _, verb, *words = shlex.split(call.replace("…", ""))
    command = polyrelu.commands[verb]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_shown_calls_are_found():
    assert len(list(shown_calls())) >= 10


def test_the_reference_has_the_help_of_every_command():
    page = (ROOT / "docs/reference/commands.md").read_text()
    shown = re.findall(r"_made/help/(\S+)\.txt", page)
    context = click.Context(polyrelu)
    assert sorted(shown) == sorted(["polyrelu", *polyrelu.list_commands(context)])


def test_the_command_of_the_start_page_runs_what_the_page_says():
    shown = [block.text.strip() for block in blocks(ROOT / "docs/index.md") if block.kind == "text"]
    make, count = shown[0].split(), shown[1]
    planned = subprocess.run([make[0], "-n", *make[1:]], cwd=ROOT, capture_output=True, text=True)
    assert count in planned.stdout.splitlines(), planned


def test_the_reference_has_every_public_name():
    page = (ROOT / "docs/reference/python.md").read_text()
    table = page[page.index("| name |") : page.index("These names")]
    names = re.findall(r"(?<!{term})`(\w+)(?: <[\w.]+>)?`", table)
    assert sorted(names) == sorted(pr.__all__)


def test_the_reference_has_every_key_of_a_record():
    page = (ROOT / "docs/reference/files.md").read_text()
    table = page[: page.index("With `--through`")]
    square = pr.Network.from_arrays([[[1, 0]], [[1]]])
    keys = pr.count_faces(square, pr.Box(-1, 1)).to_dict()
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(keys)


def test_a_wrong_page_is_noticed(scratch):
    page = scratch / "page.md"
    page.write_text("```pycon\n>>> 1 + 1\n3\n```\n\n```console\n$ echo one\ntwo\n```\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docs.blocks.ROOT", scratch)
        doctest, console = blocks(page)
    assert "Expected" in run(doctest, {})[0]
    assert "two" in run(console, {})[0]


@pytest.mark.parametrize(
    ("wanted", "got", "same"),
    [
        ("one\n...\n", "one\ntwo\nthree\n", True),
        ("one\n...\n", "one\n", True),
        ("...\ntwo\n", "one\ntwo\n", True),
        ("...\ntwo\n", "two\n", True),
        ("one\n...\nthree\n", "one\ntwo\nthree\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n...\nfour\n", "one\ntwo\n", False),
    ],
)
def test_three_dots_stand_for_lines(wanted, got, same):
    assert is_as_shown(wanted, got) is same


def test_commands_are_told_from_what_they_print():
    assert commands("$ a b\n1\n2\n$ c\n") == [("a b", "1\n2\n"), ("c", "")]
