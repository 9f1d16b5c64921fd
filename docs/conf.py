"""The documentation site: `make docs` writes it into out/docs. Nothing in it needs the network."""

from __future__ import annotations

import os
import re
from contextlib import redirect_stdout
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

import polyrelu
from polyrelu.cli.main import main
from polyrelu.cli.main import polyrelu as command_line

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
LOG = logging.getLogger(__name__)
TABLE = re.compile(r"^\|.*\|\n\|[-|]+\|\n(?:\|.*\|(?:\n|$))+", re.M)
MADE = HERE / "_made"  # what the program itself contributes: pictures, help texts; not committed

project = "polyrelu"
author = "the authors of polyrelu"
version = release = polyrelu.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
# Sources of lessons are Python, and decisions' index is ours; what is made is included, not read.
exclude_patterns = ["tutorials/**", "gallery/**", "_made/**", "_templates/**"]
highlight_language = "none"  # an indented block is text unless it says more
default_role = "py:obj"  # `name` in docstrings: a link if there is something to link to
templates_path = ["_templates"]

# Markdown
myst_enable_extensions = ["deflist", "dollarmath", "attrs_inline", "colon_fence"]
myst_heading_anchors = 3

# Reference
autosummary_generate = True
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"  # the docstrings say types and shapes
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False  # autodoc lists them, with their docstrings
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = False

# Lessons: every one is executed, and an error in one ends the build
sphinx_gallery_conf = {
    "examples_dirs": ["tutorials"],
    "gallery_dirs": ["lessons"],
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib",),
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "min_reported_time": 3600,
    "show_memory": False,
    "show_signature": False,
}

# Pages
html_theme = "furo"
html_title = "polyrelu"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_copyright = False
html_math_renderer = "mathml"
pygments_style = "tango"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = False

# Only `-b linkcheck` follows links that leave the site; it needs the network.
linkcheck_timeout = 20
linkcheck_retries = 2


def setup(app: Sphinx) -> None:
    """Formulas as MathML, docstrings as reST, and what the program itself draws and says."""
    app.add_html_math_renderer("mathml", (_inline_formula, None), (_formula, None))
    app.connect("builder-inited", _what_the_program_makes)
    app.connect("autodoc-process-docstring", _as_rest, priority=400)  # numpydoc's is 500


def _inline_formula(writer: nodes.NodeVisitor, node: nodes.math) -> None:
    writer.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def _formula(writer: nodes.NodeVisitor, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{_mathml(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def _mathml(node: nodes.Element, *, as_block: bool) -> str:
    """A formula as browsers know it. What the converter does not know is a warning of the build."""
    try:
        return tex2mathml(re.sub(r"\\dots\b", r"\\ldots", node.astext()), as_block=as_block)
    except MathError as error:
        LOG.warning("formula %r: %s", node.astext(), error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def _as_rest(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """A docstring as written, for help() and the terminal, becomes what reST means by it."""
    text = TABLE.sub(_list_table, "\n".join(lines))
    if what == "module":  # whose functions cite what it lists
        text = re.sub(r"^\.\. \[\d+\] ", "#. ", text, flags=re.M)
    if not re.search(r"^ *\.\. \[\d", text, re.M):
        text = re.sub(r"\[(\d+)\]_", r"[\1]", text)
    lines[:] = text.split("\n")
    literal = -1  # indentation of the paragraph that announced a literal block
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= literal:
            literal = -1
        if literal < 0 and not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``)", line)  # |x| is no substitution
            lines[i] = "".join(p if p.startswith("``") else p.replace("|", "\\|") for p in parts)
        if literal < 0 and line.rstrip().endswith("::"):
            literal = indent


def _list_table(found: re.Match[str]) -> str:
    """A table of Markdown as a table of reST."""
    rows = [line.strip()[1:-1].split("|") for line in found[0].splitlines() if line.strip()]
    table = ["", ".. list-table::", "   :header-rows: 1", ""]
    for row in [rows[0], *rows[2:]]:
        table += [f"   {'* ' if k == 0 else '  '}- {cell.strip()}" for k, cell in enumerate(row)]
    return "\n".join([*table, "", ""])


def _what_the_program_makes(app: Sphinx) -> None:
    """The first picture, made by the command that the start page gives; help of every command."""
    first = ["count", str(HERE.parent / "data/compas_2.npz"), "--box", "-1", "1"]
    text, picture = MADE / "help", MADE / "first/partition.svg"
    os.makedirs(MADE, exist_ok=True)
    with redirect_stdout(StringIO()):
        code = main([*first, "--out", str(picture.parent), "--quiet"])
    if code or not picture.exists():
        raise RuntimeError("the first picture of the start page could not be made")
    text.mkdir(parents=True, exist_ok=True)
    context = command_line.make_context("polyrelu", [], resilient_parsing=True)
    with context:
        _write(text / "polyrelu.txt", command_line.get_help(context))
        for name in command_line.list_commands(context):
            command = command_line.commands[name]
            with command.make_context(name, [], parent=context, resilient_parsing=True) as inner:
                _write(text / f"{name}.txt", command.get_help(inner))


def _write(path: Path, text: str) -> None:
    """Write a file, unless it holds this text already: Sphinx reads again what is newer."""
    if not path.exists() or path.read_text(encoding="utf-8") != f"{text}\n":
        path.write_text(f"{text}\n", encoding="utf-8")
