/* Colours that stay apart for every eye: viridis for amounts, Okabe and Ito's for layers. */

const VIRIDIS = [
  "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
]; // without its darkest end, on which no wall is seen
const DIVERGING = ["#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7",
  "#d8daeb", "#b2abd2", "#8073ac", "#542788", "#2d004b"];
const LAYERS = ["#8a8a8a", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8ad1f"];
const N_BINS = 32;

function mixed(stops, share) {
  const at = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const k = Math.min(Math.floor(at), stops.length - 2);
  const [one, other] = [stops[k], stops[k + 1]].map((hex) =>
    [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))
  );
  const rgb = one.map((c, i) => Math.round(c + (other[i] - c) * (at - k)));
  return `#${rgb.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

function layerColour(layer) {
  return layer ? LAYERS[1 + ((layer - 1) % (LAYERS.length - 1))] : LAYERS[0];
}

/* How a quantity is coloured: a colour for every class, the class of a value, and a legend. */
function scaleOf(name, partition) {
  const [least, most] = partition.book.ranges[partition.depth][name];
  if (name === "layer") {
    const colours = Array.from({ length: most + 1 }, (_, k) => layerColour(k));
    const labels = colours.map((_, k) => (k ? `layer ${k}` : "none: bounded by the domain only"));
    return { colours, classOf: (v) => v, legend: swatches(colours, labels, least) };
  }
  if (name === "facets") {
    const counts = partition.book.facet_counts[partition.depth];
    const colours = Object.fromEntries(
      counts.map((count, k) => [count, mixed(VIRIDIS, counts.length > 1 ? k / (counts.length - 1) : 0.5)])
    );
    const legend = { swatches: counts.map((count) => [colours[count], String(count)]) };
    return { colours, classOf: (v) => v, legend };
  }
  const isLog = name === "volume" && least > 0 && most > least;
  const isSigned = name === "output" && least < 0 && most > 0;
  const stops = isSigned ? DIVERGING : VIRIDIS;
  const bound = Math.max(-least, most);
  const [from, to] = isSigned ? [-bound, bound] : isLog ? [Math.log(least), Math.log(most)] : [least, most];
  const colours = Array.from({ length: N_BINS }, (_, k) => mixed(stops, k / (N_BINS - 1)));
  const classOf = (v) => {
    const share = to > from ? ((isLog ? Math.log(v) : v) - from) / (to - from) : 0.5;
    return Math.max(0, Math.min(N_BINS - 1, Math.floor(share * N_BINS)));
  };
  const middle = isLog ? Math.exp((from + to) / 2) : (from + to) / 2;
  const ends = isLog ? [least, most] : [from, to];
  const ticks = [ends[0], middle, ends[1]].map((v) => brief(v, 3));
  return { colours, classOf, legend: { stops, ticks, note: isLog ? "logarithmic scale" : "" } };
}

function swatches(colours, labels, least) {
  return { swatches: colours.map((c, k) => [c, labels[k]]).slice(least) };
}

/* A number in a few digits, without trailing zeros. */
function brief(value, digits = 6) {
  return Number.isFinite(value) ? String(+value.toPrecision(digits)) : String(value);
}

function counted(n, one, several) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : several}`;
}
