// The Network tab: first on a network with known numbers (support/synthetic.mjs speaks for the server), then on real training, where
// what the page shows is compared with what the server tells a script.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stage, until } from './support/stage.mjs';
import { mlp, RUN, Synthetic } from './support/synthetic.mjs';

const build = process.env.NNS_BUILD ?? 'build', shots = join(build, 'screenshots');
mkdirSync(shots, { recursive: true });
const GL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const PATIENCE = 30000, UNIT = 15; // a loaded machine is slow, never wrong
const stage = new Stage(build);
let page, known;

const inspector = () => page.getByRole('region', { name: 'inspector' });
const slider = () => page.getByRole('slider', { name: 'time' });
const card = name => page.getByRole('listitem', { name: `layer ${name}`, exact: true });
const fact = async name => Number(await inspector().locator(`[data-fact="${name}"]`).getAttribute('data-value', { timeout: PATIENCE }));
const close = (a, b, by = 1e-6) => Math.abs(a - b) <= by * Math.max(1e-12, Math.abs(a), Math.abs(b));
const go = hash => page.evaluate(h => (location.hash = h), hash);
const title = words => inspector().getByRole('heading', { name: words }).waitFor({ timeout: PATIENCE });

function act(name, body) {
  test(name, { timeout: 120000 }, async () => {
    try {
      await body();
    } catch (error) {
      await page?.screenshot({ path: join(shots, `failed-network-${name.replace(/\W+/g, '-').slice(0, 60)}.png`) }).catch(() => {});
      throw error;
    }
  });
}

// A page of a known network; the one before is closed.
async function show(network, hash = '', context = {}) {
  await page?.context().close();
  known?.close();
  known = network;
  page = await stage.browse({ args: GL, context });
  await page.goto(stage.address); // signed in; from here on the network speaks for the server
  await page.locator('.app').waitFor({ timeout: PATIENCE });
  await known.attach(page);
  await page.goto('about:blank');
  await page.goto(`${stage.origin}/#runs=${RUN}&tab=network${hash}`);
  await page.getByRole('region', { name: 'layers' }).waitFor({ timeout: PATIENCE });
}

before(async () => void (await stage.serve()));
after(async () => {
  known?.close();
  await stage.close();
});

act('the numbers of a selected unit are those of the network', async () => {
  await show(new Synthetic({ layers: mlp([40, 20]) }), `&at=fc1:${UNIT}`);
  assert.ok(known.activation(1, UNIT, 0) > 0.01, 'a unit that is awake');
  await title(`fc1 \u00b7 unit ${UNIT}`);
  await until('its step', async () => (await fact('step')) > 0, PATIENCE);
  const { step, activation, gradient } = await inspector().evaluate(e => Object.fromEntries(['step', 'activation', 'gradient'].map(n => [n, Number(e.querySelector(`[data-fact="${n}"]`).dataset.value)])));
  assert.ok(close(activation, Math.fround(known.activation(1, UNIT, step))), `activation ${activation} at step ${step}`);
  assert.ok(close(gradient, Math.fround(known.gradient(1, UNIT, step))), `gradient ${gradient} at step ${step}`);
  await inspector().getByRole('img', { name: /incoming weights, 28/ }).waitFor({ timeout: PATIENCE });
  const samples = inspector().locator('.strongest li');
  await until('its samples', async () => (await samples.count()) === 8, PATIENCE);
  assert.equal(await inspector().getByRole('list', { name: 'mean activation per class' }).locator('li').count(), 10);
});

act('what is under the pointer is told, wherever the pointer is', async () => {
  const box = await page.locator('.network-picture').boundingBox(), told = new Map();
  for (let y = 0.3; y < 0.8 && told.size < 6; y += 0.043)
    for (let x = 0.32; x < 0.97 && told.size < 6; x += 0.017) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
      const words = await page.evaluate(() => document.querySelector('.network-tip')?.textContent ?? '');
      const unit = words.match(/^(fc\d|out) \u00b7 unit (\d+)(?: \([^)]*\))? ([\d.e\u2212-]+)/);
      if (unit) told.set(`${unit[1]} ${unit[2]}`, Number(unit[3].replace('\u2212', '-')));
    }
  assert.ok(told.size >= 6, `units were found: ${[...told.keys()]}`);
  for (const [name, value] of told) {
    const [layer, unit] = name.split(' '), place = known.layers.findIndex(l => l.name === layer), truth = known.activation(place, Number(unit), known.step);
    assert.ok(Math.abs(value - truth) <= 0.25 * Math.abs(truth) + 0.003, `${name}: told ${value}, is ${truth}`); // it moves while one looks
  }
  await page.mouse.move(2, 2);
});

act('the legend says quantity, scale, ends and marks', async () => {
  const legend = page.getByRole('region', { name: 'legend' });
  await legend.getByText('mean |a| over the batch, linear, per layer').waitFor({ timeout: PATIENCE });
  await page.getByRole('combobox', { name: 'quantity' }).selectOption('gradient');
  await legend.getByText('rms over batch of dL/dz, log, per layer').waitFor({ timeout: PATIENCE });
  await page.getByRole('combobox', { name: 'scale' }).selectOption({ label: 'network, linear' });
  await legend.getByText('rms over batch of dL/dz, linear, whole network').waitFor({ timeout: PATIENCE });
  await until('the address', () => /show=gradient.*scale=network.*curve=linear/.test(decodeURIComponent(page.url())));
});

act('the slider goes back, the numbers are those of the snapshot, and live again', async () => {
  const step = known.snapshots[9];
  await slider().focus();
  await page.keyboard.press('Home');
  await until('the first snapshot', async () => (await fact('step')) === known.snapshots[0], PATIENCE);
  for (let i = 0; i < 9; i++) await page.keyboard.press('ArrowRight');
  await until('the tenth', async () => (await fact('step')) === step, PATIENCE);
  assert.ok(close(await fact('activation'), Math.fround(known.activation(1, UNIT, step))), 'activation of the snapshot');
  await page.getByText(`snapshot of step ${step}`).waitFor();
  await page.getByRole('button', { name: 'compare with now' }).click();
  await page.getByText(`now minus step ${step}`).waitFor({ timeout: PATIENCE });
  await until('a difference', async () => Math.abs(await fact('activation')) < Math.abs(known.activation(1, UNIT, step)) && close(await fact('activation') + Math.fround(known.activation(1, UNIT, step)), known.activation(1, UNIT, await fact('step')), 0.3), PATIENCE);
  await until('the address', () => /moment=\d+.*compare=1/.test(page.url()));
  await page.getByRole('button', { name: 'live', exact: true }).click();
  await inspector().getByText('live', { exact: true }).waitFor({ timeout: PATIENCE });
});

act('play runs through the snapshots and ends live', async () => {
  await page.getByRole('combobox', { name: 'speed' }).selectOption('20');
  await page.getByRole('button', { name: 'play', exact: true }).click();
  const steps = new Set();
  await until('moments that pass', async () => steps.add(await slider().inputValue()).size > 5, PATIENCE);
  await page.keyboard.press('\\');
  await page.getByRole('button', { name: 'play', exact: true }).waitFor();
});

act('keys: back, forth, let go', async () => {
  await page.locator('body').press('[');
  await until('the last snapshot', async () => (await slider().inputValue()) === String(known.snapshots.at(-1)), PATIENCE);
  await page.locator('body').press(']');
  await page.getByRole('button', { name: 'live', exact: true, pressed: true }).waitFor();
  await page.locator('body').press('Escape');
  await inspector().getByRole('heading', { name: 'Network' }).waitFor({ timeout: PATIENCE });
  await card('fc2').getByRole('button').click();
  await title('fc2');
  await inspector().getByText('update ratio').waitFor({ timeout: PATIENCE });
  assert.deepEqual(page.problems, []);
});

for (const [name, options, words] of [
  ['vanishing', { layers: mlp([24, 24, 24, 24], 'sigmoid'), decades: 0.9 }, /vanishing: the gradient falls by 0\.\d decades per layer/],
  ['exploding', { layers: mlp([24, 24, 24, 24], 'tanh'), decades: -1.1 }, /exploding: the gradient grows by 1\.\d decades per layer/],
  ['half dead', { layers: mlp([64, 64]), dead: 0.55 }, /dead: \d\d % of the units of fc/],
  ['healthy', { layers: mlp([64, 64]), dead: 0.02 }, null],
])
  act(`at a glance: ${name}`, async () => {
    await show(new Synthetic(options), '&show=gradient&scale=network');
    await until('norms of all layers', async () => (await page.locator('.profile-dot').count()) >= 3, PATIENCE);
    const hints = page.locator('.strip-hint');
    if (words) await until('the hint', async () => words.test(await hints.first().textContent()), PATIENCE);
    else assert.equal(await hints.count(), 0, 'nothing is said of a healthy network');
    if (name === 'half dead') assert.ok((await page.locator('.strip-card.dying').count()) >= 1);
    await page.screenshot({ path: join(shots, `network-${name.replace(' ', '-')}.png`) });
  });

act('a hundred layers: cards in sight only, the page answers', async () => {
  await show(new Synthetic({ layers: mlp(Array(98).fill(8)), snapshots: 3 }));
  assert.ok((await page.locator('.strip-card').count()) < 40);
  await page.locator('.strip-cards').evaluate(e => (e.scrollLeft = e.scrollWidth));
  await card('out').waitFor({ timeout: PATIENCE });
});

act('an address with a moment, a comparison and a link shows just that', async () => {
  await show(new Synthetic({ layers: mlp([16, 8]) }), '&at=fc2:3:50&moment=6000');
  await title(/fc1 unit 2 \u2192 fc2 unit 3/);
  const step = known.snapshots.filter(s => s <= 6000).at(-1);
  await until('its moment', async () => (await fact('step')) === step, PATIENCE);
  assert.ok(close(await fact('weight'), known.weight(2, 3, 2, step), 2e-3), 'the weight of the snapshot, a half');
  await page.getByRole('button', { name: 'compare with now' }).click();
  await until('exact now', async () => (await fact('step')) > step && close(await fact('weight'), Math.fround(known.weight(2, 3, 2, await fact('step'))), 1e-2), PATIENCE);
  await until('the address', () => /compare=1/.test(page.url()));
  await page.reload();
  await page.getByText(`now minus step ${step}`).waitFor({ timeout: PATIENCE });
  assert.deepEqual(page.problems, []);
});

act('a phone: everything in reach, a sheet for what is selected', async () => {
  await show(new Synthetic({ layers: mlp([32]) }), '&at=fc1:3', { viewport: { width: 390, height: 844 } });
  await title('fc1 \u00b7 unit 3');
  const sheet = await inspector().boundingBox();
  assert.ok(sheet.y > 844 * 0.4 && Math.abs(sheet.y + sheet.height - 844) < 2, 'a sheet from below');
  await page.screenshot({ path: join(shots, 'network-phone.png') });
  await page.getByRole('button', { name: 'let go' }).click();
  await page.getByRole('region', { name: 'legend' }).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out');
});

act('a run without a network, and layers without tensors, are taught what to add', async () => {
  const bare = new Synthetic({ layers: mlp([8]), snapshots: 0 });
  bare.model = () => ({ layers: bare.layers.map(({ fanIn, units, ...l }) => l), tensors: [], push: null, evaluate: false });
  bare.tick = () => {};
  await show(bare);
  await page.getByText('Layers, but no tensors yet').waitFor({ timeout: PATIENCE });
  assert.match(await page.locator('.network-note pre').textContent(), /nns_tensor_add/);
  bare.model = () => ({ layers: [], tensors: [], push: null, evaluate: false });
  await page.reload();
  await page.getByText('This run has described no network').waitFor({ timeout: PATIENCE });
  assert.match(await page.locator('.network-none pre').first().textContent(), /nns_layer_describe/);
  assert.equal(await page.locator('.network-bar').count(), 0, 'nothing to choose where there is nothing to show');
});

// --- real training --------------------------------------------------------------------------------

let run;
const units = (layer, quantity, step) => stage.api(`runs/${run}/units?layer=${layer}&quantity=${quantity}${step === undefined ? '' : `&step=${step}`}`);
const order = (type, more = {}) => stage.api(`runs/${run}/commands?wait=5000`, { method: 'POST', body: JSON.stringify({ type, ...more }) });

async function train(name, ...args) {
  await page?.context().close();
  known?.close();
  known = null;
  const child = stage.start('nnscope-train', ['--digits', '--limit', '4000', '--epochs', '0', '--name', name, '--quiet', ...args]);
  child.stdout.resume();
  child.stderr.on('data', text => (stage.said += text));
  run = (await until(`the run ${name}`, async () => (await stage.api('runs')).runs.find(r => r.name === name), PATIENCE)).id;
  await until('its network', async () => (await stage.api(`runs/${run}/model`)).layers.length > 1, PATIENCE);
  return child;
}

async function look(hash) {
  page = await stage.browse({ args: GL });
  await page.goto(stage.address);
  await page.getByRole('tab', { name: 'Curves', exact: true }).waitFor({ timeout: PATIENCE });
  await go(`runs=${run}&tab=network${hash}`);
  await page.getByRole('region', { name: 'layers' }).waitFor({ timeout: PATIENCE });
}

act('real training: the numbers shown are those that the server tells', async () => {
  await train('real', '--layers', '48,24', '--activation', 'relu');
  await look('&at=fc1:11&show=gradient');
  await title('fc1 \u00b7 unit 11');
  await until('a capture', async () => (await fact('step')) > 0, PATIENCE);
  await order('pause');
  const same = async () => {
    const [activation, gradient] = await Promise.all([units('fc1', 'activation'), units('fc1', 'gradient')]);
    return close(await fact('activation'), activation.values[11]) && close(await fact('gradient'), gradient.values[11]) && (await fact('step')) === activation.step;
  };
  await until('the same numbers', same, PATIENCE);
  const weight = await stage.api(`runs/${run}/tensors/fc1%2Fweight`), row = weight.values.slice(11 * 784, 12 * 784);
  const top = row.map(Math.abs).reduce((a, b, i, all) => (b > all[a] ? i : a), 0);
  const told = inspector().locator('.link-rows').first().locator('li').first();
  await until('the strongest link in', async () => (await told.textContent()).includes(`pixel ${Math.floor(top / 28)}, ${top % 28}`), PATIENCE);
  await page.screenshot({ path: join(shots, 'network-real.png') });
  await order('resume');
});

act('real training: a snapshot shows what was recorded, kept moments are marked', async () => {
  await until('snapshots', async () => (await stage.api(`runs/${run}/snapshots`)).snapshots.length >= 3, 30000);
  const { step } = (await stage.api(`runs/${run}/snapshots`)).snapshots[1];
  await go(`runs=${run}&tab=network&at=fc1:11&moment=${step}`);
  await until('the moment', async () => (await fact('step')) === step, PATIENCE);
  const told = await units('fc1', 'activation', step);
  assert.equal(told.step, step);
  assert.ok(close(await fact('activation'), told.values[11]), `${await fact('activation')} and ${told.values[11]}`);
  await page.getByRole('button', { name: 'keep', exact: true }).click();
  await page.getByText(/kept at step/).waitFor({ timeout: PATIENCE });
  await until('its mark', async () => (await page.locator('.time-kept, .time-flight').count()) > 0, PATIENCE);
  await until('one mark of it on the slider', async () => (await page.locator('.time-kept').count()) === 1 && (await page.locator('.time-event[title^="kept"]').count()) === 0, PATIENCE);
  await page.getByRole('list', { name: 'newest events' }).getByText('kept', { exact: true }).waitFor({ timeout: PATIENCE });
  assert.deepEqual(page.problems, []);
});

// A snapshot holds the input where somebody looked at the input in that very step: then it has its scale, else its word.
const inputIsTold = () => until('the input, or the word that it is not there', async () => /the input: not in snapshots|\binput\s*\d/.test(await page.getByRole('region', { name: 'legend' }).innerText()), PATIENCE);

act('real training: of an earlier moment what is not known has its word; compared, the picture tells what the inspector tells', async () => {
  const legend = page.getByRole('region', { name: 'legend' }), { step } = (await stage.api(`runs/${run}/snapshots`)).snapshots[1];
  await go(`runs=${run}&tab=network&at=fc1:11&moment=${step}&show=gradient&links=matrices`);
  await legend.getByText('|dL/dw| as matrices: live only, |w| is shown', { exact: true }).waitFor({ timeout: PATIENCE });
  await inputIsTold();
  await inspector().getByText(/^Not in snapshots: .*strongest samples/).waitFor({ timeout: PATIENCE });
  await order('pause');
  await go(`runs=${run}&tab=network&moment=${step}&compare=1`);
  await legend.getByText(/now minus then/).first().waitFor({ timeout: PATIENCE });
  const box = await page.locator('.network-picture').boundingBox(), spoken = () => page.evaluate(() => [document.querySelector('.network-tip')?.textContent.match(/ \u00b7 unit \d+ ([\d.e\u2212-]+)$/)?.[1], document.querySelector('.inspector [data-fact="activation"]')?.textContent]);
  const signs = new Set();
  for (let i = 0; i < 400 && signs.size < 2; i++) {
    await page.mouse.move(box.x + box.width * (0.3 + 0.4 * ((i * 0.618) % 1)), box.y + box.height * (0.25 + 0.5 * ((i * 0.381) % 1)));
    const [told] = await spoken();
    if (told === undefined) continue;
    await until('both alike', async () => { const [tip, fact] = await spoken(); return tip !== undefined && tip === fact; }, PATIENCE);
    signs.add(told.startsWith('\u2212'));
  }
  assert.equal(signs.size, 2, 'units that do more, and units that do less than then');
  await page.mouse.move(2, 2);
  await order('resume');
});

act('real training: when it is over its last snapshot stands', async () => {
  await order('stop');
  await until('the end', async () => (await stage.api(`runs/${run}`)).state === 'finished', PATIENCE);
  await look('&at=fc1:11');
  await page.getByText(/as it ended, step/).waitFor({ timeout: PATIENCE });
  await until('numbers', async () => Number.isFinite(await fact('activation')), PATIENCE);
  const legend = page.getByRole('region', { name: 'legend' });
  await inputIsTold();
  await until('its strongest weights as lines', async () => /strongest \d/.test(await legend.textContent()), PATIENCE);
});

for (const [name, args, words] of [
  ['deep sigmoid', ['--layers', '24x6', '--activation', 'sigmoid', '--init-scale', '0.25', '--lr', '1e-6'], /vanishing/],
  ['exploding', ['--layers', '24x6', '--activation', 'relu', '--init-scale', '3', '--lr', '0.01'], /exploding|NaN/],
  ['born half dead', ['--layers', '64,32', '--activation', 'relu', '--init-bias', '-1000', '--init-bias-share', '0.5', '--lr', '0.001'], /dead: \d+ % of the units/],
])
  act(`real training: ${name} is seen`, async () => {
    const child = await train(name, ...args);
    await look('&show=gradient&scale=network');
    await until('the hint', async () => words.test((await page.locator('.strip-hint').allTextContents()).join(' ')), 40000);
    await page.screenshot({ path: join(shots, `network-real-${name.replace(/ /g, '-')}.png`) });
    child.kill('SIGTERM');
  });
