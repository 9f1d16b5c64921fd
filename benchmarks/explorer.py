"""How long the explorer's page takes from opening to drawn, in a headless Chromium.

The table has the size of the page, the time until the page is drawn (median of five loads), and the
time of one drawing of the map, as while it is panned. Run: ``python benchmarks/explorer.py``.
"""

import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from nets import random_network
from playwright.sync_api import sync_playwright

from polyrelu import Box
from polyrelu.explorer import explore

N_LOADS, N_DRAWINGS = 5, 20
CASES = [((2, 24, 16, 1), 1), ((2, 64, 52, 1), 4), ((2, 110, 110, 1), 4)]
DRAWN = """
new MutationObserver(() => {
  if (document.documentElement.dataset.ready && !window.awaited) {
    window.awaited = requestAnimationFrame(() =>
      setTimeout(() => { document.documentElement.dataset.drawn = performance.now(); }));
  }
}).observe(document, { attributes: true, subtree: true });
"""
REDRAW = """n => {
  const { map } = window.polyrelu.page;
  const start = performance.now();
  for (let k = 0; k < n; k++) {
    map.draw();
    map.canvas.getContext("2d").getImageData(0, 0, 1, 1);
  }
  return (performance.now() - start) / n;
}"""


def main() -> None:
    """Print one line per network."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    print("network          regions  all depths  page/MB  drawn/s  redraw/ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        for sizes, reach in CASES:
            path = Path(folder, "page.html")
            written = explore(random_network(*sizes), Box(-reach, reach), path)
            loads = []
            for _ in range(N_LOADS):
                view = browser.new_page(viewport={"width": 1280, "height": 900})
                view.add_init_script(DRAWN)
                view.goto(path.as_uri())
                view.wait_for_selector("html[data-drawn]")
                loads.append(float(view.get_attribute("html", "data-drawn")) / 1000)
                n_regions = int(view.get_attribute("#map", "data-regions"))
                redraw = view.evaluate(REDRAW, N_DRAWINGS)
                view.close()
            print(
                f"{'-'.join(map(str, sizes)):15}  {n_regions:7,}  {written.n_regions:10,}  "
                f"{written.n_bytes / 1e6:7.1f}  {median(loads):7.2f}  {redraw:9.1f}"
            )
        browser.close()


if __name__ == "__main__":
    main()
