// A network with known numbers, as the server would tell of it: model, live captures, snapshots and series, served to a page by
// routes of the browser. Whatever the test wants is set in the options; everything else follows from the step.
import { capture, statistics } from './capture.mjs';

const TICK_MS = 250;
export const RUN = '01JSYNTHETICNETWORK0000000';

const product = shape => shape.reduce((n, s) => n * s, 1);
const noise = (a, b) => { // the same for the same pair, in [-1, 1]
  let h = Math.imul(a + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return ((h ^ (h >>> 13)) >>> 0) / 2147483648 - 1;
};

export class Synthetic {
  // layers: [{name, kind, activation, shape}], each fed by the one before. decades: of the gradient per layer towards the input
  // (negative: exploding); dead: share of units of hidden layers that are dead.
  constructor({ layers, decades = 0.2, dead = 0.01, step = 12480, snapshots = 40, over = false }) {
    Object.assign(this, { decades, dead, step, over });
    this.layers = layers.map((l, i) => {
      const inputs = i ? product(layers[i - 1].shape) : 0, units = product(l.shape);
      return { number: i + 1, activation: null, inputs: i ? [layers[i - 1].name] : [], parameters: i ? inputs * units + units : 0, fanIn: inputs, units, ...l };
    });
    this.snapshots = Array.from({ length: snapshots }, (_, i) => Math.round(((i + 1) * step) / (snapshots + 1)));
    this.sockets = new Set();
  }

  weight(layer, unit, input, step) {
    const { shape } = this.layers[layer - 1], size = 1 / Math.sqrt(this.layers[layer].fanIn), at = 1 - Math.exp(-step / 4000);
    if (shape.length !== 2) return size * (noise(unit * 7919 + layer, input) + at * Math.sin(unit + input));
    const y = Math.floor(input / shape[1]) / shape[0] - 0.5, x = (input % shape[1]) / shape[1] - 0.5, r = Math.hypot(x, y);
    return size * ((1 - at) * noise(unit * 7919, input) + 3 * at * Math.exp(-6 * r * r) * Math.sin(14 * r + (1 + (unit % 3)) * Math.atan2(y, x) + unit));
  }

  gradientNorm(layer, step) {
    return 0.11 * 10 ** (-this.decades * (this.layers.length - 1 - layer)) * (0.3 + Math.exp(-step / 5000)) * (1 + 0.05 * Math.sin(step / 300 + layer));
  }

  isDead(layer, unit) {
    return layer > 0 && layer < this.layers.length - 1 && (noise(unit, layer * 31) + 1) / 2 < this.dead;
  }

  activation(layer, unit, step) {
    const { shape, units } = this.layers[layer];
    if (layer === 0 && shape.length === 2) {
      const y = Math.floor(unit / shape[1]) / shape[0] - 0.5, x = (unit % shape[1]) / shape[1] - 0.5;
      return Math.max(0, Math.exp(-40 * (Math.hypot(x * 1.3, y) - 0.28) ** 2 * 6) - 0.05);
    }
    if (this.isDead(layer, unit)) return 0;
    if (layer === this.layers.length - 1) return unit === 9 % units ? 0.97 : 0.003 * (1 + unit);
    return Math.max(0, noise(unit, layer) ** 3 * (1 + 0.2 * Math.sin(step / 200 + unit)));
  }

  gradient(layer, unit, step) {
    return layer === 0 || this.isDead(layer, unit) ? 0 : (this.gradientNorm(layer, step) / Math.sqrt(this.layers[layer].units)) * Math.abs(1 + noise(unit * 3, layer)) ** 3;
  }

  statistic(layer, word, step) {
    const l = this.layers[layer], inner = layer > 0;
    switch (word) {
      case 'gradient/norm': return inner ? this.gradientNorm(layer, step) * Math.sqrt(l.parameters / 1000) : NaN;
      case 'update_ratio': return inner ? 9e-4 * (1 + 0.3 * Math.sin(step / 500 + layer)) : NaN;
      case 'sparsity': return inner && layer < this.layers.length - 1 ? 0.5 + 0.1 * layer - 0.1 * Math.exp(-step / 2000) : layer ? 0 : 0.81;
      case 'dead': return inner && layer < this.layers.length - 1 ? this.dead * (1 - Math.exp(-step / 2000)) : inner ? 0 : NaN;
      case 'saturated': return inner ? 0 : NaN;
      case 'nonfinite': return 0;
      case 'weight/norm': return inner ? 20 + layer : NaN;
      default: return word.startsWith('weight') && !inner ? NaN : 0.1 * layer;
    }
  }

  units(layer, step, classes = false) {
    const l = this.layers[layer], shape = [l.units], at = i => Array.from({ length: l.units }, (_, u) => i(u)), number = layer + 1;
    const f32 = (quantity, values) => ({ quantity, layer: number, shape, values });
    const stats = Array.from({ length: Object.keys(statistics).length }, () => NaN);
    for (const [word, i] of Object.entries(statistics)) stats[i] = this.statistic(layer, word, step);
    return [
      f32('activation', at(u => this.activation(layer, u, step))), f32('mean', at(u => this.activation(layer, u, step))), f32('gradient', at(u => this.gradient(layer, u, step))),
      f32('active', at(u => (this.isDead(layer, u) ? 0 : 0.2 + 0.3 * Math.abs(noise(u, 5))))), { quantity: 'marks', coding: 'u8', layer: number, shape, values: at(u => (this.isDead(layer, u) ? 1 : 0)) },
      f32('selectivity', at(u => Math.abs(noise(u, 77)))), { quantity: 'statistics', layer: number, shape: [stats.length], values: stats },
      ...(classes ? [{ quantity: 'class_mean', layer: number, shape: [10, l.units], values: Array.from({ length: 10 * l.units }, (_, i) => Math.abs(noise(Math.floor(i / l.units), i % l.units)) ** 3) }] : []),
    ];
  }

  links(layer, step, strongest, what = ['weights']) {
    const { units, fanIn } = this.layers[layer], weight = new Float32Array(units * fanIn), number = layer + 1, sections = [];
    for (let u = 0; u < units; u++) for (let i = 0; i < fanIn; i++) weight[u * fanIn + i] = this.weight(layer, u, i, step);
    const order = Uint32Array.from(weight.keys()).sort((a, b) => Math.abs(weight[b]) - Math.abs(weight[a])).subarray(0, strongest);
    for (const [word, quantity, strong, by] of [['weights', 'weight', 'strong_weight', 1], ['gradients', 'weight_gradient', 'strong_gradient', this.gradientNorm(layer, step)], ['updates', 'update', 'strong_update', 9e-4]]) {
      if (!what.includes(word)) continue;
      sections.push({ quantity, coding: 'f16', layer: number, tensor: number, shape: [units, fanIn], values: weight.map(w => w * by) });
      sections.push({ quantity: strong, coding: 'pair', layer: number, tensor: number, shape: [order.length], values: Array.from(order, i => [i, weight[i] * by]) });
    }
    return sections;
  }

  unit(layer, unit, step) {
    const { fanIn } = this.layers[layer], number = layer + 1, next = this.layers[layer + 1], sections = [];
    const row = Array.from({ length: fanIn }, (_, i) => (layer ? this.weight(layer, unit, i, step) : 0));
    const put = (quantity, values, of = number) => sections.push({ quantity, layer: of, item: unit, shape: [values.length], values });
    if (layer) put('unit_weight', row), put('unit_gradient', row.map(w => w * 0.01)), put('unit_update', row.map(w => w * 9e-4));
    if (next) put('unit_out', Array.from({ length: next.units }, (_, u) => this.weight(layer + 1, u, unit, step)), number + 1);
    const side = this.layers[0].shape;
    if (side.length === 2) {
      sections.push({ quantity: 'unit_samples', coding: 'u8', layer: number, item: unit, shape: [8, ...side], values: Array.from({ length: 8 * product(side) }, (_, i) => 255 * this.activation(0, i % product(side), step) * (1 + 0.2 * noise(i, unit))) });
      sections.push({ quantity: 'unit_sample_values', layer: number, item: unit, shape: [8, 2], values: Array.from({ length: 16 }, (_, i) => (i % 2 ? (unit + i) % 10 : 3 - i * 0.1)) });
    }
    return sections;
  }

  snapshot(step) {
    return capture({ kind: 2, step, sections: this.layers.flatMap((_, i) => [...this.units(i, step), ...(i ? this.links(i, step, 1000) : [])]) });
  }

  model() {
    return { layers: this.layers.map(({ fanIn, units, ...l }) => l), tensors: this.layers.slice(1).map(l => ({ name: `${l.name}/weight`, number: l.number, layer: l.name, role: 'weight', shape: [l.units, l.fanIn], dtype: 'float32' })), push: null, evaluate: null };
  }

  run() {
    return { id: RUN, name: 'synthetic', project: 'tests', state: this.over ? 'finished' : 'running', last_step: this.step, created: new Date().toISOString(), started: new Date().toISOString(), steps_per_s: 1142, epoch: 13.3, points: 0 };
  }

  // The live link, spoken as the server does: runs, looks, series as raw columns.
  socket(ws) {
    ws.onMessage(text => this.message(ws, JSON.parse(text)));
    ws.send(JSON.stringify({ type: 'hello', version: '0', name: 'tests', scopes: ['read', 'write', 'control'] }));
  }

  message(ws, m) {
    const say = message => ws.send(JSON.stringify(message));
    if (m.type === 'watch_runs') say({ type: 'runs', runs: [this.run()] });
    else if (m.type === 'watch') say({ type: 'run', id: m.id, run: this.run(), series: [], events: [{ number: 1, step: 4000, time: 1, type: 'mark', text: 'learning rate halved' }, { number: 2, step: 9000, time: 2, type: 'nonfinite', text: 'fc1' }], parameters: [], commands: [], media: [] });
    else if (m.type === 'look') this.looks ??= [], this.looks.push(m), this.timer ??= setInterval(() => this.tick(ws), TICK_MS), this.tick(ws, true);
    else if (m.type === 'unlook') this.looks = (this.looks ?? []).filter(l => l.id !== m.id);
    else if (m.type === 'subscribe' || m.type === 'query') ws.send(this.frame(m));
    else if (m.type === 'command') say({ type: 'answer', id: m.id, command: { id: 'c', type: m.command.type, state: 'applied', step: this.step } });
  }

  tick(ws, links = false) {
    this.step += 10;
    for (const look of this.looks ?? []) {
      const sections = this.layers.flatMap((_, i) => [...this.units(i, this.step, look.what.includes('classes')), ...(links && i ? this.links(i, this.step, look.strongest, look.what) : [])]);
      for (const [name, unit] of look.units ?? []) sections.push(...this.unit(this.layers.findIndex(l => l.name === name), unit, this.step));
      ws.send(capture({ number: look.id, step: this.step, sections }));
    }
  }

  // Columns as src/server/frame.h draws them, raw.
  frame({ id, series }) {
    const blocks = series.map((name, b) => {
      const [, layer, word] = name.match(/^layer\/([^/]+)\/(.+)$/) ?? [], at = this.layers.findIndex(l => l.name === layer), rows = at < 0 || Number.isNaN(this.statistic(at, word, 0)) ? 0 : 120;
      const label = Buffer.from(name), pad = (label.length + 7) & ~7, out = Buffer.alloc(48 + pad + 24 * rows);
      out.writeUInt32LE(out.length, 0);
      out.writeUInt16LE(rows ? 1 : 5, 4);
      out.writeUInt16LE(label.length, 6);
      out.writeUInt32LE(rows, 8);
      out.writeBigUInt64LE(BigInt(rows), 24);
      label.copy(out, 48);
      for (let i = 0; i < rows; i++) {
        const step = Math.round((i * this.step) / rows);
        [step, step, rows ? this.statistic(at, word, step) : 0].forEach((v, c) => out.writeDoubleLE(v, 48 + pad + 8 * (c * rows + i)));
      }
      return out;
    });
    const head = Buffer.alloc(48);
    head.writeUInt32LE(0x31534e4e, 0);
    head.writeUInt16LE(1, 4);
    head.writeUInt32LE(id, 8);
    head.writeUInt32LE(blocks.length, 12);
    head.write(RUN, 16);
    return Buffer.concat([head, ...blocks]);
  }

  rest(path, query) {
    if (path.endsWith('/model')) return this.model();
    if (path.endsWith('/snapshots')) return { snapshots: this.snapshots.map((step, i) => ({ step, time: 1e9 + i * 10, bytes: 240000, flags: i === 20 ? ['kept'] : i > 30 && i < 34 ? ['flight'] : [] })), count: this.snapshots.length, bytes: 240000 * this.snapshots.length, per_hour: 86e6, next: null };
    if (path.includes('/units')) {
      const layer = this.layers.findIndex(l => l.name === query.get('layer')), step = Number(query.get('step'));
      return { step, values: Array.from({ length: this.layers[layer].units }, (_, u) => this[query.get('quantity')](layer, u, step)) };
    }
    return {};
  }

  // Routes of a page: its REST calls and its live link end here.
  async attach(page) {
    await page.routeWebSocket(/api\/v1\/live/, ws => this.socket(ws));
    await page.route(/\/api\/v1\//, route => {
      const url = new URL(route.request().url()), shot = url.pathname.match(/snapshots\/(-?\d+)$/);
      if (shot) return route.fulfill({ body: this.snapshot(Number(shot[1])), contentType: 'application/octet-stream' });
      return route.fulfill({ json: this.rest(url.pathname, url.searchParams) });
    });
  }

  close() {
    clearInterval(this.timer);
  }
}

export const mlp = (hidden = [512, 256], activation = 'relu') => [
  { name: 'input', kind: 'input', shape: [28, 28] }, ...hidden.map((n, i) => ({ name: `fc${i + 1}`, kind: 'dense', activation, shape: [n] })), { name: 'out', kind: 'dense', activation: 'softmax', shape: [10] },
];
