// Charts paint no more than what changed (web/src/charts/painted.ts): a picture painted bit by bit as points come is the same as one
// painted whole, in random programs of points, buckets, NaN, attempts, hidden curves, dashes and smoothing, on a real canvas.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { source } from './support/bundle.mjs';
import { chromium, chromiumPath } from './support/stage.mjs';

// The browser rounds a line otherwise where a clip cuts it: so many pixels of a picture may be more than 8 (of 255) apart, and 64.
const PROGRAMS = 16, MOST = { near: 120, far: 16 };

// Runs in the page; P is what paint_entry exports.
function program(seed) {
  const { Points, Painted, paint, Smoothed } = window.P, W = 400, H = 120;
  let state = seed * 7919 + 17;
  const random = () => ((state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff), below = n => Math.floor(random() * n), chance = p => random() < p;
  const canvas = () => Object.assign(document.createElement('canvas'), { width: W, height: H }).getContext('2d', { alpha: false, willReadFrequently: true });
  const strip = canvas(), whole = canvas(), painted = new Painted(), crowd = chance(0.3), steps = chance(0.3) ? 7 : 1, nan = chance(0.3) ? 0.02 : 0;
  const axis = chance(0.3) ? 'time' : 'step', target = chance(0.5) ? 1200 : 300, ratio = chance(0.3) ? 2 : 1;
  const curves = Array.from({ length: crowd ? 9 : 1 + below(3) }, (_, i) => ({
    run: 'r', series: `s${i}`, label: '', stroke: { colour: ['#84b7ff', '#fc8a2f', '#4acba6'][i % 3], dash: chance(0.4) ? [8, 4] : [], slot: i },
    points: new Points(target), zoomed: null, smooth: new Smoothed(), smoothZoomed: new Smoothed(), hidden: false, startMs: 1e12, epochs: null,
  }));
  for (const c of curves) c.points.snapshot({ series: c.series, rows: 0, attempt: 1, first: 0, after: 0, width: 0, timeOffset: 1e12, gap: false, unknown: false, raw: { step: new Float64Array(0), time: new Float64Array(0), value: new Float64Array(0) } });
  const config = { curves, axis, smooth: chance(0.4) ? 0.9 : 0 }, now = curves.map(() => 0);
  const grow = (c, i, n) => {
    const step = new Float64Array(n), time = new Float64Array(n), value = new Float64Array(n), first = c.points.after;
    for (let k = 0; k < n; k++) {
      step[k] = now[i];
      time[k] = now[i] * 5;
      value[k] = chance(nan) ? (chance(0.5) ? NaN : Infinity) : 0.5 + 0.3 * Math.sin(now[i] / 40 + i) + 0.15 * random() + (chance(0.01) ? 0.3 : 0);
      now[i] += steps;
    }
    c.points.take({ series: c.series, rows: n, attempt: c.points.attempt, first, after: first + n, width: 0, timeOffset: 1e12, gap: false, unknown: false, raw: { step, time, value } });
  };
  const put = (g, area, from) => {
    const left = Math.max(0, from);
    if (left >= W) return;
    g.save();
    g.beginPath();
    g.rect(left, 0, W - left, H);
    g.clip();
    g.fillStyle = '#10161f';
    g.fillRect(left, 0, W - left, H);
    paint(g, curves, area, { smooth: config.smooth, bad: '#ff6f76', lineWidth: 1.5 }, from);
    g.restore();
  };
  let high = 50, strips = 0, near = 0, far = 0, where = '';
  for (let draw = 0; draw < 120; draw++) {
    curves.forEach((c, i) => { if (chance(0.9)) grow(c, i, chance(0.05) ? 400 : below(12)); });
    if (chance(0.02)) curves[below(curves.length)].hidden ^= true;
    while (Math.max(...now) > high) high *= 1.3;
    const unit = axis === 'time' ? 0.005 : 1;
    const area = { left: 40, top: 6, width: W - 56, height: H - 26, ratio, x0: 0, x1: high * unit, y0: 0, y1: 1.2, log: false, axis };
    const from = painted.since(config, area);
    if (from > 0 && from < W) strips++;
    put(strip, area, from);
    put(whole, area, -Infinity);
    const a = strip.getImageData(0, 0, W, H).data, b = whole.getImageData(0, 0, W, H).data;
    let nearHere = 0, farHere = 0;
    for (let i = 0; i < a.length; i++) {
      const d = Math.abs(a[i] - b[i]);
      if (d > 8) nearHere++;
      if (d > 64 && farHere++ >= far) where = `picture ${draw} at ${(i >> 2) % W},${Math.floor((i >> 2) / W)}, strip from ${from}`;
    }
    near = Math.max(near, nearHere);
    far = Math.max(far, farHere);
  }
  return { strips, near, far, where, kind: JSON.stringify({ axis, target, ratio, steps, nan, crowd, smooth: config.smooth, dashes: curves.map(c => c.stroke.dash.length) }) };
}

let browser, page;
before(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--disable-gpu', '--no-sandbox'] });
  page = await browser.newPage();
  await page.route('http://page.test/', route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto('http://page.test/');
  await page.addScriptTag({ content: await source('tests/web/support/paint_entry.ts', 'P') });
}, { timeout: 60000 });
after(() => browser?.close());

test('what is painted bit by bit is what is painted whole', { timeout: 120000 }, async () => {
  let strips = 0;
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const found = await page.evaluate(`(${program})(${seed})`);
    strips += found.strips;
    assert.ok(found.near <= MOST.near && found.far <= MOST.far, `seed ${seed}: ${JSON.stringify(found)}`);
  }
  console.log(`# ${strips} strips of ${PROGRAMS * 120} pictures`);
  assert.ok(strips > PROGRAMS * 40, `${strips} strips only`);
});
