// The Try tab and sparsity on a real training run: the built-in trainer with drawn digits. What is drawn is answered by the live
// network, while it trains, while it holds, after its last epoch; pins record curves; what is observed is counted.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pause, Stage, until } from './support/stage.mjs';

const build = process.env.NNS_BUILD ?? 'build', shots = join(build, 'screenshots');
mkdirSync(shots, { recursive: true });
const stage = new Stage(build), PATIENCE = 20000;
let page, run, small;

const button = name => page.getByRole('button', { name, exact: true });
const pad = () => page.getByRole('img', { name: 'pad', exact: true });
const bars = () => page.getByRole('list', { name: 'answer' });
const tab = name => page.getByRole('tab', { name, exact: true }).click();
const command = (id, body) => stage.api(`runs/${id}/commands?wait=5000`, { method: 'POST', body: JSON.stringify(body) });
const open = async (id, more = '&tab=try') => {
  await page.evaluate(hash => (location.hash = hash), `runs=${id}${more}`);
  await pad().waitFor();
};

// The answer to what is on the pad now.
const answer = async () => {
  const read = () => bars().evaluate(list => ({
    serial: Number(list.dataset.serial), step: Number(list.dataset.step), asked: Number(document.querySelector('.try').dataset.serial),
    shares: [...list.querySelectorAll('[data-value]')].map(e => [e.dataset.class, Number(e.dataset.value)]),
  }));
  return until('an answer to what is on the pad', async () => {
    const now = await read();
    return now.serial === now.asked && now.shares.length > 0 && now;
  }, PATIENCE);
};

async function draw(...points) {
  await pad().scrollIntoViewIfNeeded();
  const box = await pad().boundingBox(), at = ([x, y]) => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 6 });
  await page.mouse.up();
}

function act(name, body) {
  test(name, { timeout: 120000 }, async () => {
    try {
      await body();
    } catch (error) {
      console.log(page?.problems, page?.url());
      await page?.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
      throw error;
    }
  });
}

function train(name, ...args) {
  const child = stage.start('nnscope-train', ['--digits', '--threads', '1', '--seed', '3', '--name', name, ...args]);
  child.stdout.resume();
  child.stderr.on('data', text => (stage.said += text));
  return child;
}

before(async () => {
  await stage.serve();
  train('digits', '--layers', '64,32', '--limit', '3000', '--epochs', '0');
  run = await stage.runNamed('digits');
  page = await stage.browse({ context: { hasTouch: true } });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(stage.address);
  await page.getByRole('tab', { name: 'Try', exact: true }).waitFor({ timeout: PATIENCE });
}, { timeout: 60000 });
after(() => stage.close());

act('a drawn 1 is answered by the live network with ten probabilities that sum to 1', async () => {
  await tab('Try');
  await pad().waitFor();
  await draw([0.5, 0.2], [0.5, 0.8]);
  const { shares, step } = await answer(), sum = shares.reduce((s, [, p]) => s + p, 0);
  assert.deepEqual(shares.map(([k]) => k), [...'0123456789']);
  assert.ok(Math.abs(sum - 1) < 1e-4 && shares.every(([, p]) => p >= 0 && p <= 1), `sum ${sum}`);
  assert.ok(step >= 0);
  await page.getByRole('listitem').and(page.locator('[data-layer=fc1]')).waitFor();
  await page.getByRole('meter', { name: '1', exact: true }).waitFor();
});

act('while it trains the answer is renewed by itself', async () => {
  const { step } = await answer();
  await until('an answer of a later step', async () => (await answer()).step > step, PATIENCE);
});

act('a stroke is taken back, the pad is cleared, by button and by key', async () => {
  await draw([0.3, 0.5], [0.7, 0.5]);
  await button('undo stroke').click();
  await answer();
  await page.keyboard.press('x');
  await until('no answer', async () => !(await bars().getAttribute('data-step')));
  assert.equal(await button('clear').isDisabled(), true);
});

act('a finger draws too', async () => {
  const box = await pad().boundingBox();
  await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
  await answer();
  await button('clear').click();
});

act('an image is fitted and answered; what is no image is refused in words', async () => {
  const file = page.getByLabel('image file');
  await file.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('seven') });
  await page.getByRole('alert').filter({ hasText: 'not an image' }).waitFor();
  await file.setInputFiles({ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('seven') });
  await page.getByRole('alert').filter({ hasText: 'cannot read' }).waitFor();
  const png = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 300, height: 420 }), g = canvas.getContext('2d');
    g.fillStyle = 'white';
    g.fillRect(0, 0, 300, 420);
    g.fillStyle = '#222';
    g.fillRect(40, 30, 24, 200);
    return canvas.toDataURL().split(',')[1];
  });
  await file.setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') });
  await answer();
  assert.equal(await page.getByRole('alert').count(), 0);
  const ink = await page.locator('.try-seen canvas').evaluate(c => {
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height), rows = new Set();
    let x = 0, sum = 0;
    for (let i = 0; i < 784; i++) if (data[4 * i] > 60) rows.add(Math.floor(i / 28)), (x += (i % 28) + 0.5), sum++;
    return { rows: rows.size, x: x / sum };
  });
  assert.ok(ink.rows >= 19 && ink.rows <= 21 && Math.abs(ink.x - 14) < 1, JSON.stringify(ink));
});

act('test samples, with their truth, are mostly right once it has trained a while', async () => {
  await until('some accuracy', async () => ((await stage.api(`runs/${run.id}/series`)).series.find(s => s.name === 'val/accuracy')?.last ?? 0) > 0.8, 40000);
  let right = 0;
  for (let i = 0; i < 12; i++) {
    await page.getByLabel('number of the test sample').fill(String(i));
    await page.keyboard.press('Enter');
    const { shares } = await answer(), said = await page.locator('.try-verdict').evaluate(e => [e.dataset.predicted, e.dataset.truth]);
    assert.match(said[1], /^\d$/);
    assert.equal(said[0], shares.reduce((a, b) => (b[1] > a[1] ? b : a))[0]);
    right += said[0] === said[1];
  }
  assert.ok(right >= 7, `${right} of 12 right`);
  await button('test sample').click();
  await answer();
});

act('a pinned sample grows a curve, is audited, and is let go', async () => {
  await page.getByLabel('number of the test sample').fill('4');
  await page.keyboard.press('Enter');
  await answer();
  await page.getByLabel('name of the pinned sample').fill('the fourth');
  await button('pin').click();
  const card = page.getByRole('article', { name: 'the fourth', exact: true }), points = async () => Number(await card.getByRole('img', { name: /probabilities/ }).getAttribute('data-points'));
  await card.waitFor({ timeout: PATIENCE });
  const before = await until('first points', async () => (await points()) > 0 && points(), PATIENCE);
  await until('more points', async () => (await points()) > before, PATIENCE);
  assert.match(await card.getAttribute('data-truth'), /^\d$/);
  const { commands } = await stage.api(`runs/${run.id}/commands`), pin = commands.find(c => c.type === 'pin');
  assert.equal(pin.state, 'applied');
  const { picture, ...told } = pin.values;
  assert.deepEqual(told, { name: 'the fourth', sample: 4 });
  assert.equal(picture.length, 784);
  const series = (await stage.api(`runs/${run.id}/series`)).series.filter(s => s.name.startsWith('pin/the fourth/'));
  assert.equal(series.length, 10);
  assert.ok(Math.abs(series.reduce((sum, s) => sum + s.last, 0) - 1) < 1e-3);
  await button('unpin the fourth').click();
  await card.getByText('no longer pushed').waitFor({ timeout: PATIENCE });
});

act('the confusion matrix counts what was observed; a cell filters the samples; validation beside it', async () => {
  const matrix = page.locator('.cm'), sum = () => matrix.evaluate(e => ({ total: Number(e.dataset.total), cells: [...e.querySelectorAll('[data-count]')].map(c => Number(c.dataset.count)) }));
  const first = await until('a matrix', async () => (await matrix.count()) && (await sum()), PATIENCE);
  assert.equal(first.cells.length, 100);
  assert.equal(first.cells.reduce((a, b) => a + b, 0), first.total);
  assert.ok(first.total > 100, `${first.total} counted`);
  const cell = page.getByRole('button', { name: /^0 taken for what it is: / });
  await cell.hover();
  await matrix.getByText(/0 taken for what it is: /).waitFor();
  await cell.click();
  await page.getByText(/are of the chosen pair/).first().waitFor();
  const shown = await page.locator('.seen').evaluateAll(all => all.map(e => e.dataset.truth + e.dataset.predicted));
  assert.ok(shown.every(pair => pair === '00'), shown.join());
  await cell.click();
  const best = page.getByRole('region', { name: 'Best' }).locator('.seen');
  assert.match(await best.first().getAttribute('aria-label'), /^truth \d, predicted \d with .*, loss /);
  await button('val/confusion').click();
  const { media } = await stage.api(`runs/${run.id}/media?series=val%2Fconfusion`), told = media.at(-1).data.counts.flat().reduce((a, b) => a + b, 0);
  const held = await until('the matrix of validation', async () => { const s = await sum(); return s.total === told && s; });
  assert.equal(held.cells.reduce((a, b) => a + b, 0), told);
  await button('% of row').click();
  await button('observed in training').click();
  await button('counts').click();
});

act('the server is killed and comes back: what is looked at, pushed and pinned goes on by itself, also while training holds', async () => {
  await page.getByLabel('number of the test sample').fill('4');
  await page.keyboard.press('Enter');
  await page.getByLabel('name of the pinned sample').fill('lasting');
  await button('pin').click();
  const card = page.getByRole('article', { name: 'lasting', exact: true }), curve = card.getByRole('img', { name: /probabilities/ });
  const points = async () => ((await curve.count()) ? Number(await curve.getAttribute('data-points')) : 0), counted = () => page.locator('.cm').evaluate(e => [...e.querySelectorAll('[data-count]')].map(c => c.dataset.count).join()); // of the last 8192: their sum stands still
  const pinned = await until('first points', points), observed = await counted(), { step } = await answer();
  await page.evaluate(() => (window.same = true));
  await stage.restartServer();
  await until('a later answer', async () => (await answer()).step > step, 30000);
  await until('more points of the pin', async () => (await points()) > pinned, 30000);
  await until('others observed', async () => { const now = await counted(); return /[1-9]/.test(now) && now !== observed; }, 30000);
  const held = await command(run.id, { type: 'pause' });
  await page.getByText(/Training holds at step/).waitFor();
  await stage.restartServer();
  await page.keyboard.press('r');
  await until('the answer of the moment at which it holds', async () => (await page.getByRole('alert').count()) === 0 && Math.abs((await answer()).step - held.step) <= 1, 30000);
  const { step: made } = await command(run.id, { type: 'step' });
  await until('an answer of the step that was made', async () => (await answer()).step >= made, PATIENCE);
  await command(run.id, { type: 'resume' });
  assert.equal(await page.evaluate(() => window.same), true, 'the page was not loaded anew');
  assert.equal((await stage.api(`runs/${run.id}`)).dropped, 0, 'nothing is said to be lost');
  await button('unpin lasting').click();
  await card.getByText('no longer pushed').waitFor({ timeout: PATIENCE });
});

act('while training holds the answers are of that moment', async () => {
  const held = await command(run.id, { type: 'pause' });
  await page.getByText(/Training holds at step/).waitFor();
  await button('clear').click();
  await draw([0.3, 0.25], [0.7, 0.25], [0.45, 0.8]);
  const { step, shares } = await answer();
  assert.ok(Math.abs(step - held.step) <= 1, `answer of step ${step}, held at ${held.step}`);
  assert.ok(Math.abs(shares.reduce((s, [, p]) => s + p, 0) - 1) < 1e-4);
  await command(run.id, { type: 'resume' });
});

act('each size, dark and light', async () => {
  for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]])
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await answer();
      await pause(150);
      await page.screenshot({ path: join(shots, `try-${width}-${colorScheme}.png`) });
      const { wide, box } = await page.evaluate(() => ({ wide: document.querySelector('#view').scrollWidth - document.querySelector('#view').clientWidth, box: document.querySelector('.try-pad').clientWidth }));
      assert.ok(wide <= 0, `${wide} pixels too wide at ${width}`);
      if (width === 390) assert.ok(box > 350, `the pad is ${box} pixels wide on a phone`);
    }
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 1440, height: 900 });
});

act('the pushed sample stands in the network picture', async () => {
  await button('in the network picture').click();
  await button('no longer show the sample of Try').waitFor();
  await page.getByText('a of the sample in Try').waitFor({ timeout: PATIENCE });
  await pause(400);
  await page.screenshot({ path: join(shots, 'try-in-network.png') });
  await button('no longer show the sample of Try').click();
});

act('sparsity: units by class, redundancy, what pruning would cost', async () => {
  await button('sparsity').click();
  const matrix = page.locator('.sp-cells canvas');
  await matrix.waitFor({ timeout: PATIENCE });
  assert.equal(await matrix.getAttribute('data-units'), '64');
  await until('all units in the histogram', async () => Number(await page.locator('.sp-histogram svg').getAttribute('data-total')) >= 48, PATIENCE);
  await button('unit').click();
  await page.locator('[data-unit="5"]').getByRole('button').click();
  await page.locator('tr.chosen[data-unit="5"]').waitFor();
  await page.getByLabel('smallest correlation').fill('0.8');
  await button('measure').click();
  await page.locator('.sp-curve').waitFor({ timeout: 30000 });
  const { curve, step } = await stage.api(`runs/${run.id}/pruning`);
  assert.ok(curve.length >= 8 && curve[0][0] === 0 && curve.at(-1)[0] > 0.9, JSON.stringify(curve));
  assert.ok(curve.every(([share, threshold, accuracy]) => share >= 0 && share <= 1 && threshold >= 0 && accuracy >= 0 && accuracy <= 1) && step >= 0);
  assert.ok(curve[0][2] > 0.5 && curve.at(-1)[2] < curve[0][2], 'pruning nearly all of it costs');
  await page.locator('.sp-curve svg').hover();
  await page.locator('.sp-curve').getByText(/\|w\| below/).waitFor();
  for (const [width, colorScheme] of [[1440, 'dark'], [390, 'light']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await pause(150);
    await page.screenshot({ path: join(shots, `sparsity-${width}-${colorScheme}.png`) });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await button('unit 5 in the picture').click();
  await until('the unit in the address', () => /at=fc1:5/.test(decodeURIComponent(page.url())));
});

act('after the last epoch the network stays and answers; when the run is over the page says so', async () => {
  await command(run.id, { type: 'stop' });
  train('small', '--layers', '16', '--limit', '400', '--epochs', '1', '--stay');
  small = await stage.runNamed('small');
  await until('the end of its training', async () => (await stage.api(`runs/${small.id}`)).state === 'paused', PATIENCE);
  await open(small.id);
  await page.keyboard.press('r');
  const { shares } = await answer();
  assert.ok(Math.abs(shares.reduce((s, [, p]) => s + p, 0) - 1) < 1e-4);
  await open(run.id);
  await page.getByText(/The run is over/).waitFor({ timeout: PATIENCE });
  assert.equal(await button('test sample').isDisabled(), true);
  await page.getByRole('article', { name: 'the fourth', exact: true }).waitFor();
  assert.deepEqual(page.problems, []);
});
