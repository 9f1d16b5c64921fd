/* The legend: what colours and lines stand for. */

function showLegend(host, state, partition) {
  const { book } = partition;
  const words = { ...book.quantities };
  words.facets = "facets of the region (neurons' and the domain's)";
  const output = partition.outputWords(partition.isCutOff ? 0 : book.output);
  words.output = partition.isCutOff ? `what ${output} at the interior point` : `${output} at the interior point`;
  words.gradient = `norm of the local gradient of ${partition.isCutOff ? `what ${output}` : output}`;
  const { legend } = scaleOf(state.colour, partition);
  const parts = [element("p", { class: "legend-title" }, words[state.colour])];
  if (legend.swatches) {
    const list = element("ul", { class: "swatches" });
    for (const [colour, label] of legend.swatches) {
      const item = element("li");
      const mark = element("span", { class: "swatch" });
      mark.style.background = colour;
      item.append(mark, label);
      list.append(item);
    }
    parts.push(list);
  } else {
    const bar = element("div", { class: "ramp" });
    bar.style.background = `linear-gradient(to right, ${legend.stops.join(", ")})`;
    const ticks = element("div", { class: "ticks" });
    ticks.append(...legend.ticks.map((tick) => element("span", {}, tick)));
    parts.push(bar, ticks);
    if (legend.note) parts.push(element("p", { class: "note" }, legend.note));
  }
  if (book.dim === 2 && state.walls) {
    const list = element("ul", { class: "swatches" });
    for (let layer = 1; layer <= partition.depth; layer++) {
      const item = element("li");
      const mark = element("span", { class: "line" });
      mark.style.borderColor = wallColour(layer);
      item.append(mark, `wall of layer ${layer}`);
      list.append(item);
    }
    parts.push(list);
  }
  if (state.dual) {
    parts.push(element("p", { class: "note" }, "Dual graph: a dot for every region, a line for every common facet."));
  }
  host.replaceChildren(...parts);
}
