// The Network tab on a training run: from the moment that was captured to its picture, and from a step of the time slider to its.
// Drawn is what the picture's place says (data-drawn, data-time); painted when a message is received that was posted in the frame in
// which it was drawn, or in the next one if it was drawn between two: after its rendering.
import { pause, until } from '../tests/web/support/stage.mjs';

export const GL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

function notePictures() {
  const paints = (window.paints = []), keys = (window.keys = []), waiting = [], channel = new MessageChannel(), frame = window.requestAnimationFrame.bind(window);
  let inFrame = false;
  channel.port1.onmessage = () => {
    const when = performance.timeOrigin + performance.now();
    inFrame = false;
    for (const paint of waiting.splice(0)) paints.push({ ...paint, when });
  };
  const opened = () => {
    if (!inFrame) channel.port2.postMessage(0);
    inFrame = true;
  };
  window.requestAnimationFrame = callback => frame(time => { opened(); callback(time); });
  new MutationObserver(([{ target }]) => {
    waiting.push({ step: Number(target.dataset.drawn), time: Number(target.dataset.time) });
    if (!inFrame) frame(opened);
  }).observe(document.querySelector('.network-picture'), { attributes: true, attributeFilter: ['data-drawn'] });
  addEventListener('keydown', e => keys.push(performance.timeOrigin + e.timeStamp), { capture: true });
}

// The tab of a run, looked at, with its picture drawn.
export async function openNetwork(stage) {
  const page = await stage.browse({ args: GL }), run = await until('the run', async () => (await stage.api('runs')).runs[0], 20000);
  await page.goto(stage.address);
  await page.locator('.app').waitFor({ timeout: 15000 });
  await page.evaluate(id => (location.hash = `runs=${id}&tab=network`), run.id);
  await page.locator('.network-picture[data-drawn]').waitFor({ timeout: 30000 });
  await page.evaluate(notePictures);
  return { page, run: run.id };
}

// Milliseconds from each capture to its paint, newest only: a picture that was drawn again (panned, resized) counts once.
export async function captureToPainted(page, seconds) {
  await page.evaluate(() => void (window.paints.length = 0));
  await pause(1000 * seconds);
  const paints = await page.evaluate(() => window.paints), seen = new Set();
  return paints.filter(p => p.time > 0 && !seen.has(p.time) && seen.add(p.time)).map(p => p.when - p.time);
}

// Milliseconds from a key on the slider to the snapshot's paint; `steps` back and forth over the snapshots there are.
export async function sliderToPainted(stage, page, run, steps) {
  const list = await until('eight snapshots', async () => {
    const all = (await stage.api(`runs/${run}/snapshots`)).snapshots;
    return all.length >= 8 && all;
  }, 60000);
  await page.getByRole('slider', { name: 'time' }).focus();
  await page.keyboard.press('Home');
  const drawn = step => until(`step ${step}`, () => page.evaluate(s => window.paints.some(p => p.step === s), step), 10000), times = [];
  await drawn(list[0].step);
  for (let i = 0, at = 0, by = 1; i < steps; i++) {
    if (at + by < 0 || at + by >= 7) by = -by;
    await pause(120); // a person's pace
    await page.evaluate(() => void (window.paints.length = window.keys.length = 0));
    await page.keyboard.press(by > 0 ? 'ArrowRight' : 'ArrowLeft');
    await drawn(list[(at += by)].step);
    times.push(await page.evaluate(s => window.paints.find(p => p.step === s).when - window.keys[0], list[at].step));
  }
  return times;
}
