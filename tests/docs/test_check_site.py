"""The look through the built site finds what is wrong with it."""

import pytest
from docs.check_site import faults, main, page

GOOD = '<p id="here"><a href="#here">x</a> <a href="b.html#there">y</a> <img src="i.svg"></p>'


@pytest.fixture
def site(tmp_path):
    page.cache_clear()
    (tmp_path / "b.html").write_text('<p id="there"><a href="https://example.org">out</a></p>')
    (tmp_path / "i.svg").write_text("<svg/>")
    return tmp_path


def test_a_good_site_has_no_fault(site, capsys):
    (site / "a.html").write_text(GOOD)
    assert main(site) == 0
    assert capsys.readouterr().out == "2 pages, 0 faults\n"


@pytest.mark.parametrize(
    "bad",
    [
        '<a href="c.html">gone</a>',
        '<a href="b.html#nowhere">gone</a>',
        '<a href="#nowhere">gone</a>',
        '<img src="gone.png">',
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example.org/css">',
    ],
)
def test_a_fault_is_found(site, bad):
    (site / "a.html").write_text(GOOD + bad)
    assert len(list(faults(site))) == 1


def test_fonts_of_other_hosts_are_found(site):
    (site / "a.css").write_text("@font-face { src: url(https://fonts.example.org/f.woff2) }")
    assert len(list(faults(site))) == 1


def test_a_folder_without_pages_is_no_site(tmp_path):
    assert main(tmp_path) == 1
