/* The map of a plane partition: Plotly has the axes, pan and zoom, a canvas below it the polygons.
   Polygons of one colour are one path, so that thousands of them are drawn in a few milliseconds. */

const CLICK = 5; // pixels that a pointer may move in a click
const MOVE_TO = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const WALLS = ["#ffffff", "#ff9a4d", "#ff8fd0", "#6ff0e0"]; // by layer; a dark seam sets them off
const SEAMS = 3000; // regions up to which walls have seams

function wallColour(layer) {
  return layer ? WALLS[(layer - 1) % WALLS.length] : "#1c1c1c";
}

class PlaneMap {
  constructor(host, book, events) {
    this.host = host;
    this.book = book;
    this.events = events;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.overlay = element("canvas", { "aria-hidden": "true", class: "overlay" });
    this.plot = element("div", { class: "plot" });
    host.append(this.canvas, this.overlay, this.plot);
    const [lower, upper] = [book.lower, book.upper];
    const ratio = (upper[1] - lower[1]) / (upper[0] - lower[0]);
    this.toScale = ratio >= 0.1 && ratio <= 10;
    this.centre = lower.map((from, i) => (from + upper[i]) / 2);
    this.half = lower.map((from, i) => (upper[i] - from) / 2);
    this.whole = [0, 1].flatMap((i) => [lower[i] - 0.04 * this.half[i], upper[i] + 0.04 * this.half[i]]);
    host.addEventListener("pointerdown", (event) => this.press(event), true);
    window.addEventListener("pointerup", (event) => this.release(event), true);
    host.addEventListener("pointermove", (event) => this.hover(event));
    host.addEventListener("pointerleave", () => this.events.onHover(-1));
    host.addEventListener("keydown", (event) => this.key(event));
  }

  start(state) {
    const axis = (i, view) => ({
      range: view.slice(2 * i, 2 * i + 2),
      title: { text: axisName(this.book.coordinates[i]), standoff: 6 },
      showgrid: false,
      zeroline: false,
      ticks: "outside",
      ticklen: 4,
      nticks: 6,
      minallowed: this.whole[2 * i] - 4 * this.half[i],
      maxallowed: this.whole[2 * i + 1] + 4 * this.half[i],
    });
    const view = state.view || this.whole;
    const layout = {
      xaxis: axis(0, view),
      yaxis: { ...axis(1, view), ...(this.toScale ? { scaleanchor: "x" } : {}) },
      dragmode: "pan",
      margin: { l: 52, r: 12, t: 10, b: 46 },
      showlegend: false,
      hovermode: false,
    };
    const marks = this.book.marks;
    const data = [{
      type: "scatter",
      mode: "markers+text",
      x: marks.map((m) => m.place[0]),
      y: marks.map((m) => m.place[1]),
      text: marks.map((m) => m.name),
      textposition: "top center",
      marker: { symbol: "x", size: 9, color: "#d55e00", line: { width: 1, color: "#fff" } },
      hoverinfo: "skip",
    }];
    this.restyled(layout);
    return Plotly.newPlot(this.plot, data, layout, {
      scrollZoom: true, displayModeBar: false, displaylogo: false, responsive: true, doubleClick: false,
    }).then(() => {
      this.plot.on("plotly_afterplot", () => this.draw());
      this.plot.on("plotly_relayouting", () => this.draw());
      this.plot.on("plotly_relayout", (change) => {
        if (Object.keys(change).some((key) => key.includes("range"))) this.events.onView(this.view());
      });
      this.plot.on("plotly_doubleclick", () => this.reset());
    });
  }

  restyled(layout) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.font = { color: ink, size: 12, family: "system-ui, sans-serif" };
    for (const name of ["xaxis", "yaxis"]) {
      Object.assign(layout[name], { linecolor: ink, tickcolor: ink, showline: true, mirror: true });
    }
  }

  restyle() {
    const layout = this.plot.layout;
    this.restyled(layout);
    return Plotly.react(this.plot, this.plot.data, layout);
  }

  show(partition, state) {
    const isNew = this.partition !== partition;
    if (isNew || this.colour !== state.colour || this.brushed !== state.brushed) {
      this.fills = this.fillPaths(partition, state);
      this.colour = state.colour;
      this.brushed = state.brushed;
    }
    if (isNew) [this.wallPaths, this.dualPath] = this.linePaths(partition);
    this.partition = partition;
    this.state = state;
    this.draw();
  }

  /* Paths are in coordinates from -1 to 1: what draws them computes in single precision. */
  x(value) {
    return (value - this.centre[0]) / this.half[0];
  }

  y(value) {
    return (value - this.centre[1]) / this.half[1];
  }

  trace(path, partition, region) {
    const { vertices } = partition.arrays;
    const [from, to] = [partition.vertexStart[region], partition.vertexStart[region + 1]];
    let area = 0;
    for (let v = from; v < to; v++) {
      const w = v + 1 < to ? v + 1 : from;
      area += this.x(vertices[2 * v]) * this.y(vertices[2 * w + 1]);
      area -= this.x(vertices[2 * w]) * this.y(vertices[2 * v + 1]);
    }
    for (let k = 0; k < to - from; k++) {
      const v = area > 0 ? from + k : to - 1 - k; // all the same way round: no seams between them
      const [x, y] = [this.x(vertices[2 * v]), this.y(vertices[2 * v + 1])];
      if (k) path.lineTo(x, y);
      else path.moveTo(x, y);
    }
    path.closePath();
  }

  fillPaths(partition, state) {
    const { colours, classOf } = scaleOf(state.colour, partition);
    const values = partition.values[state.colour];
    const fills = new Map();
    for (let r = 0; r < partition.n; r++) {
      const lit = !state.brushed.size || state.brushed.has(partition.nFacets(r));
      const colour = colours[classOf(values[r])];
      const key = `${colour} ${lit}`;
      if (!fills.has(key)) fills.set(key, { colour, lit, path: new Path2D() });
      this.trace(fills.get(key).path, partition, r);
    }
    return [...fills.values()];
  }

  linePaths(partition) {
    const { vertices, edges, across } = partition.arrays;
    const walls = Array.from({ length: partition.depth + 1 }, () => new Path2D());
    for (let r = 0; r < partition.n; r++) {
      const [from, to] = [partition.vertexStart[r], partition.vertexStart[r + 1]];
      for (let v = from; v < to; v++) {
        const entry = partition.facetStart[r] + edges[v];
        if (across[entry] >= 0 && across[entry] < r) continue; // its other region draws it
        const w = v + 1 < to ? v + 1 : from;
        const path = walls[partition.layerOf(partition.arrays.facet_ids[entry])];
        path.moveTo(this.x(vertices[2 * v]), this.y(vertices[2 * v + 1]));
        path.lineTo(this.x(vertices[2 * w]), this.y(vertices[2 * w + 1]));
      }
    }
    const dual = new Path2D();
    for (let r = 0; r < partition.n; r++) {
      const here = partition.point(r);
      for (const other of partition.neighbours(r)) {
        if (other < r) continue;
        const there = partition.point(other);
        dual.moveTo(this.x(here[0]), this.y(here[1]));
        dual.lineTo(this.x(there[0]), this.y(there[1]));
      }
    }
    return [walls, dual];
  }

  draw() {
    const { _fullLayout: full } = this.plot;
    if (!full || !this.partition) return;
    const { xaxis: X, yaxis: Y } = full;
    const ratio = window.devicePixelRatio || 1;
    const { state, partition } = this;
    const [width, height] = [Math.round(X._length * ratio), Math.round(Y._length * ratio)];
    for (const canvas of [this.canvas, this.overlay]) {
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      Object.assign(canvas.style, {
        left: `${X._offset}px`, top: `${Y._offset}px`, width: `${X._length}px`, height: `${Y._length}px`,
      });
    }
    const scale = [0, 1].map((i) => [width, height][i] / ([X, Y][i].range[1] - [X, Y][i].range[0]));
    const matrix = new DOMMatrix([
      this.half[0] * scale[0], 0, 0, -this.half[1] * scale[1],
      (this.centre[0] - X.range[0]) * scale[0], height - (this.centre[1] - Y.range[0]) * scale[1],
    ]);
    this.matrix = matrix;
    const placed = (path) => this.placed(path);
    const draw = this.canvas.getContext("2d");
    draw.clearRect(0, 0, width, height);
    for (const { colour, lit, path } of this.fills) {
      draw.globalAlpha = lit ? 1 : 0.12;
      draw.fillStyle = colour;
      draw.fill(placed(path));
    }
    // Pixels between neighbouring walls, roughly: thinner lines where they are close.
    const spread = Math.sqrt((4 * this.half[0] * this.half[1] * scale[0] * scale[1]) / partition.n) / ratio;
    const line = ratio * Math.max(0.25, Math.min(1.4, spread / 12));
    draw.globalAlpha = state.brushed.size ? 0.35 : 0.9;
    this.wallPaths.forEach((path, layer) => {
      const at = placed(path);
      if (state.walls && layer && partition.n <= SEAMS) {
        [draw.strokeStyle, draw.lineWidth] = ["#00000066", line + 1.2 * ratio];
        draw.stroke(at);
      }
      draw.strokeStyle = state.walls ? wallColour(layer) : "#ffffff";
      draw.lineWidth = line * (state.walls ? 1 : 0.7);
      draw.stroke(at);
    });
    draw.globalAlpha = 1;
    if (state.dual) this.drawDual(draw, placed, line, ratio);
    this.highlight(state.hovered);
  }

  /* A path in pixels of the canvas: lines are as wide everywhere. */
  placed(path) {
    const found = new Path2D();
    found.addPath(path, this.matrix);
    return found;
  }

  /* Outlines of the region below the pointer and of the selected one, on a canvas of their own. */
  highlight(hovered) {
    const ratio = window.devicePixelRatio || 1;
    const draw = this.overlay.getContext("2d");
    draw.clearRect(0, 0, this.overlay.width, this.overlay.height);
    this.outline(draw, hovered, 2 * ratio, "#00000090");
    this.outline(draw, this.state.selected, 3 * ratio, "#d50000");
  }

  drawDual(draw, placed, line, ratio) {
    const casing = this.partition.n <= SEAMS ? [["#ffffffb0", 1.6 * ratio]] : [];
    for (const [style, more] of [...casing, ["#1c1c1c", 0]]) {
      draw.strokeStyle = draw.fillStyle = style;
      draw.lineWidth = line + more;
      draw.stroke(placed(this.dualPath));
      const radius = Math.min(3.2 * ratio, 2.2 * line) + more / 2;
      for (let r = 0; r < this.partition.n; r++) {
        const [x, y] = this.partition.point(r);
        const at = this.matrix.transformPoint({ x: this.x(x), y: this.y(y) });
        draw.beginPath();
        draw.arc(at.x, at.y, radius, 0, 7);
        draw.fill();
      }
    }
  }

  outline(draw, region, width, colour) {
    if (!(region >= 0) || region >= this.partition.n) return;
    const path = new Path2D();
    this.trace(path, this.partition, region);
    draw.lineJoin = "round";
    for (const [style, w] of [["#ffffff", 1.9 * width], [colour, width]]) {
      [draw.strokeStyle, draw.lineWidth] = [style, w];
      draw.stroke(this.placed(path));
    }
  }

  /* The place in the domain's coordinates below a pointer, or null beside the axes. */
  place(event) {
    const { xaxis: X, yaxis: Y } = this.plot._fullLayout;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left - X._offset) / X._length, (event.clientY - box.top - Y._offset) / Y._length];
    if (x < 0 || x > 1 || y < 0 || y > 1) return null;
    return [X.range[0] + x * (X.range[1] - X.range[0]), Y.range[1] - y * (Y.range[1] - Y.range[0])];
  }

  /* Where a region's interior point is on the screen: tests click there. */
  screen(region) {
    const { xaxis: X, yaxis: Y } = this.plot._fullLayout;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = this.partition.point(region);
    return [
      box.left + X._offset + ((x - X.range[0]) / (X.range[1] - X.range[0])) * X._length,
      box.top + Y._offset + ((Y.range[1] - y) / (Y.range[1] - Y.range[0])) * Y._length,
    ];
  }

  press(event) {
    this.pressed = event.button ? null : [event.clientX, event.clientY];
    if (this.pressed) this.host.focus({ preventScroll: true });
  }

  release(event) {
    if (!this.pressed) return;
    const moved = Math.hypot(event.clientX - this.pressed[0], event.clientY - this.pressed[1]);
    this.pressed = null;
    const place = moved <= CLICK && this.place(event);
    if (place) this.events.onSelect(this.partition.at(...place));
  }

  hover(event) {
    const place = this.pressed ? null : this.place(event);
    this.events.onHover(place ? this.partition.at(...place) : -1, event);
  }

  key(event) {
    if (event.target !== this.host || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in MOVE_TO) this.events.onSelect(this.neighbourTowards(MOVE_TO[event.key]));
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.reset();
    else if (event.key === "Escape") this.events.onSelect(-1);
    else return;
    event.preventDefault();
  }

  neighbourTowards(direction) {
    const { selected } = this.state;
    if (selected < 0) {
      const [left, right, bottom, top] = this.view();
      return this.partition.at((left + right) / 2, (bottom + top) / 2);
    }
    const scaled = (region) => [...this.partition.point(region)].map((v, i) => (this.toScale ? v : v / this.half[i]));
    return mostTowards(this.partition, selected, (r) => scaled(r), direction);
  }

  view() {
    const { xaxis: X, yaxis: Y } = this.plot._fullLayout;
    return [...X.range, ...Y.range];
  }

  zoom(factor) {
    const at = this.state.selected >= 0 ? [...this.partition.point(this.state.selected)] : null;
    const view = this.view();
    const ranges = [0, 1].map((i) => {
      const [from, to] = view.slice(2 * i, 2 * i + 2);
      const middle = at && at[i] > from && at[i] < to && factor > 1 ? at[i] : (from + to) / 2;
      return [middle - (to - from) / 2 / factor, middle + (to - from) / 2 / factor];
    });
    return Plotly.relayout(this.plot, { "xaxis.range": ranges[0], "yaxis.range": ranges[1] });
  }

  look(view) {
    const whole = view || this.whole;
    return Plotly.relayout(this.plot, { "xaxis.range": whole.slice(0, 2), "yaxis.range": whole.slice(2) });
  }

  reset() {
    return this.look(null).then(() => this.events.onView(null));
  }
}

/* Of the neighbours of a region the one that lies most in a direction; the region itself if none. */
function mostTowards(partition, region, placeOf, direction) {
  const here = placeOf(region);
  let [best, found] = [0.1, region];
  for (const other of partition.neighbours(region)) {
    const step = placeOf(other).map((v, i) => v - here[i]);
    const along = (step[0] * direction[0] + step[1] * direction[1]) / (Math.hypot(...step) || 1);
    if (along > best) [best, found] = [along, other];
  }
  return found;
}

function axisName(name) {
  return `${name[0]}<sub>${name.slice(1)}</sub>`;
}
