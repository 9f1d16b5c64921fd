/* The histogram of facets: bars are buttons, and a pressed bar lights its regions up. */

class Histogram {
  constructor(host, onBrush) {
    this.host = host;
    this.onBrush = onBrush;
    this.brush = null; // whether the pointer presses or releases the bars that it passes
    host.addEventListener("pointerdown", (event) => this.start(event));
    host.addEventListener("pointermove", (event) => this.pass(event));
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, () => (this.brush = null));
    }
    host.addEventListener("click", (event) => {
      // A pointer has done its work when it went down; keys and screen readers only click.
      const bar = event.target.closest("button");
      if (bar && event.detail === 0) this.set(bar, bar.getAttribute("aria-pressed") !== "true");
    });
    host.addEventListener("keydown", (event) => this.move(event));
  }

  show(partition, brushed) {
    if (this.partition !== partition) this.build(partition);
    this.partition = partition;
    this.host.classList.toggle("brushed", brushed.size > 0);
    for (const bar of this.host.children) {
      bar.setAttribute("aria-pressed", brushed.has(+bar.dataset.facets));
    }
  }

  build(partition) {
    const counts = new Map();
    for (let r = 0; r < partition.n; r++) {
      counts.set(partition.nFacets(r), (counts.get(partition.nFacets(r)) || 0) + 1);
    }
    const values = [...counts.keys()].sort((a, b) => a - b);
    const most = Math.max(...counts.values());
    const colours = scaleOf("facets", partition).colours;
    const active = this.host.querySelector("[tabindex='0']")?.dataset.facets;
    const hadFocus = this.host.contains(document.activeElement);
    const few = values.length <= 10;
    this.host.replaceChildren(
      ...values.map((value) => {
        const n = counts.get(value);
        const share = ((100 * n) / partition.n).toPrecision(3);
        const bar = element("button", { type: "button", class: "bar", "data-facets": value, "data-count": n });
        bar.setAttribute("aria-label", `${value} facets: ${counted(n, "region", "regions")}, ${+share} %`);
        bar.title = bar.getAttribute("aria-label");
        bar.tabIndex = -1;
        const column = element("span", { class: "column" });
        column.append(
          element("span", { class: "count" }, few ? shortCount(n) : ""),
          element("span", { class: "fill" })
        );
        column.lastChild.style.height = `${(78 * n) / most}%`;
        column.lastChild.style.background = colours[value];
        bar.append(column, element("span", { class: "value" }, value));
        return bar;
      })
    );
    this.host.classList.toggle("dense", values.length > 16);
    const bars = [...this.host.children];
    const entry = bars.find((bar) => bar.dataset.facets === active) || bars[0];
    if (entry) entry.tabIndex = 0;
    if (hadFocus && entry) entry.focus();
  }

  set(bar, pressed) {
    this.host.querySelectorAll("[tabindex='0']").forEach((other) => (other.tabIndex = -1));
    bar.tabIndex = 0;
    if ((bar.getAttribute("aria-pressed") === "true") === pressed) return;
    this.onBrush(+bar.dataset.facets, pressed);
  }

  start(event) {
    const bar = event.target.closest("button");
    if (!bar || event.button) return;
    this.brush = bar.getAttribute("aria-pressed") !== "true";
    this.set(bar, this.brush);
  }

  pass(event) {
    if (this.brush === null) return;
    const bar = document.elementFromPoint(event.clientX, event.clientY)?.closest(".bar");
    if (bar && this.host.contains(bar)) this.set(bar, this.brush);
  }

  move(event) {
    const bars = [...this.host.children];
    const at = bars.indexOf(event.target);
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = bars[Math.max(0, Math.min(bars.length - 1, steps[event.key]))];
    bars[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

function shortCount(n) {
  return n < 10000 ? String(n) : `${+(n / 1000).toPrecision(3)}k`;
}

function element(tag, attributes = {}, text) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
