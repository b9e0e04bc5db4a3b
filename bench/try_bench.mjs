// A stroke on the pad of the Try tab to the frame that shows the answer to it: the demo's network (784-512-256-10, batches of 128)
// trains meanwhile. Counted is the last point of each stroke, from its pointer event to the end of the frame whose bars answer it.
// Budget: 50 ms and one step, the one under way: what is judged is the 99th percentile of what each stroke took beyond the longest
// step that it met. (At an epoch's end a step holds the validation too, and of the strokes some in a hundred meet it.)
//
//     node bench/try_bench.mjs BUILD
import { loadavg } from 'node:os';
import { chromiumPath, pause, Stage, until } from '../tests/web/support/stage.mjs';

const STROKES = 200, POINTS = 8;

// In the page: each event is answered by the first bars whose serial is at least that of the ask seen next after it.
function noteAnswers() {
  const moves = (window.moves = []), channel = new MessageChannel(), shown = [], root = document.querySelector('.try');
  const unasked = () => moves.filter(m => m.serial === undefined);
  window.last = () => moves.at(-1);
  channel.port1.onmessage = () => {
    const serial = shown.pop(), when = performance.now();
    shown.length = 0;
    for (const m of moves)
      if (m.serial !== undefined && m.serial <= serial && m.took === undefined) Object.assign(m, { took: when - m.began, at: performance.timeOrigin + m.began });
  };
  addEventListener('onpointerrawupdate' in window ? 'pointerrawupdate' : 'pointermove', e => e.buttons && moves.push({ began: e.timeStamp }), true);
  new MutationObserver(() => {
    const asked = Number(root.dataset.serial), answered = Number(root.querySelector('.try-bars').dataset.serial ?? -1);
    for (const m of unasked()) m.serial = asked;
    requestAnimationFrame(() => { shown.push(answered); channel.port2.postMessage(0); });
  }).observe(root, { subtree: true, attributes: true, attributeFilter: ['data-serial'] });
}

// When each step began and how long it took, in milliseconds.
async function stepsOf(stage, run) {
  const csv = await stage.api(`runs/${run}/points?series=nnscope%2Fstep_time`, { headers: { Accept: 'text/csv' } });
  return csv.trim().split('\n').slice(1).map(line => line.split(',')).map(([, time, value]) => ({ at: 1000 * time, took: 1000 * value }));
}

const longestMet = (steps, { at, took }) => Math.max(0, ...steps.filter(s => s.at + s.took >= at && s.at <= at + took).map(s => s.took));

// What each stroke took, in milliseconds, and the longest step that it met.
async function strokes(build) {
  const stage = new Stage(build);
  try {
    await stage.serve();
    const trainer = stage.start('nnscope-train', ['--epochs', '0', '--name', 'bench']);
    trainer.stdout.resume();
    trainer.stderr.resume();
    const run = await stage.runNamed('bench'), page = await stage.browse();
    await page.goto(stage.address);
    await page.getByRole('tab', { name: 'Try', exact: true }).click({ timeout: 20000 });
    const box = await page.getByRole('img', { name: 'pad', exact: true }).boundingBox();
    await pause(2000);
    await page.evaluate(noteAnswers);
    const took = [];
    for (let i = 0; i < STROKES; i++) {
      const at = t => [box.x + box.width * (0.2 + 0.6 * t), box.y + box.height * (0.2 + 0.6 * (((i * 7) % 10) / 10) * t)];
      await page.mouse.move(...at(0));
      await page.mouse.down();
      for (let k = 1; k <= POINTS; k++) await page.mouse.move(...at(k / POINTS));
      await page.mouse.up();
      took.push(await until('the answer to a stroke', () => page.evaluate(() => window.last().took && window.last()), 10000));
      if (i % 5 === 4) await page.keyboard.press('x');
      await pause(60 + (i * 37) % 140);
    }
    const steps = await stepsOf(stage, run.id);
    return took.map(stroke => ({ took: stroke.took, step: longestMet(steps, stroke) }));
  } finally {
    await stage.close();
  }
}

if (!chromiumPath) {
  console.log('skipped: no chromium (Debian: apt install chromium; or name it in CHROMIUM)');
  process.exit(0);
}
const BUDGET_MS = 50;
const all = await strokes(process.argv[2] ?? 'build'), quantile = (q, what) => all.map(what).sort((a, b) => a - b)[Math.floor(q * all.length)];
const p99 = quantile(0.99, s => s.took - s.step);
console.log(`# ${all.length} strokes, load average ${loadavg()[0].toFixed(1)}; steps that they met: median ${quantile(0.5, s => s.step).toFixed(1)} ms, p99 ${quantile(0.99, s => s.step).toFixed(1)}`);
console.log(`# p99 with the step ${quantile(0.99, s => s.took).toFixed(1)} ms`);
console.log(`try_stroke_to_answer_p50 ${quantile(0.5, s => s.took).toFixed(1)} ms - ok`);
console.log(`try_stroke_to_answer_p99 ${p99.toFixed(1)} ms ${BUDGET_MS} ${p99 <= BUDGET_MS ? 'ok' : 'OVER'}`);
process.exit(p99 <= BUDGET_MS ? 0 : 1);
