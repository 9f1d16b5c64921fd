"""Look through a built site: every link inside leads somewhere, and nothing is loaded from outside.

Run: ``python tests/docs/check_site.py out/docs``; prints what is wrong, a line each, and exits with
1 if there is something. Links that leave the site are Sphinx's ``-b linkcheck``, which needs the
network.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
IN_CSS = re.compile(r"url\(\s*['\"]?(?!data:)([^'\")]+)|@import\s+['\"]([^'\"]+)")
FOLLOWED = {"canonical", "search", "index", "next", "prev", "genindex", "author", "copyright"}


class Page(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in a tag."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        loaded = values.get(LOADING.get(tag, ""))
        if loaded and not FOLLOWED & set(values.get("rel", "").split()):
            self.loads.append(loaded)
            self.loads += [part.split()[0] for part in values.get("srcset", "").split(",") if part]
        elif tag in ("a", "link") and "href" in values:
            self.links.append(values["href"])


@cache
def page(path: Path) -> Page:
    """A page, read once."""
    return Page(path.read_text(encoding="utf-8"))


def faults(site: Path) -> Iterator[str]:
    """What is wrong with the site in this folder, in words."""
    for path in sorted(site.rglob("*.html")):
        where = path.relative_to(site)
        for address in page(path).loads:
            if urlsplit(address).netloc:
                yield f"{where}: loads {address}"
        for address in (*page(path).loads, *page(path).links):
            reason = missing(address, path)
            if reason:
                yield f"{where}: {reason}"
    for path in sorted(site.rglob("*.css")):
        for found in IN_CSS.findall(path.read_text(encoding="utf-8")):
            address = "".join(found)
            if urlsplit(address).netloc:
                yield f"{path.relative_to(site)}: loads {address}"


def missing(address: str, path: Path) -> str:
    """What is not there of a link on the page with this path; empty if all is well."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return f"{address} is not there"
    anchor = unquote(parts.fragment)
    if anchor and target.suffix == ".html" and anchor not in page(target).anchors:
        return f"{address}: no such place on the page"
    return ""


def main(folder: str) -> int:
    """Print what is wrong."""
    site = Path(folder)
    pages = list(site.rglob("*.html"))
    found = list(faults(site))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(pages)} pages, {len(found)} faults")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
