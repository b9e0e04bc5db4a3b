// Networks for the picture's tests: always the same, made of a plain random sequence.

export function random(seed) {
  let state = seed >>> 0;
  const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform()) };
}

const product = sides => sides.reduce((a, b) => a * b, 1);

export function halfOf(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0], sign = (bits >>> 16) & 0x8000, exponent = ((bits >>> 23) & 255) - 112, fraction = bits & 0x7fffff;
  if (((bits >>> 23) & 255) === 255) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) return exponent < -10 ? sign : sign | (((fraction | 0x800000) >>> (14 - exponent)) + ((fraction >>> (13 - exponent)) & 1));
  return sign | ((exponent << 10) + (fraction >>> 13) + ((fraction >>> 12) & 1));
}

function strongestOf(values, most) {
  const order = Uint32Array.from(values.keys()).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, most);
  return { index: order, value: Float32Array.from(order, at => values[at]) };
}

function linkOf(layer, shape, values, most) {
  const matrix = { data: Uint16Array.from(values, halfOf), rows: shape[0], cols: product(shape.slice(1)), full: null, shape, scale: 1, nonfinite: 0 };
  return { layer, tensor: layer, matrix: { weight: matrix }, strongest: { weight: strongestOf(values, most) } };
}

// A nine, drawn as a ring with a tail.
function digit(height, width) {
  return Float32Array.from({ length: height * width }, (_, i) => {
    const x = (i % width) / width - 0.5, y = Math.floor(i / width) / height - 0.5, ring = Math.abs(Math.hypot(x * 1.2, (y + 0.14) * 1.1) - 0.2);
    const tail = y > -0.1 && y < 0.38 ? Math.abs(x - 0.16 + 0.12 * Math.max(0, y)) : 1;
    return Math.max(0, Math.min(1, 1.6 - Math.min(ring, tail) * 24));
  });
}

function unitsOf(r, count, { dead = [], saturated = [] } = {}) {
  const activation = Float32Array.from({ length: count }, () => Math.max(0, 0.12 + 0.35 * r.normal()) * (r.uniform() < 0.12 ? 3 : 0.6)), marks = new Uint8Array(count);
  for (const u of dead) activation[u] = 0, (marks[u] = 1);
  for (const u of saturated) marks[u] |= 2;
  return { activation, marks, gradient: activation.map((a, u) => (dead.includes(u) ? 0 : 10 ** (-4 + 1.2 * r.normal()))), weightIn: activation.map(() => 1 + 0.2 * r.normal()) };
}

// Fully connected: sizes [784, 512, 256, 10]. Weights into the first hidden layer look at the middle of the picture.
export function mlp(sizes = [784, 512, 256, 10], { seed = 7, most = 3000, image = true } = {}) {
  const r = random(seed), names = sizes.map((_, i) => (i === 0 ? 'input' : i === sizes.length - 1 ? 'out' : `fc${i}`));
  const side = Math.sqrt(sizes[0]), layers = sizes.map((units, i) => ({
    name: names[i], kind: i === 0 ? 'input' : 'dense', activation: i === 0 ? null : i === sizes.length - 1 ? 'softmax' : 'relu',
    shape: i === 0 && image ? [side, side] : [units], parameters: i ? sizes[i - 1] * units + units : 0, inputs: i ? [names[i - 1]] : [],
  }));
  const model = { layers, classes: Array.from({ length: sizes.at(-1) }, (_, k) => String(k)) };
  const states = sizes.map((units, i) => unitsOf(r, units, i === 1 ? { dead: [87, 300, 401].filter(u => u < units), saturated: [19] } : {}));
  states[0] = { value: { shape: layers[0].shape, data: image ? digit(side, side) : Float32Array.from({ length: sizes[0] }, r.uniform) } };
  const last = states.at(-1), best = sizes.at(-1) - 1, out = Float32Array.from({ length: sizes.at(-1) }, (_, u) => (u === best ? 0.97 : 0.03 / Math.max(1, best)));
  last.value = { shape: [sizes.at(-1)], data: out };
  last.activation = out.slice();
  const links = sizes.slice(1).map((units, k) => {
    const inputs = sizes[k], values = Float32Array.from({ length: units * inputs }, (_, at) => {
      const u = Math.floor(at / inputs), i = at % inputs;
      if (k > 0 || !image) return 0.09 * r.normal() * (0.4 + (states[k].activation?.[i] ?? 0)) * (k === sizes.length - 2 && u === best ? 2.2 : 1);
      const x = (i % side) / side - 0.5, y = Math.floor(i / side) / side - 0.5;
      return 0.05 * r.normal() * Math.exp(-9 * (x * x + y * y)) + 0.06 * Math.sin(9 * x + u) * Math.cos(7 * y + 2 * u) * Math.exp(-8 * (x * x + y * y));
    });
    return linkOf(k + 1, [units, inputs], values, most);
  });
  return { model, state: { step: 10982, layers: states, links } };
}

// Two convolutions, pools, a dense end.
export function cnn({ seed = 11, size = 28 } = {}) {
  const r = random(seed), half = size / 2, quarter = size / 4;
  const layers = [
    { name: 'input', kind: 'input', shape: [1, size, size], parameters: 0, inputs: [] },
    { name: 'conv1', kind: 'conv', activation: 'relu', shape: [8, size, size], parameters: 208, inputs: ['input'] },
    { name: 'pool1', kind: 'pool', shape: [8, half, half], parameters: 0, inputs: ['conv1'] },
    { name: 'conv2', kind: 'conv', activation: 'relu', shape: [16, half, half], parameters: 3216, inputs: ['pool1'] },
    { name: 'pool2', kind: 'pool', shape: [16, quarter, quarter], parameters: 0, inputs: ['conv2'] },
    { name: 'flatten', kind: 'flatten', shape: [16 * quarter * quarter], parameters: 0, inputs: ['pool2'] },
    { name: 'fc', kind: 'dense', activation: 'relu', shape: [128], parameters: 100480, inputs: ['flatten'] },
    { name: 'out', kind: 'dense', activation: 'softmax', shape: [10], parameters: 1290, inputs: ['fc'] },
  ];
  const picture = digit(size, size), states = layers.map(layer => unitsOf(r, layer.shape.length === 3 ? layer.shape[0] : layer.shape[0], layer.name === 'conv2' ? { dead: [5] } : {}));
  states[0] = { value: { shape: layers[0].shape, data: picture } };
  for (const [at, scale] of [[1, 1], [3, 2]]) {
    const [channels, height, width] = layers[at].shape, data = new Float32Array(channels * height * width);
    for (let c = 0; c < channels; c++) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      const here = (dx, dy) => picture[Math.min(size - 1, Math.max(0, scale * y + dy)) * size + Math.min(size - 1, Math.max(0, scale * x + dx))];
      data[(c * height + y) * width + x] = at === 3 && c === 5 ? 0 : Math.max(0, Math.cos(c) * (here(1, 0) - here(-1, 0)) + Math.sin(c) * (here(0, 1) - here(0, -1)) + 0.3 * Math.cos(2 * c) * here(0, 0));
    }
    states[at].value = { shape: layers[at].shape, data };
  }
  const out = Float32Array.from({ length: 10 }, (_, u) => (u === 9 ? 0.94 : 0.06 / 9));
  states[7].value = { shape: [10], data: out };
  states[7].activation = out;
  const shapes = { 1: [8, 1, 5, 5], 3: [16, 8, 5, 5], 6: [128, 16 * quarter * quarter], 7: [10, 128] };
  const links = Object.entries(shapes).map(([at, shape]) => {
    const k = shape[2] ?? 1, values = Float32Array.from({ length: product(shape) }, (_, i) => (shape.length === 4
      ? Math.sin(1.3 * (i % k) + Math.floor(i / (k * k))) * Math.cos(1.1 * Math.floor((i % (k * k)) / k) + Math.floor(i / (k * k * shape[1]))) * 0.2 + 0.05 * r.normal() : 0.06 * r.normal()));
    return linkOf(Number(at), shape, values, 3000);
  });
  return { model: { layers, classes: [...'0123456789'] }, state: { step: 4200, layers: states, links } };
}

// Many layers of one width. Weights are folded to `cells` a side, as the server folds large ones.
export function deep(count, width, { seed = 3, most = 3000, cells = 64 } = {}) {
  const r = random(seed), layers = Array.from({ length: count }, (_, i) => ({
    name: i === 0 ? 'input' : `fc${i}`, kind: i === 0 ? 'input' : 'dense', activation: i ? 'tanh' : null, shape: [width], parameters: i ? width * width : 0, inputs: i ? [i === 1 ? 'input' : `fc${i - 1}`] : [],
  }));
  const states = layers.map(() => unitsOf(r, width)), side = Math.min(cells, width);
  const links = layers.slice(1).map((_, k) => {
    const value = Float32Array.from({ length: most }, () => r.normal()).sort((a, b) => Math.abs(b) - Math.abs(a));
    const matrix = { data: Uint16Array.from({ length: side * side }, () => halfOf(r.normal())), rows: side, cols: side, full: side < width ? [width, width] : null, shape: [side, side], scale: 1, nonfinite: 0 };
    return { layer: k + 1, tensor: k + 1, matrix: { weight: matrix }, strongest: { weight: { index: Uint32Array.from({ length: most }, () => Math.floor(r.uniform() * width * width)), value } } };
  });
  return { model: { layers }, state: { step: 77, layers: states, links } };
}
