// What a person waits for at the page, measured in a real browser on a real server with a training program that burns a core:
//
//   value_to_pixel     a log call of the program (its wall time is the value logged) to the first frame that shows that point or a
//                      later one: a message posted in the animation frame that drew, received after its rendering; every point
//                      counts; 12 charts; median over 5 rounds
//   cpu_per_draw       browser's CPU in that time, divided by the frames that drew
//   click_to_effect    a click on a slider to the safe point that applied it (wall time taken by the program)
//   charts_*           24 charts x 10 live curves x 1200 points: input to next frame, redraws of each visible chart
//   page_weight        scripts of the first paint as sent
//   network_*          the network's picture with software GL: 1 M weights uploaded and drawn as a matrix; a draw of a new state of
//                      784-512-256-10; frames while a network of 100 layers and 100 M parameters is panned
//   capture_to_painted from the moment that was captured in the network of a training run (784-512-256-10, looked at 10 times a second) to
//                      its picture; slider_to_painted: from a key on the time slider to the picture of that snapshot
//   page_left_open     resident memory of the page's process after 3.6 million steps, recorded a hundred times as fast as
//                      usual (about two minutes, so only when it is named); it has to stay flat over the last two thirds
//
//     node bench/web_bench.mjs BUILD [NAME ...]
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { openBrowser, openPage } from '../tests/web/support/picture.mjs';
import { captureToPainted, openNetwork, sliderToPainted } from './network_view.mjs';
import { chromiumPath, pause, Stage, until } from '../tests/web/support/stage.mjs';

const build = resolve(process.argv[2] ?? 'build'), chosen = process.argv.slice(3);
const wanted = name => chosen.length === 0 || chosen.some(c => name.includes(c));
const ROUNDS = Number(process.env.NNS_ROUNDS ?? 5), ROUND_MS = 6000, CAPTURES_MS = 20000, STEP_US = 5000, CLICKS = 120, LEFT_OPEN_STEPS = 3.6e6;
let over = 0;

function tell(name, figure, unit, budget, ok) {
  if (!ok) over++;
  console.log(`${name} ${Number(figure.toFixed(figure < 10 ? 2 : 1))} ${unit} ${budget} ${ok ? 'ok' : 'OVER'}`);
}

function at(share, values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
const median = values => at(0.5, values);

// In the page: notes when a frame that drew a curve up to a further step (data-drawn at its legend) had been rendered.
function notePaints() {
  const paints = (window.paints = []), waiting = [], channel = new MessageChannel();
  const now = () => performance.timeOrigin + performance.now();
  channel.port1.onmessage = () => {
    const when = now();
    for (const paint of waiting.splice(0)) paints.push({ ...paint, when });
  };
  const panelOf = e => e.closest('article')?.getAttribute('aria-label') ?? '';
  new MutationObserver(changes => {
    for (const { target } of changes) waiting.push({ series: target.dataset.series, step: Number(target.dataset.drawn), panel: panelOf(target) });
    channel.port2.postMessage(0);
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-drawn'] });
}

function noteInput() {
  const waits = (window.waits = []), ups = (window.ups = []), channel = new MessageChannel(), pending = [];
  channel.port1.onmessage = () => {
    const when = performance.now();
    for (const began of pending.splice(0)) waits.push(when - began);
  };
  addEventListener('pointermove', event => requestAnimationFrame(() => { pending.push(event.timeStamp); channel.port2.postMessage(0); }), { capture: true, passive: true });
  addEventListener('pointerup', event => ups.push(performance.timeOrigin + event.timeStamp), { capture: true, passive: true });
}

// Resident memory in MB of the greatest page process of our browser.
function pageMemory() {
  let most = 0;
  for (const { pid } of browserProcesses()) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) continue;
      most = Math.max(most, Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)?.[1] ?? 0) / 1024);
    } catch { /* gone meanwhile */ }
  }
  return most;
}

// CPU seconds of all processes of the browser.
function browserCpu() {
  return browserProcesses().reduce((ticks, p) => ticks + p.ticks, 0) / 100;
}

// Those that descend from this one and are the browser's.
function browserProcesses() {
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8'), end = stat.lastIndexOf(')'), fields = stat.slice(end + 2).split(' ');
      processes.set(Number(name), { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch { /* gone meanwhile */ }
  }
  const ours = pid => pid === process.pid || (processes.has(pid) && ours(processes.get(pid).parent));
  return [...processes].filter(([pid, p]) => /^chrom/.test(p.name) && ours(pid)).map(([pid, p]) => ({ pid, ...p }));
}

async function staged(viewport, args, body, stepUs = STEP_US) {
  const stage = new Stage(build);
  try {
    await stage.serve();
    stage.train('--name', 'bench', '--step-us', String(stepUs), '--plain', ...args);
    const page = await stage.browse({ context: { viewport } });
    const run = await stage.runNamed('bench');
    const scripts = [];
    page.on('response', answer => answer.request().resourceType() === 'script' && scripts.push(answer));
    await page.goto(stage.address);
    await page.locator('[data-series="train/loss"][data-step]').first().waitFor({ timeout: 15000 });
    await body(stage, page, run.id, scripts);
  } finally {
    await stage.close();
  }
}

async function pageWeight(scripts) {
  let bytes = 0;
  for (const answer of scripts) bytes += (await answer.request().sizes()).responseBodySize;
  tell('page_weight', bytes / 1024, 'kB', '120', bytes <= 120 * 1024);
}

// Latencies of all points between the first and the last paint of the round.
function latencies(paints, points) {
  const found = [];
  let next = 0;
  for (const { step, value } of points) {
    if (step <= paints[0].step) continue;
    while (next < paints.length && paints[next].step < step) next++;
    if (next === paints.length) break;
    found.push(paints[next].when - value);
  }
  return found;
}

async function valueToPixel(stage, page, run) {
  await pause(2000);
  await page.evaluate(notePaints);
  const p50 = [], p99 = [], cpu = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.evaluate(() => void (window.paints.length = 0));
    const before = browserCpu();
    await pause(ROUND_MS);
    const spent = (browserCpu()) - before, paints = await page.evaluate(() => window.paints);
    await pause(1500); // until the points can be asked for
    const mine = paints.filter(p => p.series === 'clock/wall').sort((a, b) => a.when - b.when);
    const waits = latencies(mine, await stage.points(run, 'clock/wall'));
    const frames = new Set(paints.map(p => p.when)).size;
    p50.push(at(0.5, waits));
    p99.push(at(0.99, waits));
    cpu.push((1000 * spent) / frames);
    console.log(`# round ${round + 1}: ${waits.length} points, ${frames} frames, p50 ${at(0.5, waits).toFixed(1)} p90 ${at(0.9, waits).toFixed(1)} p99 ${at(0.99, waits).toFixed(1)} ms`);
  }
  const { width, height } = page.viewportSize(), all = await page.locator('.plot .u-wrap').count();
  console.log(`# ${all} charts are in sight, in a window of ${width} x ${height}`);
  tell('value_to_pixel_p50', median(p50), 'ms', '-', true);
  tell('value_to_pixel_p99', median(p99), 'ms', '50', median(p99) <= 50);
  tell('cpu_per_draw', median(cpu), 'ms', '15', median(cpu) <= 15);
}

async function clickToEffect(stage, page, run) {
  await page.getByRole('tab', { name: 'Steer', exact: true }).click();
  const box = await page.getByRole('slider', { name: 'lr', exact: true }).boundingBox();
  await page.evaluate(noteInput);
  const known = (await stage.points(run, 'clock/applied').catch(() => [])).length;
  for (let i = 0; i < CLICKS; i++) {
    await page.mouse.click(box.x + box.width * (i % 2 ? 0.3 : 0.5) + (i % 5), box.y + box.height / 2);
    await pause(40 + (i * 7) % 23);
  }
  await pause(1500);
  const ups = await page.evaluate(() => window.ups), applied = (await stage.points(run, 'clock/applied')).slice(known).map(p => p.value);
  if (applied.length !== ups.length) console.log(`# ${ups.length} clicks, ${applied.length} changes`);
  const waits = ups.map(up => applied.find(a => a >= up - 1) - up).filter(Number.isFinite);
  tell('click_to_effect_p50', at(0.5, waits), 'ms', '-', true);
  tell('click_to_effect_p99', at(0.99, waits), 'ms', String(STEP_US / 1000 + 15), at(0.99, waits) <= STEP_US / 1000 + 15);
}

async function charts(stage, page, run) {
  await until('1200 points', async () => (await stage.api(`runs/${run}`)).last_step > 1200, 20000);
  await page.getByRole('searchbox', { name: 'filter panels' }).fill('layer');
  await pause(2000);
  await page.evaluate(notePaints);
  await page.evaluate(noteInput);
  const before = browserCpu(), seconds = 8, began = Date.now(), size = page.viewportSize();
  await page.evaluate(() => void (window.paints.length = 0));
  for (let i = 0; Date.now() - began < seconds * 1000; i++) {
    await page.mouse.move(size.width * (0.3 + 0.4 * Math.abs(Math.sin(i / 40))), size.height * (0.4 + 0.2 * Math.cos(i / 31)));
    await pause(20);
  }
  const { paints, waits } = await page.evaluate(() => ({ paints: window.paints, waits: window.waits }));
  const took = (Date.now() - began) / 1000, panels = new Map(), busy = (browserCpu() - before) / took;
  for (const p of paints) if (/layer/.test(p.series)) panels.set(p.panel, (panels.get(p.panel) ?? new Set()).add(p.when));
  const rates = [...panels.values()].map(frames => frames.size / took);
  const draws = rates.reduce((sum, rate) => sum + rate, 0);
  console.log(`# ${panels.size} charts in sight, ${waits.length} moves, the browser took ${busy.toFixed(2)} of a core, ${((1000 * busy) / draws).toFixed(1)} ms per chart drawn`);
  tell('charts_input_p95', at(0.95, waits), 'ms', '50', at(0.95, waits) <= 50);
  const least = rates.length > 0 ? Math.min(...rates) : 0;
  tell('charts_redraw_rate', least, '1/s', '>=10', least >= 9.95);
}

// In the page. A layer of 1024 x 1024 halves, others each time: from setState to the last pixel.
async function millionWeights(rounds) {
  const side = 1024, halves = () => Uint16Array.from({ length: side * side }, () => 0x2000 + Math.random() * 0x1800 + (Math.random() < 0.5 ? 0x8000 : 0));
  const layers = [{ name: 'a', kind: 'input', shape: [side], parameters: 0, inputs: [] }, { name: 'b', kind: 'dense', shape: [side], parameters: side * side, inputs: ['a'] }];
  const all = [halves(), halves(), halves()], matrix = data => ({ data, rows: side, cols: side, full: null, shape: [side, side], scale: 1, nonfinite: 0 });
  const state = i => ({ step: i, layers: [{}, {}], links: [{ layer: 1, tensor: 1, matrix: { weight: matrix(all[i % 3].slice()) }, strongest: {} }] });
  const picture = new nn.Picture(document.getElementById('host'), { mode: 'dark' }), times = [];
  picture.setModel({ layers });
  picture.setLook({ ...nn.PLAIN, links: 'matrices' });
  for (let i = 0; i < rounds; i++) {
    const next = state(i), began = performance.now();
    picture.setState(next);
    picture.draw();
    picture.finish();
    times.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  picture.close();
  return times.slice(2);
}

// In the page. CPU of draws at 10 Hz, each of a new state (links of every fifth are new).
async function smallDraws(seconds) {
  const { model, state } = nn.mlp(), picture = new nn.Picture(document.getElementById('host'), { mode: 'dark' }), times = [];
  picture.setModel(model);
  for (let i = 0; i < 10 * seconds; i++) {
    const layers = state.layers.map(l => (l.activation ? { ...l, activation: l.activation.map(a => a * (1 + Math.random())) } : l));
    picture.setState({ ...state, layers, links: i % 5 ? state.links : state.links.map(l => ({ ...l })) });
    times.push(picture.draw().milliseconds);
    await new Promise(done => setTimeout(done, 100));
  }
  picture.close();
  return times.slice(3);
}

// In the page. Frames a second while panned, from end to end and back.
async function panFrames(seconds) {
  const { model, state } = nn.deep(100, 1000), picture = new nn.Picture(document.getElementById('host'), { mode: 'dark' });
  picture.setModel(model);
  picture.setState(state);
  picture.draw();
  await new Promise(done => setTimeout(done, 1500));
  let frames = 0, by = -23, last = null;
  const began = performance.now();
  while (performance.now() - began < seconds * 1000) {
    picture.pan(by, 0);
    const at = picture.where({ layer: 1, unit: 0 }).x;
    if (at === last) by = -by;
    last = at;
    await new Promise(requestAnimationFrame);
    frames++;
  }
  picture.close();
  return frames / seconds;
}

async function network() {
  const browser = await openBrowser();
  try {
    const page = await openPage(browser, { width: 1440, height: 760 });
    if (wanted('network_million_weights')) {
      const times = await page.evaluate(millionWeights, 40);
      console.log(`# 1 M weights: lowest ${Math.min(...times).toFixed(1)} ms, p90 ${at(0.9, times).toFixed(1)} ms`);
      tell('network_million_weights', median(times), 'ms', '20', median(times) <= 20);
    }
    if (wanted('network_draw')) {
      const times = await page.evaluate(smallDraws, 4);
      tell('network_draw', at(0.9, times), 'ms', '15', at(0.9, times) <= 15);
    }
    if (wanted('network_pan')) {
      const rate = await page.evaluate(panFrames, 5);
      tell('network_pan', rate, '1/s', '>=30', rate >= 30);
    }
  } finally {
    await browser.close();
  }
}

async function networkTab() {
  const stage = new Stage(build);
  try {
    await stage.serve();
    const trainer = stage.start('nnscope-train', ['--digits', '--epochs', '0', '--quiet']);
    for (const out of [trainer.stdout, trainer.stderr]) out.resume();
    const { page, run } = await openNetwork(stage);
    await pause(3000);
    const p99 = [];
    for (let round = 0; wanted('capture_to_painted') && round < ROUNDS; round++) {
      const waits = await captureToPainted(page, CAPTURES_MS / 1000);
      p99.push(at(0.99, waits));
      console.log(`# round ${round + 1}: ${waits.length} captures painted, p50 ${median(waits).toFixed(1)} p99 ${at(0.99, waits).toFixed(1)} ms`);
    }
    if (p99.length) tell('capture_to_painted_p99', median(p99), 'ms', '100', median(p99) <= 100);
    if (!wanted('slider_to_painted')) return;
    const waits = await sliderToPainted(stage, page, run, 40);
    console.log(`# ${waits.length} steps of the slider: p50 ${median(waits).toFixed(1)}, longest ${Math.max(...waits).toFixed(1)} ms`);
    tell('slider_to_painted', at(0.95, waits), 'ms', '100', at(0.95, waits) <= 100);
  } finally {
    await stage.close();
  }
}

async function leftOpen(stage, page, run) {
  const seen = [], began = Date.now();
  let step = 0;
  while (step < LEFT_OPEN_STEPS && Date.now() - began < 170000) {
    await pause(2000);
    step = (await stage.api(`runs/${run}`)).last_step;
    seen.push({ step, memory: pageMemory() });
  }
  const shown = Number(await page.locator('[data-series="train/loss"]').first().getAttribute('data-drawn')), most = Math.max(...seen.map(s => s.memory));
  const early = Math.max(...seen.filter(s => s.step < step / 3).map(s => s.memory)), late = median(seen.slice(-5).map(s => s.memory));
  console.log(`# ${step} steps in ${((Date.now() - began) / 1000).toFixed(0)} s, drawn up to ${shown}; first third at most ${early.toFixed(0)} MB, end ${late.toFixed(0)} MB`);
  tell('page_left_open', most, 'MB', '300', most <= 300 && late <= early * 1.25 && step >= LEFT_OPEN_STEPS && shown > step * 0.98);
}

if (!chromiumPath) {
  console.log('skipped: no chromium (Debian: apt install chromium; or name it in CHROMIUM)');
  process.exit(0);
}
console.log(`# load average ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`);
if (wanted('value_to_pixel') || wanted('click_to_effect') || wanted('page_weight'))
  await staged({ width: 1920, height: 1200 }, ['--clock', '--panels', '8', '--curves', '1'], async (stage, page, run, scripts) => {
    if (wanted('page_weight')) await pageWeight(scripts);
    if (wanted('value_to_pixel')) await valueToPixel(stage, page, run);
    if (wanted('click_to_effect')) await clickToEffect(stage, page, run);
  });
if (wanted('charts')) await staged({ width: 2560, height: 1440 }, ['--panels', '24', '--curves', '10'], charts);
if (['network_million_weights', 'network_draw', 'network_pan'].some(wanted)) await network();
if (wanted('capture_to_painted') || wanted('slider_to_painted')) await networkTab();
if (chosen.includes('page_left_open')) await staged({ width: 1440, height: 900 }, ['--panels', '2', '--curves', '1'], leftOpen, 20);
process.exit(over > 0 ? 1 : 0);
