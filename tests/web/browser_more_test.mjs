// What a demanding person does with the page beside the usual: several axes, panels changed by hand, odd runs, a phone.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pause, Stage, until } from './support/stage.mjs';

const build = process.env.NNS_BUILD ?? 'build', shots = join(build, 'screenshots');
mkdirSync(shots, { recursive: true });
const stage = new Stage(build);
let page, run, odd;

const panel = name => page.getByRole('article', { name, exact: true });
const tab = name => page.getByRole('tab', { name, exact: true }).click();
const address = () => decodeURIComponent(page.url());
const chart = name => panel(name).getByRole('img');
const open = async (id, more = '') => {
  await page.evaluate(hash => (location.hash = hash), `runs=${id}${more}`);
  await chart('train/loss').scrollIntoViewIfNeeded(); // out of sight it follows nothing
  await page.locator(`[data-series="train/loss"][data-run="${id}"][data-step]`).first().waitFor();
  await pause(300);
};
const menu = async (name, item) => {
  await panel(name).hover();
  await page.getByRole('button', { name: `settings of ${name}`, exact: true }).click();
  if (item) await page.getByRole('menu').getByText(item, { exact: true }).click();
};
// The commonest colour of a chart.
const ground = name => panel(name).locator('canvas').first().evaluate(c => {
  const data = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer), counts = new Map();
  for (const v of data) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
});
// The share of a chart's pixels that are not of its ground.
const inked = name => panel(name).locator('canvas').first().evaluate(c => {
  const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
  let n = 0;
  for (let i = 3; i < data.length; i += 4) n += data[i] > 0;
  return n / (c.width * c.height);
});
const SURFACE = 0xff1f1610; // of the dark surface, as little-endian pixels
const put = (path, body) => stage.api(path, { method: 'POST', body: JSON.stringify(body) });

function act(name, body) {
  test(name, { timeout: 120000 }, async () => {
    try {
      await body();
    } catch (error) {
      await page?.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
      throw error;
    }
  });
}

before(async () => {
  await stage.serve();
  stage.train('--name', 'first', '--step-us', '4000');
  odd = await put('runs', { name: 'odd', project: 'browser' });
  const points = [];
  for (let step = 0; step < 600; step++) points.push({ step, 'train/loss': step === 200 ? 'NaN' : step === 400 ? 'Infinity' : step % 150 === 75 ? 1000 : 2 * Math.exp(-step / 200) });
  await put(`runs/${odd.id}/points`, points);
  await put(`runs/${odd.id}/points`, { step: 600, 'val/once': 0.5 });
  run = await stage.runNamed('first');
  page = await stage.browse();
  await page.goto(stage.address);
  await page.getByRole('tabpanel', { name: 'Curves' }).waitFor();
}, { timeout: 120000 });
after(() => stage.close());

act('a loss is drawn by decades by itself, and linearly when a person says so', async () => {
  await open(run.id);
  await panel('train/loss').getByText('log', { exact: true }).waitFor();
  await menu('train/loss', 'logarithmic');
  await page.keyboard.press('Escape');
  await until('the address', () => /panels=train\/loss~L/.test(address()));
  await panel('train/loss').getByText('log', { exact: true }).waitFor({ state: 'detached' });
});

act('a range by hand, outliers left out, pinned, hidden and shown again', async () => {
  await menu('train/loss');
  await page.getByRole('menu').getByLabel('from').fill('0.001');
  await page.getByRole('menu').getByLabel('to').fill('0.5');
  await page.keyboard.press('Tab');
  await panel('train/loss').getByText(/range by hand/).waitFor();
  await page.getByRole('menu').getByText('leave outliers out').click();
  await panel('train/loss').getByText(/outliers left out/).waitFor();
  await page.getByRole('menu').getByText('pinned').click();
  await page.getByRole('heading', { name: /^pinned/ }).waitFor();
  await page.keyboard.press('Escape');
  await menu('train/loss', 'hide');
  await panel('train/loss').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'train/loss', exact: true }).click();
  await panel('train/loss').waitFor();
});

act('the picture of a panel is a PNG', async () => {
  await open(run.id);
  await panel('train/loss').hover();
  await page.getByRole('button', { name: 'settings of train/loss', exact: true }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'picture (PNG)' }).click()]);
  const bytes = readFileSync(await download.path());
  assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
  assert.ok(bytes.readUInt32BE(16) >= 300 && bytes.length > 3000, `${bytes.readUInt32BE(16)} px wide, ${bytes.length} bytes`);
});

act('shift-drag moves along, as far as it was dragged', async () => {
  await open(run.id, '&zoom=100:200');
  const box = await chart('train/loss').boundingBox(), y = box.y + box.height / 2;
  await page.keyboard.down('Shift');
  await page.mouse.move(box.x + box.width * 0.6, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, y, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  const zoom = await until('a moved range', () => { const z = address().match(/zoom=([\d.]+):([\d.]+)/); return z && Number(z[1]) > 101 && z; });
  assert.ok(Math.abs(zoom[2] - zoom[1] - 100) < 1e-6, 'as wide as before');
});

act('a pause is a shade on the axis of time', async () => {
  await stage.api(`runs/${run.id}/commands?wait=2000`, { method: 'POST', body: JSON.stringify({ type: 'pause' }) });
  await pause(1000);
  await stage.api(`runs/${run.id}/commands?wait=2000`, { method: 'POST', body: JSON.stringify({ type: 'resume' }) });
  const { events } = await stage.api(`runs/${run.id}/events`), start = Date.parse((await stage.api(`runs/${run.id}`)).started) / 1000;
  const [from, to] = ['paused', 'resumed'].map(type => events.find(e => e.type === type).time - start);
  assert.ok(to - from > 0.9);
  await open(run.id, `&x=time&zoom=${to + 0.05}:${to + 0.1}`);
  await until('the plain ground behind it', async () => (await ground('train/loss')) === SURFACE);
  await open(run.id, `&x=time&zoom=${from + 0.1}:${to - 0.1}`);
  await until('the shade', async () => (await ground('train/loss')) !== SURFACE);
  await open(run.id, `&x=time&zoom=${to + 0.05}:${to + 0.1}`);
  await until('the plain ground again', async () => (await ground('train/loss')) === SURFACE);
});

act('epochs along x are those that the run told, also after their pace changed', async () => {
  const points = await until('two corners', async () => {
    const all = await stage.points(run.id, 'nnscope/epoch');
    return all.length >= 2 && all;
  });
  assert.ok(points.length < 400, `${points.length} corners`);
  for (const p of points) assert.ok(Math.abs(p.value - p.step / 100) < 1e-9, `step ${p.step} is epoch ${p.value}`);
  await open(run.id, '&x=epoch&zoom=1:2');
  const box = await chart('train/loss').boundingBox();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5);
  const words = await until('the tip', async () => (await panel('train/loss').getByRole('tooltip').innerText()).match(/epoch ([\d.]+).*step ([\d\u202f]+)/s));
  assert.ok(Math.abs(Number(words[1]) - Number(words[2].replace(/\u202f/g, '')) / 100) <= 0.02, words[0]);
});

act('the crosshair of all charts follows the one that is pointed at, to where it rests and away', async () => {
  const others = page.locator('.plot .u-cursor-x'), at = () => others.evaluateAll(all => all.map(e => Math.round(new DOMMatrix(getComputedStyle(e).transform).e / e.parentElement.clientWidth * 100)));
  const box = await panel('train/loss').locator('.u-over').boundingBox();
  for (let i = 0; i <= 20; i++) await page.mouse.move(box.x + box.width * (0.1 + 0.03 * i), box.y + box.height / 2);
  await until('all of them at 70 %', async () => (await at()).filter(x => Math.abs(x - 70) <= 2).length >= 2);
  await page.mouse.move(5, 450);
  await until('none of them', () => others.evaluateAll(all => all.every(e => e.classList.contains('u-off'))));
});

act('an event in the ribbon moves the crosshair to its step', async () => {
  await open(run.id);
  await page.mouse.move(5, 450);
  await page.getByRole('list', { name: 'newest events' }).getByRole('button', { name: /paused/ }).first().click();
  const line = panel('train/loss').locator('.u-cursor-x');
  await until('the crosshair', async () => line.evaluate(e => new DOMMatrix(getComputedStyle(e).transform).e > 1));
});

act('NaN, infinity and spikes are shown; a single point is a dot', async () => {
  await open(odd.id);
  await panel('val/once').waitFor();
  await until('the dot', async () => (await inked('val/once')) > 0);
  await page.screenshot({ path: join(shots, 'odd-1440x900-dark.png') });
  await tab('Steer');
  await page.getByText('No parameters yet').waitFor();
  await tab('Log');
  await page.getByText('No output captured').waitFor();
  assert.equal(await page.getByRole('button', { name: 'save', exact: true }).count(), 0);
  await tab('Curves');
});

act('a legend of many curves shows how many more there are, and all of them when asked', async () => {
  const many = await put('runs', { name: 'many', project: 'browser' }), names = Array.from({ length: 10 }, (_, i) => `unit/u${i}/size`);
  for (let step = 0; step < 3; step++) await put(`runs/${many.id}/points`, { step, 'train/loss': 1, ...Object.fromEntries(names.map((n, i) => [n, i + step])) });
  await open(many.id);
  const legend = panel('unit/size').getByRole('group', { name: 'legend' }), more = legend.getByRole('button', { name: /^\d+ more$/ });
  await more.waitFor();
  const said = Number((await more.innerText()).split(' ')[0]);
  const seen = () => legend.evaluate(e => [...e.querySelectorAll('.legend-item')].filter(i => i.offsetTop + i.offsetHeight <= e.offsetTop + e.clientHeight).length);
  assert.equal(await seen(), 10 - said);
  await more.click();
  await until('all', async () => (await seen()) === 10);
  await legend.getByRole('button', { name: 'less' }).click();
  await until('the first again', async () => (await seen()) === 10 - said);
});

act('a series that was opened and never logged makes no panel', async () => {
  await open(run.id);
  const { series } = await stage.api(`runs/${run.id}/series`);
  assert.equal(series.find(s => s.name === 'train/never')?.points, 0);
  assert.equal(await panel('train/never').count(), 0);
});

act('tabs stand still when another is chosen, and each keeps its place', async () => {
  const view = page.locator('#view'), lefts = () => page.getByRole('tab').evaluateAll(all => all.map(e => e.getBoundingClientRect().left));
  await open(run.id);
  await view.evaluate(e => (e.scrollTop = 200));
  const before = await lefts();
  await tab('Steer');
  await page.getByRole('tabpanel', { name: 'Steer' }).waitFor();
  assert.deepEqual(await lefts(), before);
  assert.equal(await view.evaluate(e => e.scrollTop), 0);
  await tab('Curves');
  await until('where it was', async () => (await view.evaluate(e => e.scrollTop)) === 200);
  await view.evaluate(e => (e.scrollTop = 0));
});

act('runs of one name are told apart', async () => {
  for (let i = 0; i < 2; i++) await put('runs', { name: 'twin', project: 'browser' });
  const twins = page.getByRole('listitem').filter({ hasText: 'twin' });
  await until('both', async () => (await twins.count()) === 2);
  await until('their times', async () => (await twins.allInnerTexts()).every(words => /\d\d:\d\d:\d\d/.test(words)));
});

act('a tiny value is within reach of its slider, by key', async () => {
  await open(run.id);
  await tab('Steer');
  const slider = page.getByRole('slider', { name: 'lr', exact: true });
  await slider.waitFor();
  const before = (await stage.api(`runs/${run.id}/parameters`)).parameters.find(p => p.name === 'lr').value;
  await until('the page to know', async () => Number(await page.getByRole('textbox', { name: 'lr', exact: true }).inputValue()) === before);
  await slider.press('ArrowLeft');
  const now = await until('a small step', async () => { const v = (await stage.api(`runs/${run.id}/parameters`)).parameters.find(p => p.name === 'lr').value; return v !== before && v; });
  assert.ok(now < before && now > before * 0.8, `${before} to ${now}`);
});

act('every control of the page has a name', async () => {
  for (const name of ['Curves', 'Steer', 'Log', 'Facts']) {
    await tab(name);
    await pause(200);
    const nameless = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea')].filter(e =>
      e.offsetParent && !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim() || e.title)).map(e => e.outerHTML.slice(0, 120)));
    assert.deepEqual(nameless, []);
  }
});

act('by keys alone: tabs, and the focus is seen', async () => {
  await page.getByRole('tab', { name: 'Facts', exact: true }).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tabpanel', { name: 'Curves' }).waitFor();
  await page.keyboard.press('Tab');
  await until('the focus to be seen', () => page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none' || getComputedStyle(document.activeElement).boxShadow !== 'none'));
});

act('on a phone: nothing is wider than it, runs, help and all tabs can be reached', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of ['Curves', 'Steer', 'Log', 'Facts']) {
    await tab(name);
    await pause(150);
    await until(`${name} to be no wider`, async () => (await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
  }
  await page.getByRole('button', { name: 'runs', exact: true }).click();
  await page.getByRole('complementary', { name: 'runs' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'help', exact: true }).click();
  await page.getByRole('dialog', { name: 'keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1440, height: 900 });
});

act('a page that lost its cookie says what to do', async () => {
  await page.context().clearCookies();
  await stage.restartServer('SIGKILL');
  await page.getByRole('alert').filter({ hasText: /address that the server printed/ }).waitFor({ timeout: 40000 });
});

act('no script error was raised', () => assert.deepEqual(page.problems, []));
