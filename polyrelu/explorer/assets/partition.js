/* Partitions: the arrays of a record, unpacked when they are first shown. */

const TYPES = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array, f8: Float64Array };

function unpacked([type, text]) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let k = 0; k < binary.length; k++) bytes[k] = binary.charCodeAt(k);
  return new TYPES[type](bytes.buffer);
}

function starts(counts) {
  const found = new Int32Array(counts.length + 1);
  for (let k = 0; k < counts.length; k++) found[k + 1] = found[k] + counts[k];
  return found;
}

class Partition {
  constructor(record, book) {
    const arrays = Object.fromEntries(
      Object.entries(record.arrays).map(([name, packed]) => [name, unpacked(packed)])
    );
    this.book = book;
    this.dim = book.dim;
    this.epoch = record.epoch;
    this.depth = record.depth;
    this.complete = record.complete;
    this.sha256 = record.sha256;
    this.n = record.n_regions;
    this.nNeurons = record.n_neurons;
    this.nOutputs = record.n_outputs;
    this.widths = book.widths.slice(0, record.depth);
    this.isCutOff = record.depth < book.widths.length;
    this.arrays = arrays;
    this.values = Object.fromEntries(
      Object.entries(record.values).map(([name, packed]) => [name, unpacked(packed)])
    );
    this.facetStart = starts(arrays.n_facets);
    this.vertexStart = starts(arrays.n_vertices);
    if (this.dim === 3) this.polygonStart = starts(arrays.polygon_sizes);
    this.further = new Map();
    for (const [entry, id] of record.also) {
      if (!this.further.has(entry)) this.further.set(entry, []);
      this.further.get(entry).push(id);
    }
    this.silent = record.vanishing;
    this.nBytes = Math.ceil(this.nNeurons / 8);
  }

  bit(region, neuron) {
    return (this.arrays.patterns[region * this.nBytes + (neuron >> 3)] >> (neuron & 7)) & 1;
  }

  bits(region) {
    let text = "";
    for (let h = 0; h < this.nNeurons; h++) text += this.bit(region, h);
    return text;
  }

  /* The packed pattern in hexadecimal: the region's name in a link. */
  key(region) {
    let text = "";
    for (let k = region * this.nBytes; k < (region + 1) * this.nBytes; k++) {
      text += this.arrays.patterns[k].toString(16).padStart(2, "0");
    }
    return text;
  }

  withKey(key) {
    for (let r = 0; r < this.n; r++) if (this.key(r) === key) return r;
    return -1;
  }

  /* Of two partitions of one network, the region with the same bits as far as both have any. */
  like(bits) {
    const common = Math.min(bits.length, this.nNeurons);
    for (let r = 0; r < this.n; r++) {
      let k = 0;
      while (k < common && this.bit(r, k) === +bits[k]) k++;
      if (k === common) return r;
    }
    return -1;
  }

  nFacets(region) {
    return this.arrays.n_facets[region];
  }

  /* The facets of a region: all ids of each, and the region behind it or -1. */
  facets(region) {
    const found = [];
    for (let e = this.facetStart[region]; e < this.facetStart[region + 1]; e++) {
      const ids = [this.arrays.facet_ids[e], ...(this.further.get(e) || [])];
      found.push({ ids, words: ids.map((id) => this.idWords(id)), across: this.arrays.across[e] });
    }
    return found;
  }

  neuron(id) {
    let layer = 0;
    while (id >= this.widths[layer]) id -= this.widths[layer++];
    return { layer: layer + 1, number: id + 1 };
  }

  layerOf(id) {
    return id < this.nNeurons ? this.neuron(id).layer : 0;
  }

  idWords(id) {
    if (id >= this.nNeurons) return `domain: ${this.book.rows[id - this.nNeurons]}`;
    const { layer, number } = this.neuron(id);
    return `layer ${layer}, neuron ${number}`;
  }

  neighbours(region) {
    const across = this.arrays.across;
    const found = [];
    for (let e = this.facetStart[region]; e < this.facetStart[region + 1]; e++) {
      if (across[e] >= 0) found.push(across[e]);
    }
    return found;
  }

  fVector(region) {
    const width = this.dim + 1;
    return [...this.arrays.f_vectors.subarray(region * width, (region + 1) * width)];
  }

  point(region) {
    return this.arrays.points.subarray(region * this.dim, (region + 1) * this.dim);
  }

  /* Rows (A | c) of the outputs that are on the page. */
  map(region) {
    const width = this.dim + 1;
    const rows = Math.min(this.nOutputs, this.book.max_outputs);
    return Array.from({ length: rows }, (_, k) => [
      ...this.arrays.maps.subarray((region * rows + k) * width, (region * rows + k + 1) * width),
    ]);
  }

  /* Neurons that are 0 on the whole region. */
  vanishing(region) {
    return this.silent.filter(([r]) => r === region).map(([, id]) => this.idWords(id));
  }

  /* Words for what an output is: the network's own, or what a neuron of the next layer gets. */
  outputWords(k) {
    return this.isCutOff ? `layer ${this.depth + 1}, neuron ${k + 1} receives` : `output ${k + 1}`;
  }

  /* Of a plane partition, the region at a place, or -1. */
  at(x, y) {
    if (!this.grid) this.grid = new Grid(this);
    return this.grid.at(x, y);
  }
}

/* Which polygons meet which squares of a grid, so that a place is looked up in a few of them. */
class Grid {
  constructor(partition) {
    const [lower, upper] = [partition.book.lower, partition.book.upper];
    this.partition = partition;
    this.side = Math.max(1, Math.min(128, Math.ceil(Math.sqrt(partition.n))));
    this.lower = lower;
    this.scale = lower.map((from, i) => this.side / (upper[i] - from));
    this.squares = Array.from({ length: this.side ** 2 }, () => []);
    const { vertices } = partition.arrays;
    for (let r = 0; r < partition.n; r++) {
      const least = [Infinity, Infinity];
      const most = [-Infinity, -Infinity];
      for (let v = partition.vertexStart[r]; v < partition.vertexStart[r + 1]; v++) {
        for (const i of [0, 1]) {
          least[i] = Math.min(least[i], vertices[2 * v + i]);
          most[i] = Math.max(most[i], vertices[2 * v + i]);
        }
      }
      for (let i = this.index(least[0], 0); i <= this.index(most[0], 0); i++) {
        for (let j = this.index(least[1], 1); j <= this.index(most[1], 1); j++) {
          this.squares[i * this.side + j].push(r);
        }
      }
    }
  }

  index(value, axis) {
    const k = Math.floor((value - this.lower[axis]) * this.scale[axis]);
    return Math.max(0, Math.min(this.side - 1, k));
  }

  at(x, y) {
    const { book } = this.partition;
    if (x < book.lower[0] || x > book.upper[0] || y < book.lower[1] || y > book.upper[1]) return -1;
    const found = this.squares[this.index(x, 0) * this.side + this.index(y, 1)];
    const inside = found.find((r) => this.contains(r, x, y));
    return inside === undefined ? -1 : inside;
  }

  contains(region, x, y) {
    const { vertices } = this.partition.arrays;
    const [from, to] = [this.partition.vertexStart[region], this.partition.vertexStart[region + 1]];
    let side = 0;
    for (let v = from; v < to; v++) {
      const w = v + 1 < to ? v + 1 : from;
      const [ax, ay] = [vertices[2 * v], vertices[2 * v + 1]];
      const turn = (vertices[2 * w] - ax) * (y - ay) - (vertices[2 * w + 1] - ay) * (x - ax);
      if (turn !== 0 && side !== 0 && turn > 0 !== side > 0) return false;
      if (turn !== 0) side = turn;
    }
    return side !== 0;
  }
}
