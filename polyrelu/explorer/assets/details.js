/* The panel of the selected region: the values that the library gives. */

function showDetails(host, partition, region, options) {
  if (region < 0) {
    host.replaceChildren(element("p", { class: "note" }, options.hint));
    return;
  }
  const { book } = partition;
  const shown = (value) => (options.allDigits ? String(value) : brief(value));
  const list = element("dl");
  const row = (name, field, content, value) => {
    const data = element("dd", { "data-field": field });
    if (value !== undefined) data.dataset.value = value;
    data.append(...[content].flat());
    list.append(element("dt", {}, name), data);
  };
  row("region", "index", `${region} of 0 … ${partition.n - 1}`, region);
  row("activation pattern", "pattern", patternRows(partition, region), partition.bits(region));
  const silent = partition.vanishing(region);
  if (silent.length) row("0 on the whole region", "vanishing", silent.join("; "));
  row("f-vector", "f-vector", `(${partition.fVector(region).join(", ")})`, partition.fVector(region).join(" "));
  const facets = partition.facets(region);
  row(`${facets.length} facets`, "facets", facetList(facets, options.onSelect), facets.length);
  const volume = partition.values.volume[region];
  row(book.dim === 2 ? "volume (area)" : "volume", "volume", shown(volume), volume);
  row("layer that cut last", "layer", layerWords(partition.values.layer[region]), partition.values.layer[region]);
  const point = [...partition.point(region)];
  row("interior point", "point", `(${point.map(shown).join(", ")})`, point.join(" "));
  const output = partition.outputWords(partition.isCutOff ? 0 : book.output);
  const value = partition.values.output[region];
  row(`${partition.isCutOff ? "what " : ""}${output}, there`, "output", shown(value), value);
  const norm = partition.values.gradient[region];
  row("norm of its gradient", "gradient", shown(norm), norm);
  row("local affine map", "map", mapTable(partition, region, shown));
  host.replaceChildren(list);
}

function layerWords(layer) {
  return layer ? `layer ${layer}` : "none: bounded by the domain only";
}

/* The bits layer by layer; many of them wrap in groups of eight. */
function patternRows(partition, region) {
  const bits = partition.bits(region);
  let first = 0;
  return partition.widths.map((width, k) => {
    const own = bits.slice(first, first + width);
    first += width;
    const line = element("div", { class: "bits" });
    line.append(element("span", { class: "of-layer" }, `layer ${k + 1}`));
    line.append(element("code", {}, own.match(/.{1,8}/g)?.join(" ") || ""));
    return line;
  });
}

function patternWords(partition, region) {
  const bits = partition.bits(region);
  let first = 0;
  return partition.widths.map((width) => bits.slice(first, (first += width))).join(" ");
}

function facetList(facets, onSelect) {
  const list = element("ul", { class: "facets" });
  for (const { ids, words, across } of facets) {
    const item = element("li", { "data-ids": ids.join(" ") });
    item.append(element("span", {}, words.join(" = ")));
    if (across >= 0) {
      const go = element("button", { type: "button", class: "across" }, `→ ${across}`);
      go.setAttribute("aria-label", `go across ${words[0]} to region ${across}`);
      go.addEventListener("click", () => onSelect(across));
      item.append(go);
    }
    list.append(item);
  }
  return list;
}

function mapTable(partition, region, shown) {
  const rows = partition.map(region);
  const frame = element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "local affine map" });
  const table = element("table");
  const head = element("tr");
  head.append(element("th", {}, ""));
  for (const name of [...partition.book.coordinates.map((s) => `× ${s}`), "+ 1"]) {
    head.append(element("th", { scope: "col" }, name));
  }
  table.append(head);
  rows.forEach((row, k) => {
    const line = element("tr");
    line.append(element("th", { scope: "row" }, partition.outputWords(k)));
    for (const value of row) line.append(element("td", { "data-value": value }, shown(value)));
    table.append(line);
  });
  frame.append(table);
  const left = partition.nOutputs - rows.length;
  return left ? [frame, element("p", { class: "note" }, `and ${counted(left, "more output", "more outputs")}`)] : frame;
}
