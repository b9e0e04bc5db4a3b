// Makes the pictures of the guide anew, from real runs in a real browser: node web/tools/pictures.mjs BUILD [NAME ...]
// Takes about three minutes. MNIST is taken where the trainer finds it.
import { join } from 'node:path';
import { root } from '../../tests/web/support/bundle.mjs';
import { pause, Stage, until } from '../../tests/web/support/stage.mjs';

const [build = 'build', ...names] = process.argv.slice(2), stage = new Stage(build), guide = join(root, 'docs/guide');
const THREE = [[0.3, 0.24], [0.42, 0.15], [0.6, 0.16], [0.68, 0.28], [0.62, 0.41], [0.46, 0.48], [0.64, 0.55], [0.7, 0.7], [0.58, 0.84], [0.4, 0.86], [0.28, 0.77]];
let page, main;

function train(name, ...args) {
  const child = stage.start('nnscope-train', ['--threads', '1', '--name', name, ...args]);
  child.stdout.resume();
  child.stderr.resume();
  return stage.runNamed(name);
}

const button = name => page.getByRole('button', { name, exact: true });
const command = (run, body) => stage.api(`runs/${run.id}/commands?wait=5000`, { method: 'POST', body: JSON.stringify(body) });
const accuracy = (run, least) => until(`an accuracy of ${least}`, async () =>
  ((await stage.api(`runs/${run.id}/series`)).series.find(s => s.name === 'val/accuracy')?.last ?? 0) >= least, 180000);
const ended = run => until('the end of a run', async () => (await stage.api(`runs/${run.id}`)).state === 'finished', 180000);

async function open(hash, width, height) {
  await page.setViewportSize({ width, height });
  await page.evaluate(to => (location.hash = to), hash);
  await pause(1500);
}

async function take(name, clip) {
  await pause(500);
  await page.screenshot({ path: join(guide, `${name}.png`), ...(clip ? { clip } : {}) });
  console.log(`${name}.png`);
}

const boxOf = async (locator, margin) => {
  const box = await locator.boundingBox();
  return { x: box.x - margin, y: box.y - margin, width: box.width + 2 * margin, height: box.height + 2 * margin };
};

async function draw(points) {
  const box = await page.getByRole('img', { name: 'pad', exact: true }).boundingBox(), at = ([x, y]) => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 4 });
  await page.mouse.up();
}

const pictures = {
  async steer() {
    await open(`runs=${main.id}&tab=steer`, 1440, 900);
    for (const lr of ['0.03', '0.01', '0.008']) {
      await page.getByRole('textbox', { name: 'lr', exact: true }).fill(lr);
      await page.keyboard.press('Enter');
      await pause(2500);
    }
    await take('steer');
  },
  async curves() {
    const others = [await train('tanh', '--layers', '128,64', '--activation', 'tanh', '--epochs', '8'), await train('relu-sgd', '--layers', '128', '--activation', 'relu', '--optimizer', 'sgd', '--epochs', '8')];
    for (const run of others) await ended(run);
    await open(`runs=${[main, ...others].map(r => r.id).join(',')}&tab=curves`, 1440, 900);
    const plot = await page.locator('.u-over').nth(4).boundingBox();
    await page.mouse.move(plot.x + plot.width * 0.4, plot.y + plot.height * 0.6);
    await take('curves');
    await page.mouse.move(5, 5);
  },
  async network() {
    await open(`runs=${main.id}&tab=network&at=fc2:90`, 1440, 900);
    await pause(15000); // units are judged, courses grow
    await take('network');
  },
  async sparsity() {
    await open(`runs=${main.id}&tab=network`, 1280, 1100);
    await button('sparsity').click();
    await page.locator('.sp-cells canvas').waitFor({ timeout: 60000 });
    await page.getByLabel('smallest correlation').fill('0.8');
    await button('measure').click();
    await page.locator('.sp-curve').waitFor({ timeout: 120000 });
    await take('sparsity');
    await button('picture').click();
  },
  async try() {
    await open(`runs=${main.id}&tab=try`, 1280, 860);
    for (const sample of ['8', '247']) {
      await page.getByLabel('number of the test sample').fill(sample);
      await page.keyboard.press('Enter');
      await pause(600);
      await button('pin').click();
      await pause(600);
    }
    await button('clear').click();
    await draw(THREE);
    await pause(12000); // the pins grow
    await take('try');
    await page.setViewportSize({ width: 1280, height: 1700 });
    await button('val/confusion').click();
    await take('try-outcome', await boxOf(page.getByRole('region', { name: 'outcome', exact: true }), 12));
    await page.setViewportSize({ width: 1280, height: 860 });
  },
  async vanishing() {
    const run = await train('vanishing', '--layers', '64x6', '--activation', 'sigmoid', '--init-scale', '0.25', '--limit', '6000', '--epochs', '0');
    await open(`runs=${run.id}&tab=network`, 1440, 900);
    await page.getByText(/vanishing:/).first().waitFor({ timeout: 120000 });
    await page.getByRole('combobox', { name: 'quantity' }).selectOption('gradient');
    await page.getByRole('combobox', { name: 'scale' }).selectOption({ label: 'network, log' });
    await pause(15000);
    await take('network-vanishing');
    await command(run, { type: 'stop' });
  },
};

try {
  await stage.serve();
  main = await train('mlp', '--epochs', '0');
  page = await stage.browse();
  await page.goto(stage.address);
  await page.getByRole('tab', { name: 'Try', exact: true }).waitFor({ timeout: 30000 });
  await accuracy(main, 0.95);
  for (const [name, make] of Object.entries(pictures)) if (!names.length || names.includes(name)) await make();
  await command(main, { type: 'stop' });
  if (page.problems.length) throw new Error(page.problems.join('\n'));
} finally {
  await stage.close();
}
