// The network's picture in a real browser, on networks whose every number is known: colours are read back from the canvas and
// compared with the legend, marks are looked for where they must be, the context is lost and comes back, WebGL2 is missing,
// keys walk, exports hold what they say, 1000 layers and odd ones are drawn.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromiumPath, until } from './support/stage.mjs';
import { openBrowser, openPage } from './support/picture.mjs';

if (!chromiumPath) {
  console.log('skipped: no chromium');
  process.exit(77);
}

let browser;
before(async () => { browser = await openBrowser(); });
after(() => browser?.close());

// Opens a page, makes picture `p` of network `n` (an expression) under a look, and draws it.
async function drawn(network, { look = {}, ...options } = {}) {
  const page = await openPage(browser, options);
  page.last = await page.evaluate(`(() => {
    window.chosen = []; window.hovered = []; window.draws = 0;
    window.n = ${network};
    window.look = { ...nn.PLAIN, ...${JSON.stringify(look)} };
    window.p = new nn.Picture(document.getElementById('host'), { mode: ${JSON.stringify(options.mode ?? 'dark')} },
      { choose: t => chosen.push(t), hover: t => hovered.push(t), drawn: () => draws++ });
    p.setModel(n.model); p.setState(n.state); p.setLook(look);
    return p.draw();
  })()`);
  return page;
}

// What stands on the canvas that is shown, at these points (CSS pixels): drawn and read in one task. Without the words above it.
const readBack = (page, points) => page.evaluate(points => {
  p.draw();
  const shown = [...document.querySelectorAll('canvas')].filter(c => c.style.display !== 'none').slice(0, -1).at(-1);
  const canvas = document.createElement('canvas'), ratio = shown.width / innerWidth;
  canvas.width = shown.width; canvas.height = shown.height;
  const g = canvas.getContext('2d', { willReadFrequently: true });
  g.drawImage(shown, 0, 0);
  return points.map(([x, y]) => [...g.getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1).data.slice(0, 3)]);
}, points);

const places = (page, layer, units) => page.evaluate(([layer, units]) => units.map(unit => p.where({ layer, unit })), [layer, units]);
const bytesOf = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
const noFailures = page => assert.deepEqual(page.failures, []);
const BAD = { dark: '#ff6f76', light: '#c0232c' };

// A network with a known value at each unit: 0, 1, 2 ... of each layer; one NaN, one infinite; dead, saturated and young ones.
const KNOWN = `(() => {
  const ramp = (n, k) => Float32Array.from({ length: n }, (_, i) => k * i);
  const layers = [
    { name: 'input', kind: 'input', shape: [5, 4], parameters: 0, inputs: [] },
    { name: 'a', kind: 'dense', activation: 'relu', shape: [100], parameters: 2100, inputs: ['input'] },
    { name: 'b', kind: 'dense', activation: 'tanh', shape: [12], parameters: 1212, inputs: ['a'] },
    { name: 'out', kind: 'dense', activation: 'softmax', shape: [4], parameters: 52, inputs: ['b'] }];
  const a = ramp(100, 0.01), marks = new Uint8Array(100);
  a[7] = NaN; a[8] = Infinity; a[20] = 0; marks[20] = 1; marks[33] = 2; marks[50] = 4;
  const gradient = Float32Array.from({ length: 100 }, (_, i) => 10 ** (-6 + i / 25));
  const weight = Float32Array.from({ length: 1200 }, (_, i) => Math.sin(i) * 0.1);
  const order = Uint32Array.from(weight.keys()).sort((i, j) => Math.abs(weight[j]) - Math.abs(weight[i]));
  return { model: { layers, classes: ['cat', 'dog', 'eel', 'fox'] }, state: { step: 42, layers: [
    { value: { shape: [5, 4], data: ramp(20, 0.05) } },
    { activation: a, marks, gradient },
    { activation: ramp(12, 1), gradient: ramp(12, 1e-3), value: { shape: [12], data: ramp(12, 0.1).map(v => v - 0.5) } },
    { activation: ramp(4, 0.25), value: { shape: [4], data: Float32Array.of(0.1, 0.2, 0.6, 0.1) } }],
    links: [{ layer: 2, tensor: 5, matrix: { weight: { data: weight, rows: 12, cols: 100, full: null, shape: [12, 100], scale: 1, nonfinite: 0 } },
      strongest: { weight: { index: order, value: Float32Array.from(order, i => weight[i]) } } }] } };
})()`;

// What the legend says that a value looks like, worked out here from the scale alone.
const legendColour = (page, scale, value, mode) => page.evaluate(([scale, value, mode]) => {
  let share = scale.log ? Math.log(Math.abs(value) / scale.low) / Math.log(scale.high / scale.low) : (value - scale.low) / (scale.high - scale.low);
  share = Math.min(1, Math.max(0, share));
  const strip = nn.stripOf(scale, mode), at = 4 * Math.round(255 * share);
  return [[0, 1, 2].map(c => strip[at + c]), [0, 1, 2].map(c => strip[Math.max(0, at - 4) + c]), [0, 1, 2].map(c => strip[Math.min(1020, at + 4) + c])];
}, [scale, value, mode]);

for (const mode of ['dark', 'light'])
  test(`${mode}: every unit has the legend's colour of its value, on each scale`, async () => {
    const page = await drawn(KNOWN, { mode, look: { links: 'none' } }), units = [0, 1, 2, 10, 49, 50, 60, 98, 99], where = await places(page, 1, units);
    assert.equal(page.last.how, 'webgl2');
    for (const [look, wanted] of [[{}, { low: 0, high: 1, log: false }], [{ quantity: 'gradient' }, { low: 1e-6, high: 0.01, log: true }], [{ scale: 'network' }, { low: 0, high: 12, log: false }]]) {
      const { scale } = await page.evaluate(change => { p.setLook({ ...look, ...change }); return p.draw().layers[1]; }, look), quantity = look.quantity ?? 'activation';
      assert.ok(Math.abs(scale.low - wanted.low) < 1e-12 && Math.abs(scale.high - wanted.high) < 1e-12 && scale.log === wanted.log, JSON.stringify(scale));
      const values = await page.evaluate(([units, q]) => units.map(u => n.state.layers[1][q][u]), [units, quantity]), colours = await readBack(page, where.map(w => [w.x, w.y]));
      for (const [i, unit] of units.entries()) {
        const allowed = await legendColour(page, scale, values[i], mode);
        assert.ok(allowed.some(c => c.every((v, k) => v === colours[i][k])), `unit ${unit}: ${quantity} ${values[i]} is drawn ${colours[i]}, the legend says ${allowed[0]}`);
        assert.deepEqual(await page.evaluate(unit => p.colourAt({ layer: 1, unit }), unit), colours[i]);
      }
    }
    noFailures(page);
    await page.close();
  });

test('NaN and infinity in their own colour, dead ringed, saturated barred, young smaller, pixels in place', async () => {
  for (const mode of ['dark', 'light']) {
    const page = await drawn(KNOWN, { mode, look: { links: 'none' } });
    const [nan, infinite, dead, saturated, young, plain] = await places(page, 1, [7, 8, 20, 33, 50, 51]);
    const own = await page.evaluate(mode => nn.NONFINITE[mode], mode), r = dead.radius;
    const [n1, n2, rim, middle, bar, noBar, youngRim, plainRim] = await readBack(page, [
      [nan.x, nan.y], [infinite.x, infinite.y], [dead.x + r - 0.2, dead.y], [dead.x, dead.y], [saturated.x, saturated.y - r], [plain.x, plain.y - r - 0.8], [young.x + 0.8 * young.radius, young.y], [plain.x + 0.8 * plain.radius, plain.y]]);
    assert.deepEqual([n1, n2], [bytesOf(own), bytesOf(own)]);
    const near = (a, b, most) => a.every((v, i) => Math.abs(v - b[i]) <= most);
    assert.ok(near(rim, bytesOf(BAD[mode]), 60), `ring ${rim}`);
    assert.ok(!near(middle, bytesOf(BAD[mode]), 60), `middle ${middle}`);
    assert.ok(near(bar, bytesOf(mode === 'dark' ? '#f2ab40' : '#8f5606'), 60), `bar ${bar}`);
    assert.ok(!near(noBar, bar, 60));
    const bg = bytesOf(mode === 'dark' ? '#0a0d12' : '#f6f8fa');
    assert.ok(near(youngRim, bg, 40) && !near(plainRim, bg, 40), `young ${youngRim} plain ${plainRim}`);
    assert.deepEqual([page.last.layers[1].nonfinite, page.last.layers[1].dead, page.last.layers[1].saturated, page.last.layers[1].young], [2, 1, 1, 1]);
    const pixels = await readBack(page, (await places(page, 0, [0, 7, 19])).map(w => [w.x, w.y])), ramp = await page.evaluate(mode => [...nn.rampOf('pixels', mode)], mode);
    [0, 7, 19].forEach((unit, i) => assert.deepEqual(pixels[i], ramp.slice(4 * Math.round(255 * 0.05 * unit), 4 * Math.round(255 * 0.05 * unit) + 3), `pixel ${unit}`));
    noFailures(page);
    await page.close();
  }
});

// Colours of cells of the matrix of layer 2, and what they must be.
async function checkMatrix(page) {
  const result = await page.evaluate(() => {
    const pair = p.draw().pairs[0], found = [];
    for (let y = 10; y < innerHeight; y += 3) for (let x = 10; x < innerWidth; x += 3) {
      const target = p.hit(x + 0.5, y + 0.5);
      if (target?.kind === 'link') found.push([x + 0.5, y + 0.5, target.index, target.value]);
    }
    return { pair, found: found.filter((_, i) => i % 37 === 0) };
  });
  assert.ok(result.found.length > 20);
  const { scale } = result.pair, strip = await page.evaluate(mode => [...nn.rampOf('signed', mode)], 'dark');
  const colours = await readBack(page, result.found.map(([x, y]) => [x, y]));
  let same = 0;
  result.found.forEach(([, , index, value], i) => {
    assert.ok(Math.abs(value - Math.fround(Math.sin(index) * 0.1)) < 1e-3 * 0.1, 'the value under the pointer is the weight');
    const code = Math.round(255 * (0.5 + value / scale.high / 2));
    if ([-1, 0, 1].some(d => [0, 1, 2].every(c => strip[4 * Math.min(255, Math.max(0, code + d)) + c] === colours[i][c]))) same++;
  });
  assert.ok(same >= 0.9 * result.found.length, `${same} of ${result.found.length} (edges between cells aside)`);
}

test('a matrix: every cell has the legend\u2019s colour, from floats, halves and codes', async () => {
  const page = await drawn(KNOWN, { width: 1400, look: { links: 'matrices' } });
  await checkMatrix(page);
  const half = await (await import('./support/networks.mjs')).halfOf(0.5);
  assert.equal(half, 0x3800);
  for (const data of ['Uint16Array.from(w, v => nn.halfOf(v))', 'Int8Array.from(w, v => Math.round(v / 0.0008))']) {
    await page.evaluate(`(() => { const m = n.state.links[0].matrix.weight, w = Float32Array.from({ length: 1200 }, (_, i) => Math.sin(i) * 0.1);
      p.setState({ ...n.state, links: [{ ...n.state.links[0], matrix: { weight: { ...m, data: ${data}, scale: ${data.startsWith('Int8') ? 0.0008 : 1} } } }] }); })()`);
    if (!data.startsWith('Int8')) await checkMatrix(page);
    else assert.equal((await page.evaluate(() => p.draw().pairs[0])).drawn, 1200);
  }
  noFailures(page);
  await page.close();
});

test('lines: as many as asked, blue below and orange above zero, more on demand for a chosen unit', async () => {
  const page = await drawn(KNOWN, { look: { strongest: 50 } });
  assert.deepEqual([page.last.pairs[0].drawn, page.last.pairs[0].total], [50, 1200]);
  const points = await page.evaluate(() => {
    const { data, count, value } = p.scene.lines[0].batch, out = [];
    for (let i = 0; i < count; i++) out.push([(data[6 * i] + data[6 * i + 2]) / 2, (data[6 * i + 1] + data[6 * i + 3]) / 2, value[i]]);
    return out;
  });
  const target = await page.evaluate(([x, y]) => p.hit(x, y), points.at(-1));
  assert.equal(target.kind, 'link');
  const alone = await page.evaluate(() => { p.setLook({ ...look, strongest: 1 }); return p.draw().pairs[0].drawn; });
  assert.equal(alone, 1);
  const [colour] = await readBack(page, [points.at(-1)]);
  const [r, , b] = colour;
  assert.ok(points.at(-1)[2] > 0 ? r > b + 20 : b > r + 20, `${points.at(-1)[2]} is ${colour}`);
  await page.evaluate(() => { p.select({ layer: 2, unit: 3 }); p.draw(); });
  assert.equal(await page.evaluate(() => p.scene.chosen.reduce((n, b) => n + b.count, 0)), 100);
  for (const tensor of [5, 0]) { // 0: which of the layer's tensors is not known
    await page.evaluate(tensor => { p.selectTarget({ kind: 'link', layer: 2, tensor, index: 317, from: { layer: 1, unit: 17 }, to: { layer: 2, unit: 3 }, value: NaN }); p.draw(); }, tensor);
    assert.deepEqual(await page.evaluate(() => p.scene.chosen.map(b => [...b.index])), [[317]], `tensor ${tensor}`);
  }
  noFailures(page);
  await page.close();
});

test('a line lies along its cubic, across and upright, in the hue of its sign', async () => {
  for (const options of [{}, { width: 390, height: 1200 }, { width: 390, height: 1200, mode: 'light' }]) {
    const page = await drawn(KNOWN, { ...options, look: { strongest: 1 } });
    const { points, value } = await page.evaluate(() => {
      const { batch } = p.scene.lines[0], [x0, y0, x1, y1] = batch.data, { zoom, x, y } = p.view, up = p.layout.vertical;
      const at = t => ({ main: 1.5 * t * (1 - t) + t ** 3, cross: t * t * (3 - 2 * t) });
      const place = t => [x0 + (x1 - x0) * (up ? at(t).cross : at(t).main), y0 + (y1 - y0) * (up ? at(t).main : at(t).cross)].map((v, i) => v * zoom + (i ? y : x));
      return { points: [0.45, 0.5, 0.55].map(place), value: batch.value[0] };
    });
    for (const [r, , b] of await readBack(page, points)) assert.ok(value > 0 ? r > b + 20 : b > r + 20, `${JSON.stringify(options)}: ${r} ${b} of ${value}`);
    noFailures(page);
    await page.close();
  }
});

test('what is asked of a picture that did not change makes nothing anew', async () => {
  const page = await drawn(KNOWN);
  const reads = await page.evaluate(() => {
    let reads = 0;
    p.setState({ ...n.state, links: new Proxy(n.state.links, { get: (...args) => (reads++, Reflect.get(...args)) }) });
    p.draw();
    const drawing = reads;
    for (let i = 0; i < 50; i++) p.where({ layer: 1, unit: i }), p.colourAt({ layer: 1, unit: i });
    return [drawing, reads - drawing];
  });
  assert.ok(reads[0] > 0 && reads[1] === 0, `${reads[1]} reads of the links for 100 questions`);
  await page.close();
});

// What stands on both canvases of a picture, put over each other.
const PIXELS = `picture => {
  const { gl, ink } = picture.surfaces, canvas = document.createElement('canvas');
  canvas.width = gl.width; canvas.height = gl.height;
  const g = canvas.getContext('2d', { willReadFrequently: true });
  for (const layer of [gl, ink]) g.drawImage(layer, 0, 0);
  return g.getImageData(0, 0, gl.width, gl.height).data;
}`;

test('no lines are asked for: those of the chosen unit go when another one is chosen', async () => {
  const page = await drawn('nn.mlp()', { look: { strongest: 0 } }), differ = await page.evaluate(`(() => {
    const pixels = ${PIXELS}, choose = unit => { p.select({ layer: 1, unit }); p.draw(); p.finish(); return pixels(p); };
    const [, other] = [choose(40), choose(300)];
    p.painter.frame = []; // nothing is known of what stands there
    const anew = choose(300);
    return other.filter((v, i) => Math.abs(v - anew[i]) > 1).length;
  })()`);
  assert.equal(differ, 0);
  noFailures(page);
  await page.close();
});

test('layers so close that their parts meet: lines never lie twice', async () => {
  const page = await drawn('nn.deep(300, 12, { most: 144 })', { width: 700 }), differ = await page.evaluate(`(async () => {
    const pixels = ${PIXELS};
    for (let i = 0; i < 12; i++) p.move({ zoom: 0.02, x: 0, y: 0 });
    await new Promise(done => setTimeout(done, 300)); // at rest again
    p.draw(); p.finish();
    const whole = pixels(p);
    p.setState({ ...n.state }); p.draw(); p.finish();
    const after = pixels(p);
    return whole.filter((v, i) => Math.abs(v - after[i]) > 1).length;
  })()`);
  assert.equal(differ, 0);
  noFailures(page);
  await page.close();
});

test('another density of the screen: drawn at once, as sharp as it is', async () => {
  const page = await drawn(KNOWN), session = await page.context().newCDPSession(page);
  const before = await page.evaluate(() => draws);
  await session.send('Emulation.setDeviceMetricsOverride', { width: 900, height: 620, deviceScaleFactor: 2, mobile: false });
  await until('a new picture', () => page.evaluate(b => {
    requestAnimationFrame(() => {}); // a page on which nothing moves may get no frame, and so no word of its screen
    if (draws > b && p.surfaces.gl.width === 1800) return true;
    throw new Error(`${draws - b} draws, ${p.surfaces.gl.width} wide, ratio ${devicePixelRatio}, ${document.visibilityState}`);
  }, before));
  noFailures(page);
  await page.close();
});

test('more said of the same layers: what is chosen and shown stays, new words are taken', async () => {
  const page = await drawn('nn.mlp([16, 12, 4], { image: false })'), after = await page.evaluate(() => {
    p.select({ layer: 1, unit: 5 }); p.pan(-3, 0);
    p.setModel({ ...n.model, classes: ['ant', 'bee', 'cow', 'doe'] });
    const { layers } = p.draw();
    return { chosen: p.chosen?.unit, known: layers.every(l => l.quantity !== ''), words: p.words.includes('cow') };
  });
  assert.deepEqual(after, { chosen: 5, known: true, words: true });
  noFailures(page);
  await page.close();
});

test('a picture of which only units changed is, pixel by pixel, the one that is drawn anew; so are its words', async () => {
  for (const [network, options] of [[KNOWN, {}], ['nn.mlp()', { mode: 'light' }], ['nn.cnn()', {}], [KNOWN, { deviceScaleFactor: 2, width: 700, height: 500 }]]) {
    const page = await drawn(network, options), differ = await page.evaluate(`(async () => {
      const pixels = ${PIXELS};
      // Values turned around, marks moved: rings vanish, units that were faint are strong.
      const other = { ...n.state, step: 43, layers: n.state.layers.map(l => ({ ...l,
        ...(l.activation ? { activation: l.activation.slice().reverse() } : {}), ...(l.marks ? { marks: l.marks.slice().reverse() } : {}),
        ...(l.value ? { value: { ...l.value, data: l.value.data.slice().reverse() } } : {}) })) };
      const found = [];
      for (const step of [() => {}, () => p.pan(-31.5, 3.25), () => p.fit()]) {
        step();
        await new Promise(done => setTimeout(done, 300)); // at rest again
        p.draw(); p.finish();
        for (const state of [other, n.state, other]) p.setState(state), p.draw();
        p.finish();
        const after = pixels(p), host = document.createElement('div');
        host.style.cssText = 'position:fixed;inset:0';
        document.body.append(host);
        const fresh = new nn.Picture(host, { mode: p.theme.mode });
        fresh.setModel(n.model); fresh.setLook(look); fresh.setState(other); fresh.draw();
        fresh.view = p.view; fresh.draw(); fresh.finish();
        const anew = pixels(fresh);
        fresh.close(); host.remove();
        found.push(after.length === anew.length ? after.filter((v, i) => Math.abs(v - anew[i]) > 1).length : -1);
      }
      return found;
    })()`);
    assert.deepEqual(differ, [0, 0, 0], `${network.slice(0, 12)} ${differ}`);
    noFailures(page);
    await page.close();
  }
});

test('a picture that stands still takes more lines than one that changes ten times a second', async () => {
  const page = await drawn('nn.mlp()', { width: 1400, height: 700 });
  const live = await page.evaluate(async () => {
    for (let i = 0; i < 40; i++) {
      p.setState({ ...n.state, step: i, links: n.state.links.map(l => ({ ...l, strongest: { weight: { ...l.strongest.weight } } })) });
      await new Promise(done => setTimeout(done, 100));
    }
    return p.draw().strongest;
  });
  const more = await until('more lines', () => page.evaluate(live => { const { strongest } = p.draw(); return (strongest > live || strongest === 3000) && strongest; }, live));
  const [held, again] = await page.evaluate(() => [39, 40].map(step => { p.setState({ ...n.state, step }); return p.draw().strongest; }));
  assert.ok(live === 3000 || (more > live && held >= more && again < more), `${live} live, ${more} still, ${held} of the same step, ${again} of another`);
  noFailures(page);
});

test('a lost context: drawn at once on a plain canvas with a word why, and on WebGL2 again when it is back', async () => {
  const page = await drawn(KNOWN, { look: { links: 'none' } });
  const [first] = await places(page, 1, [60]), before = await readBack(page, [[first.x, first.y]]);
  await page.evaluate(() => { window.lose = document.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context'); lose.loseContext(); });
  await until('the fallback', async () => (await page.evaluate(() => p.draw().how)) === 'canvas');
  assert.match(await page.locator('[role=status]').textContent(), /context was lost/);
  assert.deepEqual(await readBack(page, [[first.x, first.y]]), before);
  await page.evaluate(() => lose.restoreContext());
  await until('WebGL2 again', async () => (await page.evaluate(() => p.draw().how)) === 'webgl2');
  assert.equal(await page.locator('[role=status]').textContent(), '');
  assert.deepEqual(await readBack(page, [[first.x, first.y]]), before);
  assert.deepEqual(page.failures.filter(f => !/context/i.test(f)), []);
  await page.close();
});

test('without WebGL2: units, marks, matrices and lines on a plain canvas, and a word why', async () => {
  for (const links of ['none', 'matrices', 'lines']) {
    const page = await openPage(browser, { width: 1400 });
    page.last = await page.evaluate(`(() => { const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };
      window.n = ${KNOWN}; window.p = new nn.Picture(document.getElementById('host'), { mode: 'dark' }); p.setModel(n.model); p.setState(n.state);
      p.setLook({ ...nn.PLAIN, links: '${links}' }); return p.draw(); })()`);
    assert.equal(page.last.how, 'canvas');
    assert.match(page.last.why, /no WebGL2/);
    const [unit, dead] = await places(page, 1, [60, 20]), [colour, ring] = await readBack(page, [[unit.x, unit.y], [dead.x + dead.radius - 0.2, dead.y]]);
    assert.deepEqual(colour, await page.evaluate(() => p.colourAt({ layer: 1, unit: 60 })));
    assert.ok(ring[0] > 150 && ring[1] < 140, `ring ${ring}`);
    if (links === 'matrices') await checkMatrix(page);
    if (links === 'lines') assert.ok(page.last.pairs[0].drawn > 0 && page.last.pairs[0].drawn <= 300);
    noFailures(page);
    await page.close();
  }
});

test('pointer and keys: hover says the value, a click chooses, arrows walk, escape lets go', async () => {
  const page = await drawn(KNOWN), [at] = await places(page, 1, [60]);
  await page.mouse.move(at.x, at.y);
  await until('hover', () => page.evaluate(() => hovered.at(-1)?.unit === 60));
  assert.equal(await page.evaluate(() => hovered.at(-1).value), Math.fround(0.6));
  await page.mouse.click(at.x, at.y);
  await until('choice', () => page.evaluate(() => chosen.at(-1)?.unit === 60));
  await page.locator('[role=img]').press('ArrowRight');
  assert.equal(await page.evaluate(() => chosen.at(-1).unit), 61);
  assert.match(await page.locator('[aria-live]').last().textContent(), /a, unit 61: 0\.61/);
  await page.locator('[role=img]').press('Escape');
  assert.equal(await page.evaluate(() => chosen.at(-1)), null);
  noFailures(page);
  await page.close();
});

test('in words: a label, and a table of the layers', async () => {
  const page = await drawn(KNOWN);
  assert.match(await page.locator('[role=img]').getAttribute('aria-label'), /Network of 4 layers, 1200 links.*1 dead units?/);
  assert.deepEqual(await page.locator('table[aria-label] tr').nth(2).locator('td').allTextContents(), ['a', 'dense relu', '100', '0', '0.9900', '1', '1', '2']);
  await page.close();
});

test('exports: SVG is well-formed and holds units, lines, legend; PNG is a picture of that size', async () => {
  const page = await drawn(KNOWN, { look: { strongest: 40 } });
  const svg = await page.evaluate(() => {
    const text = p.exportSvg(), parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
    return { bad: parsed.querySelectorAll('parsererror').length, circles: parsed.querySelectorAll('circle').length, paths: parsed.querySelectorAll('path').length, words: parsed.documentElement.textContent, title: parsed.querySelector('title').textContent };
  });
  assert.equal(svg.bad, 0);
  assert.ok(svg.circles >= 116 && svg.paths === 40, JSON.stringify(svg).slice(0, 200));
  for (const word of ['fox', '100 as', '1 dead', 'mean |activation| over the batch, linear', 'weight w', 'strongest 40 drawn']) assert.ok(svg.words.includes(word), word);
  assert.match(svg.title, /Step 42/);
  const png = await page.evaluate(async () => { const image = await createImageBitmap(await p.exportPng(2)); return [image.width, image.height]; });
  assert.ok(png[0] === 1800 && png[1] > 1240, String(png));
  noFailures(page);
  await page.close();
});

test('odd networks: none, zero-size, one unit, a circle, 1000 layers, a wide one; phone and high density', async () => {
  const layers = list => `{ model: { layers: ${JSON.stringify(list)} }, state: { step: 0, layers: [], links: [] } }`;
  const dense = (name, shape, inputs = []) => ({ name, kind: 'dense', shape, parameters: 1, inputs });
  const networks = [
    layers([]), layers([dense('none', [0]), dense('nothing', [], ['none'])]), layers([dense('one', [1])]), layers([dense('a', [3], ['b']), dense('b', [3], ['a'])]),
    'nn.deep(1000, 16, { most: 20, cells: 8 })', layers([dense('wide', [20000]), dense('out', [3], ['wide'])]), 'nn.cnn()',
  ];
  for (const options of [{}, { width: 390, height: 700, deviceScaleFactor: 2, mode: 'light' }]) {
    const page = await drawn(networks[0], options);
    for (const [i, network] of networks.entries()) {
      if (options.width && network.includes('1000')) continue; // once is enough
      const how = await page.evaluate(`(() => { window.n = ${network}; p.setModel(n.model); p.setState(n.state); p.setLook(look); p.draw(); p.fit();
        const drawn = p.draw(); p.setLook({ ...look, links: 'matrices' }); p.draw(); p.show(0); p.draw(); return drawn.how; })()`);
      assert.equal(how, 'webgl2', `network ${i}`);
      noFailures(page);
    }
    await page.close();
  }
});

test('a long network: dragging pans, the strip moves there, only what is in sight is drawn', async () => {
  const page = await drawn('nn.deep(100, 200, { most: 50, cells: 16 })');
  assert.ok(await page.evaluate(() => p.scene.blocks.length) < 30);
  await page.mouse.move(600, 90);
  await page.mouse.down();
  await page.mouse.move(300, 90, { steps: 4 });
  await page.mouse.up();
  await until('the pan', () => page.evaluate(() => p.view.x === -300));
  assert.equal(await page.evaluate(() => chosen.length), 0, 'a drag chooses nothing');
  await page.mouse.click(880, 605);
  await until('the end', () => page.evaluate(() => p.scene.blocks.some(b => b.key === 'units 99')));
  const end = await page.evaluate(() => p.view.x);
  await page.mouse.move(450, 300);
  await until('the wheel', async () => {
    await page.mouse.wheel(0, -400);
    return page.evaluate(end => p.view.x > end + 300, end);
  });
  noFailures(page);
  await page.close();
});
