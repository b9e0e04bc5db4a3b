// What a person does with the page, in a real browser, on real training: every effect is read off the page and, by the API,
// off the trainer. Elements are found by role and accessible name only, live values by their data-series and data-run.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pause, Stage, until } from './support/stage.mjs';

const build = process.env.NNS_BUILD ?? 'build', shots = join(build, 'screenshots');
mkdirSync(shots, { recursive: true });
const stage = new Stage(build);
let page, run, trainer, hopeless = false;

const live = (series, id = run.id) => page.locator(`[data-series="${series}"][data-run="${id}"][data-step]`).first();
const stepShown = async (series, id) => Number(await live(series, id).getAttribute('data-step'));
const state = async (id = run.id) => stage.api(`runs/${id}`);
const tab = async name => {
  await page.getByRole('tab', { name, exact: true }).click();
  await page.getByRole('tabpanel', { name, exact: true }).waitFor();
};
const button = name => page.getByRole('button', { name, exact: true });
const transport = name => page.getByRole('group', { name: 'transport' }).getByRole('button', { name, exact: true });
const panel = name => page.getByRole('article', { name, exact: true });
const row = name => page.locator(`[data-parameter="${name}"]`);
const entry = name => page.getByRole('textbox', { name, exact: true });
const parameter = async name => (await stage.api(`runs/${run.id}/parameters`)).parameters.find(p => p.name === name);

// One thing that a person does; a picture of the page is kept when it fails.
function act(name, body) {
  test(name, { timeout: 120000 }, async t => {
    if (hopeless) return t.skip('no curves: nothing else can work');
    try {
      await body();
    } catch (error) {
      hopeless ||= name.startsWith('the printed address');
      await page?.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
      if (stage.said) console.error(stage.said.slice(-2000));
      throw error;
    }
  });
}

before(async () => {
  await stage.serve();
  trainer = stage.train('--name', 'steered', '--step-us', '5000');
  page = await stage.browse();
  run = await stage.runNamed('steered');
}, { timeout: 120000 });
after(() => stage.close());

act('the printed address opens the page with curves that move', async () => {
  const began = Date.now();
  await page.goto(stage.address);
  await live('train/loss').waitFor();
  const first = await stepShown('train/loss');
  await until('the legend to advance', async () => (await stepShown('train/loss')) > first + 5);
  console.log(`# moving after ${Date.now() - began} ms`); // 2 s are promised; the bench measures it
  assert.ok(!page.url().includes('token'), 'the token is out of the address');
});

act('the live value is the one recorded at its step', async () => {
  const seen = await live('train/loss').evaluate(e => ({ step: Number(e.dataset.step), text: e.textContent }));
  const point = await until(`step ${seen.step} to be recorded`, async () => (await stage.points(run.id, 'train/loss')).find(p => p.step === seen.step));
  const shown = Number((seen.text.match(/[-\u2212]?\d[\d\u202f.]*(e[-\u2212]?\d+)?$/i)?.[0] ?? '').replace(/\u202f/g, '').replace(/\u2212/g, '-'));
  assert.ok(Math.abs(shown - point.value) <= 0.002 * Math.abs(point.value) + 1e-9, `${seen.text} against ${point.value}`);
});

act('pause holds the trainer, and the page says at which step', async () => {
  await transport('pause').click();
  const held = await until('paused', async () => ((await state()).state === 'paused' ? state() : null));
  await pause(600);
  assert.equal((await state()).last_step, held.last_step, 'the step stands still');
  const shown = new RegExp(`paused.*${String(held.last_step).replace(/\B(?=(\d{3})+(?!\d))/g, '\\D?')}`, 's');
  await until('the word paused with its step', async () => shown.test(await page.locator('body').innerText()));
});

act('step goes on by one', async () => {
  const before = (await state()).last_step;
  await transport('step').click();
  await until('one more step', async () => (await state()).last_step === before + 1);
  await pause(300);
  assert.equal((await state()).last_step, before + 1);
});

act('a value set while paused applies at once, and resume goes on', async () => {
  const at = (await state()).last_step;
  await tab('Steer');
  await entry('lr').fill('0.02');
  await entry('lr').press('Enter');
  await until('lr', async () => (await parameter('lr')).value === 0.02);
  assert.equal((await state()).last_step, at);
  await until('the page to know', async () => Number(await entry('lr').inputValue()) === 0.02);
  await transport('resume').click();
  await until('running', async () => (await state()).last_step > at + 10);
});

act('exact entry: asked, applied at a step, seen by the trainer in its own series', async () => {
  await entry('lr').fill('5e-3');
  await entry('lr').press('Enter');
  const status = row('lr').getByRole('status');
  await until('applied', async () => /0\.02 \u2192 0\.005 applied at step [\d\u202f]+, [\d.]+ m?s after the click, by you/.test(await status.innerText()));
  const text = await status.innerText(), step = Number(text.match(/step ([\d\u202f]+)/)[1].replace(/\u202f/g, ''));
  console.log(`# ${text.trim()}`);
  const points = await until('the point', async () => {
    const all = await stage.points(run.id, 'param/lr');
    return all.some(p => p.value === 0.005) && all;
  });
  assert.equal(points.find(p => p.value === 0.005).step, step);
  await until('the entry to follow', async () => (await entry('lr').inputValue()) === '0.005');
});

act('the slider changes the value on its own scale', async () => {
  const slider = page.getByRole('slider', { name: 'lr', exact: true });
  const box = await slider.boundingBox();
  await page.mouse.click(box.x + box.width * 0.5, box.y + box.height / 2);
  const value = await until('applied', async () => {
    const now = (await parameter('lr')).value;
    return now !== 0.005 && now;
  });
  assert.ok(value > 5e-4 && value < 2e-3, `the middle of 1e-6 ... 1 by decades is 1e-3, not ${value}`);
  await until('the entry to follow', async () => Number(await entry('lr').inputValue()) === value);
  await slider.press('ArrowRight');
  const stepped = await until('an arrow key', async () => {
    const now = (await parameter('lr')).value;
    return now > value && now;
  });
  await until('the entry to follow the key', async () => Number(await entry('lr').inputValue()) === stepped);
});

act('a click on the slider that is over before the page is drawn again counts', async () => {
  const before = (await parameter('lr')).value;
  await page.getByRole('slider', { name: 'lr', exact: true }).evaluate(slider => {
    slider.value = String(Number(slider.value) > 500 ? 400 : 600);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    slider.dispatchEvent(new Event('change', { bubbles: true }));
  });
  const value = await until('the change', async () => {
    const now = (await parameter('lr')).value;
    return now !== before && now;
  });
  await until('the entry to follow', async () => Number(await entry('lr').inputValue()) === value);
});

act('Escape restores, and an arrow steps a draft that is not sent', async () => {
  const truth = await entry('lr').inputValue(), count = (await stage.api(`runs/${run.id}/commands`)).commands.length;
  await entry('lr').focus();
  await page.keyboard.press('ArrowUp');
  await until('the arrow to step the draft', async () => Number(await entry('lr').inputValue()) > Number(truth));
  await page.keyboard.press('Escape');
  await until('Escape to restore', async () => (await entry('lr').inputValue()) === truth);
  await pause(200);
  assert.equal((await stage.api(`runs/${run.id}/commands`)).commands.length, count);
});

act('a value out of bounds is refused in place, with the reason', async () => {
  const truth = (await parameter('lr')).value;
  await entry('lr').fill('50');
  await entry('lr').press('Enter');
  const alert = row('lr').getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.innerText(), /50 refused/);
  assert.match(await alert.innerText(), /1e-0?6|0\.000001/);
  assert.equal((await parameter('lr')).value, truth);
  await until('the true value to be shown as true', async () => Number(await entry('lr').inputValue()) === truth);
  await entry('lr').fill('abc');
  await entry('lr').press('Enter');
  await row('lr').getByText('not a number').waitFor();
  await page.keyboard.press('Escape');
});

act('undo gives the value before', async () => {
  const before = (await parameter('lr')).value;
  await entry('lr').fill('0.3');
  await entry('lr').press('Enter');
  await until('0.3', async () => (await parameter('lr')).value === 0.3);
  const undo = page.getByRole('button', { name: 'undo lr' }), back = async () => Number((await undo.getAttribute('title'))?.match(/back to (.+)/)?.[1]);
  await until('an undo of this change', async () => (await back()) === before);
  await undo.click();
  await until('undone', async () => (await parameter('lr')).value === before);
});

act('switch, choice and text are steered, read-only is only shown', async () => {
  await page.getByRole('switch', { name: 'shuffle' }).click();
  await until('off', async () => (await parameter('shuffle')).value === false);
  await page.getByRole('radiogroup', { name: 'optimizer' }).getByRole('radio', { name: 'momentum' }).click();
  await until('momentum', async () => (await parameter('optimizer')).value === 'momentum');
  await entry('note').fill('second <b>try</b>');
  await entry('note').press('Enter');
  await until('text', async () => (await parameter('note')).value === 'second <b>try</b>');
  await entry('batch').fill('64');
  await entry('batch').press('Enter');
  await until('int', async () => (await parameter('batch')).value === 64);
  assert.equal(await entry('temperature').count(), 0);
  await until('the read-only value', async () => /61\.5/.test(await row('temperature').innerText()));
});

act('a change made elsewhere is followed, and said whose it is', async () => {
  await stage.api(`runs/${run.id}/commands?wait=2000`, { method: 'POST', body: JSON.stringify({ type: 'set', parameter: 'momentum', value: 0.25 }) });
  await until('the entry to follow', async () => (await entry('momentum').inputValue()) === '0.25');
  await until('since which step', async () => /since step/.test(await row('momentum').innerText()));
  const history = page.getByRole('table', { name: 'history' });
  await until('the history', async () => /momentum 0\.5 \u2192 0\.25/.test(await history.innerText()));
});

act('a change by the command line says so', async () => {
  const child = stage.start('nnscope', ['set', run.id, 'batch', '32']);
  await until('its end', () => child.exitCode !== null);
  const { commands } = await stage.api(`runs/${run.id}/commands`), batch = commands.find(c => c.values?.batch?.to === 32);
  assert.equal(batch?.from, 'command line', JSON.stringify(batch));
  assert.ok(commands.some(c => c.from === 'page') && commands.some(c => c.from === 'api'));
});

act('the log is there in its colours, found in and followed', async () => {
  await tab('Log');
  const log = page.getByRole('log', { name: 'output' });
  await until('lines', async () => Number(await log.getAttribute('data-lines')) > 5);
  await until('cyan words in cyan', async () => (await log.locator('.fg-6').count()) > 0);
  assert.ok(!(await log.innerText()).includes('\u001b'));
  const lines = Number(await log.getAttribute('data-lines'));
  await until('more lines', async () => Number(await log.getAttribute('data-lines')) > lines);
  await page.getByRole('searchbox', { name: 'search the log' }).fill('HERE TO BE FOUND');
  const found = page.getByRole('status', { name: 'found' });
  await until('finds', async () => /^1 of [1-9]/.test(await found.innerText()));
  await page.getByRole('searchbox', { name: 'search the log' }).fill('loss');
  await until('many', async () => Number((await found.innerText()).split(' of ')[1]?.replace(/\D/g, '')) > 5);
  await button('next').click();
  await until('the second', async () => /^2 of/.test(await found.innerText()));
  await button('previous').click();
  await until('the first', async () => /^1 of/.test(await found.innerText()));
  await button('follow').click();
  await until('the log to be followed', async () => (await button('follow').getAttribute('aria-pressed')) === 'true');
});

act('facts: configuration, program, machine, cost', async () => {
  await tab('Facts');
  const facts = [/least squares/, /features/, /16, 1/, /web_trainer/, /share of step time/, /dropped\s+nothing/, /host/];
  await until('facts', async () => {
    const text = await page.getByRole('tabpanel', { name: 'Facts' }).innerText(), missing = facts.find(fact => !fact.test(text));
    if (missing) throw new Error(`no ${missing} in ${text}`);
    return true;
  });
});

act('rename, tag and notes are kept', async () => {
  await entry('name').fill('steered by hand');
  await entry('name').press('Enter');
  await until('the name', async () => (await state()).name === 'steered by hand');
  await entry('add a tag').fill('kept');
  await entry('add a tag').press('Enter');
  await until('the tag', async () => (await state()).tags.includes('kept'));
  await entry('notes').fill('a <i>note</i>');
  await entry('notes').blur();
  await until('the notes', async () => (await state()).notes === 'a <i>note</i>');
});

act('events: in the ribbon, and as a list', async () => {
  const ribbon = page.getByRole('list', { name: 'newest events' });
  await until('a change in the ribbon', async () => /lr/.test(await ribbon.innerText()));
  await page.getByRole('button', { name: /^events/ }).click();
  const list = page.getByRole('table', { name: 'events' });
  await until('paused in the list', async () => /paused/.test(await list.innerText()));
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
});

act('media: images, histogram, samples with the wrong one marked', async () => {
  await tab('Curves');
  await panel('samples').scrollIntoViewIfNeeded();
  const wrong = page.getByRole('img', { name: /predicted 9 .* truth 4/ }).first();
  await wrong.scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(shots, 'media-1440x900-dark.png') });
  await panel('weights as an image').scrollIntoViewIfNeeded();
  await panel('weights').scrollIntoViewIfNeeded();
  await page.getByRole('img', { name: /^weights: distribution/ }).first().waitFor();
  await page.getByRole('img', { name: 'the sixteen weights' }).first().waitFor();
  await page.evaluate(() => document.querySelectorAll('*').forEach(e => e.scrollTop && (e.scrollTop = 0)));
});

act('zoom by a drag goes down to single points, double click goes back', async () => {
  await tab('Curves');
  const chart = panel('train/loss').getByRole('img');
  await chart.waitFor();
  const zoomed = () => decodeURIComponent(page.url()).match(/zoom=([\d.e+-]+):([\d.e+-]+)/), width = z => (z ? Number(z[2]) - Number(z[1]) : Infinity);
  for (let turn = 0; turn < 12 && !(width(zoomed()) < 100); turn++) {
    const before = width(zoomed()), box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.4);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.45, box.y + box.height * 0.5, { steps: 4 });
    await page.mouse.up();
    await until('a narrower range', () => width(zoomed()) < before);
    await pause(250); // until it is drawn
  }
  assert.ok(width(zoomed()) < 100, page.url());
  await page.screenshot({ path: join(shots, 'zoomed-1440x900-dark.png') });
  const box = await chart.boundingBox();
  await page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
  await until('no zoom', () => !/zoom=/.test(page.url()));
});

act('CSV of a panel holds the recorded points', async () => {
  await panel('train/loss').hover();
  await button('settings of train/loss').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'data (CSV)' }).click()]);
  const text = readFileSync(await download.path(), 'utf8'), lines = text.trim().split('\n');
  assert.match(lines[0], /^step/);
  assert.ok(lines.length > 100);
  await page.keyboard.press('Escape');
});

act('keys: space pauses and resumes, g s steers, g c goes to the curves, ? helps', async () => {
  await page.locator('body').click({ position: { x: 720, y: 880 } }).catch(() => {});
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  await page.keyboard.press('Space');
  await until('paused', async () => (await state()).state === 'paused');
  await until('the page to know', async () => transport('resume').isVisible());
  const at = (await state()).last_step;
  await page.keyboard.press('.');
  await until('stepped', async () => (await state()).last_step === at + 1);
  await until('the page to know', async () => transport('resume').isVisible());
  await pause(200);
  await page.keyboard.press('Space');
  await until('running', async () => (await state()).state === 'running');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.getByRole('tabpanel', { name: 'Steer' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.getByRole('tabpanel', { name: 'Curves' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
});

act('a reload keeps everything', async () => {
  await tab('Steer');
  await pause(300);
  await page.reload();
  await page.getByRole('tabpanel', { name: 'Steer' }).waitFor();
  await until('the parameter', async () => (await entry('momentum').inputValue()) === '0.25');
  await until('the history', async () => /momentum 0\.5 \u2192 0\.25/.test(await page.getByRole('table', { name: 'history' }).innerText()));
  await tab('Curves');
  await live('train/loss').waitFor();
});

act('a killed server comes back and the page goes on with nothing missing', async () => {
  const before = (await state()).last_step;
  await stage.restartServer('SIGKILL');
  const at = await until('the trainer went on', async () => ((await state()).last_step > before + 20 ? state() : null));
  await until('the page to go on by itself', async () => (await stepShown('train/loss')) >= at.last_step);
  const steps = (await stage.points(run.id, 'train/loss')).map(p => p.step);
  assert.equal(new Set(steps).size, steps.length, 'nothing doubled');
  for (let i = 1; i < steps.length; i++) assert.equal(steps[i], steps[i - 1] + 1, 'nothing missing');
});

act('three runs stand in one panel', async () => {
  stage.train('--name', 'second', '--step-us', '8000');
  stage.train('--name', 'third', '--step-us', '8000', '--plain');
  const others = [await stage.runNamed('second'), await stage.runNamed('third')];
  for (const other of others) await button(`show ${other.name} beside`).click();
  for (const other of others) await live('train/loss', other.id).waitFor();
  await live('train/loss', run.id).waitFor();
  const first = await Promise.all(others.map(other => stepShown('train/loss', other.id)));
  await until('all to move', async () => (await Promise.all(others.map(o => stepShown('train/loss', o.id)))).every((s, i) => s > first[i]));
  const items = panel('train/loss').getByRole('group', { name: 'legend' }).locator('.swatch');
  await until('three colours', async () => new Set(await items.evaluateAll(all => all.map(e => getComputedStyle(e).backgroundColor))).size === 3);
});

for (const [width, height] of [[1440, 900], [1024, 768], [390, 844], [144, 256]])
  for (const scheme of ['dark', 'light'])
    act(`pictures at ${width}x${height}, ${scheme}`, async () => {
      await page.setViewportSize({ width: 1440, height: 900 });
      await tab('Curves');
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      for (const name of width < 200 ? ['Curves'] : ['Curves', 'Steer', 'Log', 'Facts']) {
        if (width > 200) await page.getByRole('tab', { name, exact: true }).click(); // the smallest size shows curves alone
        await pause(500);
        await page.screenshot({ path: join(shots, `${name.toLowerCase()}-${width}x${height}-${scheme}.png`) });
        await until(`${name} to be no wider than the window`, async () => (await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      }
    });

act('stop ends the trainer, and the page says how it ended', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await stage.api(`runs/${run.id}/commands?wait=2000`, { method: 'POST', body: JSON.stringify({ type: 'stop' }) });
  await until('the end', () => trainer.exitCode !== null);
  assert.equal(trainer.exitCode, 0);
  await until('finished', async () => (await state()).state === 'finished');
  await page.getByText('steered by hand').first().click();
  await tab('Facts');
  await until('the page to know', async () => /finished/.test(await page.locator('body').innerText()));
});

act('no script error was raised', () => assert.deepEqual(page.problems, []));
