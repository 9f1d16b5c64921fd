"""Code blocks of a page, in order, and how each is run.

python   runs in a namespace that all blocks of the page share
pycon    a doctest in the same namespace: ``>>>`` is run, and what follows must be printed
console  ``$`` is run by the shell (polyrelu itself in this process), and what follows must be
         printed; a line ``...`` stands for any lines
toml     begins with a comment that is a file's name: written there
text     anything else is shown, not run; calls of polyrelu in it need to be well-formed
"""

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from polyrelu.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(```+)[ \t]*(\S*)[^\n]*\n(.*?)^\1[ \t]*$", re.M | re.S)
RUN = ("python", "pycon", "console", "toml")
SHOWN = ("text", "")
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    kind: str
    text: str


def pages() -> list[Path]:
    """All pages of the site that are written by hand, and those that the site includes."""
    made = {"_build", "_made", "_static", "_templates", "lessons", "modules", "tutorials"}
    found = sorted((ROOT / "docs").rglob("*.md"))
    return [p for p in found if not made & set(p.relative_to(ROOT / "docs").parts)]


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page; directives in braces are Sphinx's."""
    content, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    return [
        Block(name, content[: match.start()].count("\n") + 1, match[2], match[3])
        for match in FENCE.finditer(content)
        if not match[2].startswith("{")
    ]


def run(block: Block, names: dict[str, object]) -> list[str]:
    """Run a block in the current folder; what is wrong with it, in words."""
    place = f"{block.page}:{block.line}"
    if block.kind == "python":
        exec(compile(block.text, place, "exec"), names)
        return []
    if block.kind == "toml":
        name = re.match(r"# (\S+\.toml)\n", block.text)
        Path(name[1]).write_text(block.text, encoding="utf-8")
        return []
    if block.kind == "console":
        return [
            f"{place}: $ {command}\nexpected:\n{wanted}got:\n{got}"
            for command, wanted in commands(block.text)
            if not is_as_shown(wanted, got := printed(command))
        ]
    test = doctest.DocTestParser().get_doctest(block.text, {}, place, block.page, block.line)
    test.globs = names  # not a copy: the next block goes on with them
    said = io.StringIO()
    runner = doctest.DocTestRunner(CHECKER, verbose=False, optionflags=FLAGS)
    runner.run(test, out=said.write, clear_globs=False)
    return [said.getvalue()] if runner.failures else []


def commands(text: str) -> list[tuple[str, str]]:
    """Commands of a console block, each with what it is to print."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.M)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def is_as_shown(wanted: str, got: str) -> bool:
    """Whether a command printed what the page shows; a line of three dots may be no line."""
    if wanted.endswith("...\n"):
        wanted, got = wanted.removesuffix("\n"), got + "\n"
    if wanted.startswith("...\n"):
        wanted, got = wanted.replace("...\n", "...", 1), "\n" + got
    return not wanted or CHECKER.check_output(wanted, got, FLAGS)


def printed(command: str) -> str:
    """What a command prints on standard output. It must succeed."""
    words = shlex.split(command)
    if words[0] == "polyrelu" and "|" not in words:
        output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()) as error:
            code = main(words[1:])
        assert code == 0, f"$ {command}\nexit code {code}: {error.getvalue()}"
        output.seek(0)
        return output.read()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stderr}"
    return done.stdout
