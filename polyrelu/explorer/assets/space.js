/* Partitions of space: cells as one mesh, pulled apart from their centre, one of them alone. */

const SLOW = 60; // milliseconds between two drawings while a slider moves
const CAMERA = { eye: { x: 1.45, y: 1.45, z: 1.05 }, center: { x: 0, y: 0, z: -0.1 }, up: { x: 0, y: 0, z: 1 } };

class SpaceMap {
  constructor(host, book, events) {
    this.host = host;
    this.book = book;
    this.events = events;
    this.plot = element("div", { class: "plot" });
    host.append(this.plot);
    this.centre = book.lower.map((from, i) => (from + book.upper[i]) / 2);
    // On a narrow screen labels need more room beside the cells.
    const far = host.clientWidth < 500 ? 1.25 : 1;
    const { x, y, z } = CAMERA.eye;
    this.home = { ...CAMERA, eye: { x: far * x, y: far * y, z: far * z } };
    this.camera = this.home;
    host.addEventListener("pointerdown", () => host.focus({ preventScroll: true }), true);
    host.addEventListener("keydown", (event) => this.key(event));
  }

  start(state) {
    if (state.view) this.camera = cameraOf(state.view);
    return Plotly.newPlot(this.plot, [], this.layout(), {
      scrollZoom: true, displayModeBar: false, displaylogo: false, responsive: true,
    }).then(() => {
      const region = (event) => {
        const cells = event.points[0].data.meta;
        return cells ? cells[event.points[0].pointNumber] : -1;
      };
      this.plot.on("plotly_click", (event) => this.events.onSelect(region(event)));
      this.plot.on("plotly_hover", (event) => this.events.onHover(region(event), event.event));
      this.plot.on("plotly_unhover", () => this.events.onHover(-1));
      this.plot.on("plotly_relayout", (change) => {
        if (!change["scene.camera"]) return;
        this.camera = change["scene.camera"];
        this.events.onView(this.view());
      });
    });
  }

  layout() {
    const style = getComputedStyle(document.documentElement);
    const [ink, line] = ["--ink", "--line"].map((name) => style.getPropertyValue(name).trim());
    const [lower, upper] = this.bounds || [this.book.lower, this.book.upper];
    const axis = (i) => ({
      title: { text: axisName(this.book.coordinates[i]) },
      range: [lower[i], upper[i]],
      gridcolor: line,
      zeroline: false,
      showbackground: false,
      showspikes: false,
      nticks: 5,
      color: ink,
    });
    const sizes = lower.map((from, i) => upper[i] - from);
    const whole = this.book.lower.map((from, i) => this.book.upper[i] - from);
    const toScale = Math.max(...whole) <= 10 * Math.min(...whole);
    const unit = Math.max(...(toScale ? sizes : [1]));
    const aspect = toScale ? sizes.map((size) => size / unit) : [1, 1, 1];
    return {
      scene: {
        xaxis: axis(0), yaxis: axis(1), zaxis: axis(2),
        aspectmode: "manual",
        aspectratio: { x: aspect[0], y: aspect[1], z: aspect[2] },
        camera: this.camera,
        dragmode: "orbit",
      },
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 12, family: "system-ui, sans-serif" },
      showlegend: false,
    };
  }

  restyle() {
    return this.redraw();
  }

  show(partition, state) {
    this.partition = partition;
    const hoverOnly = this.state && this.drawn === this.signature(state, partition);
    this.state = state;
    if (hoverOnly) return;
    this.drawn = this.signature(state, partition);
    this.host.dataset.pending = "true";
    clearTimeout(this.waiting);
    const since = performance.now() - (this.last || 0);
    this.waiting = setTimeout(() => this.redraw(), Math.max(0, SLOW - since));
  }

  signature(state, partition) {
    const { colour, selected, dual, isolated, explode } = state;
    return JSON.stringify([partition.epoch, partition.depth, colour, selected, dual, isolated, explode, [...state.brushed]]);
  }

  isLit(region) {
    const { state, partition } = this;
    if (state.isolated && state.selected >= 0) return region === state.selected;
    return !state.brushed.size || state.brushed.has(partition.nFacets(region));
  }

  /* How far a cell is moved away from the centre. */
  moved(region) {
    if (this.state.isolated && this.state.selected >= 0) return [0, 0, 0];
    return [...this.partition.point(region)].map((v, i) => this.state.explode * (v - this.centre[i]));
  }

  /* The arrays of a mesh of some cells: every cell has vertices of its own, `cells` says whose. */
  mesh(regions) {
    const { partition } = this;
    const { vertices, polygons, polygon_sizes: sizes } = partition.arrays;
    const { colours, classOf } = scaleOf(this.state.colour, partition);
    const values = partition.values[this.state.colour];
    const mesh = { x: [], y: [], z: [], i: [], j: [], k: [], colour: [], cells: [], lines: [[], [], []] };
    for (const region of regions) {
      const first = mesh.x.length;
      const start = partition.vertexStart[region];
      const move = this.moved(region);
      for (let v = start; v < partition.vertexStart[region + 1]; v++) {
        mesh.x.push(vertices[3 * v] + move[0]);
        mesh.y.push(vertices[3 * v + 1] + move[1]);
        mesh.z.push(vertices[3 * v + 2] + move[2]);
        mesh.cells.push(region);
      }
      const colour = colours[classOf(values[region])];
      for (let f = partition.facetStart[region]; f < partition.facetStart[region + 1]; f++) {
        const cycle = polygons.subarray(partition.polygonStart[f], partition.polygonStart[f] + sizes[f]);
        for (let t = 1; t + 1 < cycle.length; t++) {
          mesh.i.push(first + cycle[0]);
          mesh.j.push(first + cycle[t]);
          mesh.k.push(first + cycle[t + 1]);
          mesh.colour.push(colour);
        }
        cycle.forEach((v, t) => {
          const w = cycle[(t + 1) % cycle.length];
          if (v > w) return; // the facet behind it passes this edge the other way round
          for (const [axis, line] of ["x", "y", "z"].entries()) {
            mesh.lines[axis].push(mesh[line][first + v], mesh[line][first + w], null);
          }
        });
      }
    }
    return mesh;
  }

  traces() {
    const { partition, state } = this;
    const all = Array.from({ length: partition.n }, (_, r) => r);
    const lit = all.filter((r) => this.isLit(r));
    const isAlone = state.isolated && state.selected >= 0;
    const faded = isAlone ? [] : all.filter((r) => !this.isLit(r));
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    this.lit = this.mesh(lit);
    const solid = (mesh, opacity) => ({
      type: "mesh3d", x: mesh.x, y: mesh.y, z: mesh.z, i: mesh.i, j: mesh.j, k: mesh.k,
      facecolor: mesh.colour, meta: mesh.cells, opacity, flatshading: true, hoverinfo: "none",
      lighting: { ambient: 0.72, diffuse: 0.45, specular: 0.05, fresnel: 0.05 },
    });
    const lines = ([x, y, z], color, width, opacity = 1) => ({
      type: "scatter3d", mode: "lines", x, y, z, line: { color, width }, opacity, hoverinfo: "skip",
    });
    const found = [solid(this.lit, 1), lines(this.lit.lines, "#1c1c1c", lit.length > 800 ? 1 : 2)];
    if (faded.length) {
      const mesh = this.mesh(faded);
      found.push(solid(mesh, 0.06), lines(mesh.lines, ink, 1, 0.08));
    }
    if (state.selected >= 0 && !isAlone) {
      found.push(lines(this.mesh([state.selected]).lines, "#d50000", 7));
    }
    if (state.dual && !isAlone) found.push(...this.dualTraces(lines, ink));
    for (const mark of this.book.marks) {
      found.push({
        type: "scatter3d", mode: "markers+text", x: [mark.place[0]], y: [mark.place[1]], z: [mark.place[2]],
        text: [mark.name], marker: { size: 4, color: "#d55e00" }, hoverinfo: "skip",
      });
    }
    return found;
  }

  dualTraces(lines, ink) {
    const { partition } = this;
    const places = Array.from({ length: partition.n }, (_, r) => this.movedPoint(r));
    const ends = [[], [], []];
    places.forEach((here, r) => {
      for (const other of partition.neighbours(r)) {
        if (other > r) ends.forEach((line, i) => line.push(here[i], places[other][i], null));
      }
    });
    const [x, y, z] = [0, 1, 2].map((i) => places.map((place) => place[i]));
    const nodes = { type: "scatter3d", mode: "markers", x, y, z, marker: { size: 3, color: ink }, hoverinfo: "skip" };
    return [lines(ends, ink, 3), nodes];
  }

  movedPoint(region) {
    const move = this.moved(region);
    return [...this.partition.point(region)].map((v, i) => v + move[i]);
  }

  redraw() {
    if (!this.partition) return Promise.resolve();
    this.last = performance.now();
    const data = this.traces();
    const mesh = this.lit;
    const isAlone = this.state.isolated && this.state.selected >= 0;
    const far = 1 + this.state.explode;
    this.bounds = isAlone
      ? [[mesh.x, mesh.y, mesh.z].map((v) => least(v)), [mesh.x, mesh.y, mesh.z].map((v) => -least(v.map((u) => -u)))]
      : [this.book.lower, this.book.upper].map((ends) => ends.map((v, i) => this.centre[i] + far * (v - this.centre[i])));
    return Plotly.react(this.plot, data, this.layout()).then(() => delete this.host.dataset.pending);
  }

  key(event) {
    if (event.target !== this.host || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in MOVE_TO && event.shiftKey) this.turn(MOVE_TO[event.key]);
    else if (event.key in MOVE_TO) this.events.onSelect(this.neighbourTowards(MOVE_TO[event.key]));
    else if (event.key === "+" || event.key === "=") this.zoom(1.25);
    else if (event.key === "-") this.zoom(1 / 1.25);
    else if (event.key === "0") this.reset();
    else if (event.key === "Enter") this.events.onIsolate();
    else if (event.key === "Escape") this.events.onSelect(-1);
    else return;
    event.preventDefault();
  }

  /* Directions to the right and up on the screen. */
  axes() {
    const { eye, center, up } = this.camera;
    const forward = unit(["x", "y", "z"].map((c) => center[c] - eye[c]));
    const right = unit(cross(forward, [up.x, up.y, up.z]));
    return [right, cross(right, forward)];
  }

  neighbourTowards(direction) {
    if (this.state.selected < 0) return this.nearest();
    const axes = this.axes();
    const onScreen = (r) => axes.map((a) => a.reduce((sum, v, i) => sum + v * this.partition.point(r)[i], 0));
    return mostTowards(this.partition, this.state.selected, onScreen, direction);
  }

  /* The lit region whose interior point is next to the centre. */
  nearest() {
    let [best, found] = [Infinity, -1];
    for (let r = 0; r < this.partition.n; r++) {
      const away = Math.hypot(...[...this.partition.point(r)].map((v, i) => v - this.centre[i]));
      if (this.isLit(r) && away < best) [best, found] = [away, r];
    }
    return found;
  }

  place(camera) {
    this.camera = camera;
    return Plotly.relayout(this.plot, { "scene.camera": camera });
  }

  zoom(factor) {
    const { eye } = this.camera;
    return this.place({ ...this.camera, eye: { x: eye.x / factor, y: eye.y / factor, z: eye.z / factor } });
  }

  turn([right, up]) {
    const { eye } = this.camera;
    const radius = Math.hypot(eye.x, eye.y, eye.z);
    const around = Math.atan2(eye.y, eye.x) + 0.2 * right;
    const above = Math.max(-1.5, Math.min(1.5, Math.asin(eye.z / radius) + 0.2 * up));
    const flat = radius * Math.cos(above);
    return this.place({ ...CAMERA, eye: { x: flat * Math.cos(around), y: flat * Math.sin(around), z: radius * Math.sin(above) } });
  }

  view() {
    return [this.camera.eye, this.camera.center, this.camera.up].flatMap(({ x, y, z }) => [x, y, z]);
  }

  look(view) {
    return this.place(view ? cameraOf(view) : this.home);
  }

  reset() {
    return this.look(null).then(() => this.events.onView(null));
  }
}

function cameraOf(view) {
  const [eye, center, up] = [0, 3, 6].map((k) => ({ x: view[k], y: view[k + 1], z: view[k + 2] }));
  return { eye, center, up };
}

function least(values) {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function cross([a, b, c], [d, e, f]) {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

function unit(vector) {
  const length = Math.hypot(...vector) || 1;
  return vector.map((v) => v / length);
}
