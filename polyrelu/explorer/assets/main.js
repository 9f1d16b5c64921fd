/* The page: one state, and everything on the page is shown from it. */

const at = (id) => document.getElementById(id);

class Page {
  constructor(book) {
    this.book = book;
    this.unpacked = new Map();
    this.start = initialState(book);
    this.snapshots = snapshotsOf(book);
    this.depths = [...new Set(book.partitions.map((p) => p.depth))];
    [this.state, this.wanted] = fromLink(location.hash.slice(1), this.start, book);
    const events = {
      onSelect: (region) => this.update({ selected: region }),
      onHover: (region, event) => this.hover(region, event),
      onView: (view) => this.update({ view }),
      onIsolate: () => this.update({ isolated: !this.state.isolated }),
    };
    this.map = new (book.dim === 2 ? PlaneMap : SpaceMap)(at("map"), book, events);
    this.histogram = new Histogram(at("histogram"), (count, pressed) => {
      const brushed = new Set(this.state.brushed);
      if (pressed) brushed.add(count);
      else brushed.delete(count);
      this.update({ brushed });
    });
  }

  open() {
    document.title = this.book.title;
    this.controls();
    return this.map.start(this.state).then(() => {
      this.readRegion();
      this.update({});
      document.documentElement.dataset.ready = "true";
    });
  }

  /* The region that a link names. */
  readRegion() {
    if (this.wanted !== null) this.state.selected = this.partition().withKey(this.wanted === "0" ? "" : this.wanted);
    this.wanted = null;
  }

  partition() {
    const epoch = this.snapshots[this.state.snapshot];
    const k = this.book.partitions.findIndex((p) => p.epoch === epoch && p.depth === this.state.depth);
    if (!this.unpacked.has(k)) this.unpacked.set(k, new Partition(this.book.partitions[k], this.book));
    return this.unpacked.get(k);
  }

  update(changes) {
    const before = this.partition();
    const { selected } = this.state;
    Object.assign(this.state, changes);
    const partition = this.partition();
    if (partition !== before) {
      this.state.hovered = -1;
      this.state.selected = selected >= 0 ? this.carried(before, selected, partition) : -1;
    }
    if (this.state.selected < 0) this.state.isolated = false;
    this.show(partition);
  }

  /* The region of another partition that stands for the selected one: at its point, else its bits. */
  carried(before, region, partition) {
    if (this.book.dim === 2) return partition.at(...before.point(region));
    return partition.like(before.bits(region));
  }

  show(partition) {
    const { state, book } = this;
    this.map.show(partition, state);
    this.histogram.show(partition, state.brushed);
    showLegend(at("legend"), state, partition);
    showDetails(at("details"), partition, state.selected, {
      allDigits: at("digits").checked,
      hint: `Click a region, or press an arrow key in the ${book.dim === 2 ? "map" : "view"}, to see its facets.`,
      onSelect: (region) => {
        this.update({ selected: region });
        at("details").querySelector(".across")?.focus(); // the panel is a new one
      },
    });
    const lit = this.lit(partition);
    at("map").dataset.lit = lit;
    at("map").dataset.selected = state.selected;
    at("map").dataset.regions = partition.n;
    const share = +((100 * lit) / partition.n).toPrecision(3);
    at("lit").textContent = state.brushed.size
      ? `${counted(lit, "region", "regions")} of ${partition.n.toLocaleString("en")} lit (${share} %)`
      : "Press bars to light up their regions.";
    at("clear").hidden = !state.brushed.size;
    let facets = 0;
    for (let r = 0; r < partition.n; r++) facets += partition.nFacets(r);
    at("summary").textContent =
      `${counted(partition.n, "region", "regions")}, on average ${brief(facets / partition.n, 4)} facets (2d\u00a0=\u00a0${2 * book.dim})`;
    at("incomplete").hidden = partition.complete;
    this.showControls(partition);
    this.announce(partition);
    const link = toLink(state, this.start, partition);
    at("permalink").href = `#${link}`;
    if (link !== location.hash.slice(1)) history.replaceState(null, "", `#${link}`);
  }

  lit(partition) {
    if (!this.state.brushed.size) return partition.n;
    let n = 0;
    for (let r = 0; r < partition.n; r++) n += this.state.brushed.has(partition.nFacets(r));
    return n;
  }

  announce(partition) {
    const { selected } = this.state;
    const words = selected < 0
      ? "No region selected."
      : `Region ${selected}: ${counted(partition.nFacets(selected), "facet", "facets")}, ` +
        `${counted(partition.neighbours(selected).length, "neighbour", "neighbours")}, ` +
        `volume ${brief(partition.values.volume[selected], 4)}, ` +
        `layer that cut last: ${layerWords(partition.values.layer[selected])}.`;
    if (at("status").textContent !== words) at("status").textContent = words;
  }

  hover(region, event) {
    const tip = at("tip");
    tip.hidden = region < 0 || !event;
    if (!tip.hidden) {
      const partition = this.partition();
      const names = { facets: "", layer: "", volume: "", output: "output", gradient: "norm of the gradient" };
      const value = brief(partition.values[this.state.colour][region], 4);
      const layer = partition.values.layer[region];
      tip.textContent = [
        `region ${region} · ${counted(partition.nFacets(region), "facet", "facets")} · ` +
          (layer ? `layer ${layer} cut last` : "not cut"),
        `f-vector (${partition.fVector(region).join(", ")}) · volume ${brief(partition.values.volume[region], 4)}`,
        ...(names[this.state.colour] ? [`${names[this.state.colour]} ${value}`] : []),
        ...(partition.nNeurons <= 64 ? [patternWords(partition, region)] : []),
      ].join("\n");
      const box = at("stage").getBoundingClientRect();
      const left = Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4);
      tip.style.left = `${Math.max(4, left)}px`;
      const above = event.clientY - box.top - tip.offsetHeight - 12;
      tip.style.top = `${above > 0 ? above : event.clientY - box.top + 20}px`;
    }
    if (this.book.dim === 2 && region !== this.state.hovered) {
      this.state.hovered = region;
      this.map.highlight(region);
    }
  }

  controls() {
    const { book } = this;
    const on = (id, event, change) => at(id).addEventListener(event, () => this.update(change(at(id))));
    on("colour", "change", (input) => ({ colour: input.value }));
    on("snapshot", "input", (input) => ({ snapshot: +input.value }));
    on("depth", "input", (input) => ({ depth: this.depths[+input.value] }));
    on("walls", "change", (input) => ({ walls: input.checked }));
    on("dual", "change", (input) => ({ dual: input.checked }));
    on("explode", "input", (input) => ({ explode: +input.value }));
    on("isolate", "click", () => ({ isolated: !this.state.isolated }));
    on("digits", "change", () => ({}));
    on("clear", "click", () => ({ brushed: new Set() }));
    at("zoom-in").addEventListener("click", () => this.map.zoom(1.5));
    at("zoom-out").addEventListener("click", () => this.map.zoom(1 / 1.5));
    at("whole").addEventListener("click", () => this.map.reset());
    at("theme").addEventListener("click", () => this.turnTheme());
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.map.restyle().then(() => this.update({})));
    window.addEventListener("hashchange", () => {
      [this.state, this.wanted] = fromLink(location.hash.slice(1), this.start, book);
      this.readRegion();
      const { view } = this.state;
      this.map.look(view).then(() => this.update({ view }));
    });
    at("snapshot").max = this.snapshots.length - 1;
    at("snapshot-row").hidden = this.snapshots.length < 2;
    at("depth").max = this.depths.length - 1;
    at("depth-row").hidden = this.depths.length < 2;
    for (const id of ["explode-row", "isolate"]) at(id).hidden = book.dim !== 3;
    at("walls-row").hidden = book.dim !== 2;
    at("keys-3").hidden = book.dim !== 3;
  }

  showControls(partition) {
    const { state } = this;
    at("colour").value = state.colour;
    at("snapshot").value = state.snapshot;
    at("snapshot-is").textContent = `epoch ${partition.epoch}`;
    at("snapshot").setAttribute("aria-valuetext", `epoch ${partition.epoch}`);
    const layers = this.book.widths.length;
    const cut = partition.isCutOff ? `first ${partition.depth} of ${layers} hidden layers` : `all ${layers} hidden layers`;
    at("depth").value = this.depths.indexOf(state.depth);
    at("depth-is").textContent = cut;
    at("depth").setAttribute("aria-valuetext", cut);
    at("walls").checked = state.walls;
    at("dual").checked = state.dual;
    at("explode").value = state.explode;
    at("isolate").disabled = state.selected < 0;
    at("isolate").setAttribute("aria-pressed", state.isolated);
  }

  turnTheme() {
    const root = document.documentElement;
    const isDark = getComputedStyle(root).getPropertyValue("--dark").trim() === "1";
    root.dataset.theme = isDark ? "light" : "dark";
    this.map.restyle().then(() => this.update({}));
  }
}

const page = new Page(JSON.parse(at("data").textContent));
/* What is on the page, for tests and for the curious. */
window.polyrelu = {
  page,
  partition: () => page.partition(),
  screen: (region) => page.map.screen(region),
  mesh: () => page.map.lit,
};
page.open();
