/* What is shown: the state, and its permalink in the address of the page. */

function initialState(book) {
  const depths = [...new Set(book.partitions.map((p) => p.depth))];
  return {
    snapshot: 0,
    depth: depths[depths.length - 1],
    colour: "facets",
    selected: -1,
    brushed: new Set(),
    walls: true,
    dual: false,
    isolated: false,
    explode: book.dim === 3 ? 0.4 : 0,
    view: null,
  };
}

/* The state as the part of an address behind #: only what differs from the start. */
function toLink(state, start, partition) {
  const link = new URLSearchParams();
  if (state.snapshot !== start.snapshot) link.set("snapshot", state.snapshot);
  if (state.depth !== start.depth) link.set("depth", state.depth);
  if (state.colour !== start.colour) link.set("colour", state.colour);
  if (state.selected >= 0) link.set("pattern", partition.key(state.selected) || "0");
  if (state.brushed.size) link.set("facets", [...state.brushed].sort((a, b) => a - b).join("."));
  if (state.walls !== start.walls) link.set("walls", +state.walls);
  if (state.dual !== start.dual) link.set("dual", +state.dual);
  if (state.isolated) link.set("isolated", 1);
  if (state.explode !== start.explode) link.set("apart", state.explode);
  if (state.view) link.set("view", state.view.map((v) => brief(v, 9)).join("_"));
  return link.toString();
}

/* The state that a link tells, and the pattern of its region; what it cannot tell is as at start. */
function fromLink(text, start, book) {
  const link = new URLSearchParams(text);
  const state = { ...start, brushed: new Set(), selected: -1 };
  const number = (name) => (link.has(name) ? Number(link.get(name)) : NaN);
  const snapshots = snapshotsOf(book);
  if (number("snapshot") in snapshots) state.snapshot = number("snapshot");
  if (book.partitions.some((p) => p.depth === number("depth"))) state.depth = number("depth");
  if (link.get("colour") in book.quantities) state.colour = link.get("colour");
  for (const name of ["walls", "dual", "isolated"]) {
    if (link.has(name)) state[name] = number(name) === 1;
  }
  if (book.dim === 3 && number("apart") >= 0 && number("apart") <= 2) state.explode = number("apart");
  for (const count of (link.get("facets") || "").split(".").filter(Boolean)) {
    if (Number.isInteger(+count)) state.brushed.add(+count);
  }
  const view = (link.get("view") || "").split("_").map(Number);
  if (view.length === (book.dim === 2 ? 4 : 9) && view.every(Number.isFinite)) state.view = view;
  return [state, link.get("pattern")];
}

function snapshotsOf(book) {
  const found = [];
  for (const p of book.partitions) if (!found.includes(p.epoch)) found.push(p.epoch);
  return found;
}
