// What pruning would cost: accuracy over the share of weights pruned, measured aside, on copied weights.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Run } from '../../link/messages';
import { getJson, RestError, segment } from '../../link/rest';
import { number, percent, whole } from '../../look/format';
import { hindrance, understands } from '../../state/transport';
import { sendCommand } from '../../state/watch';
import { affordable, pruningOf, type PrunePoint, type Pruning } from './sparsity-data';

const LOOK_MS = 700, PATIENCE_MS = 180000, WIDTH = 400, HEIGHT = 160, COST = 0.01;

const ask = (run: string): Promise<Pruning | null> =>
  getJson(`runs/${segment(run)}/pruning`).then(pruningOf, e => (e instanceof RestError && e.status === 404 ? null : Promise.reject(e)));

const pause = (ms: number) => new Promise(done => setTimeout(done, ms));

interface Measured { pruning: Pruning | null; busy: boolean; said: string; measure: () => void }

// The last curve that the run has, and a way to a new one: the command, then a look every now and then until its curve is there.
function usePruning(run: string): Measured {
  const [pruning, set] = useState<Pruning | null>(null), [busy, work] = useState(false), [said, say] = useState(''), here = useRef(true);
  useEffect(() => {
    here.current = true;
    ask(run).then(p => here.current && set(p), () => {});
    return () => void (here.current = false);
  }, [run]);
  const wait = async (before: number) => {
    for (const end = performance.now() + PATIENCE_MS; here.current && performance.now() < end; await pause(LOOK_MS)) {
      const now = await ask(run);
      if (now && now.command !== before) return now;
    }
    throw new Error('No curve has come in three minutes: the program is busy or gone.');
  };
  const measure = async () => {
    work(true);
    say('');
    try {
      const before = (await ask(run))?.command ?? -1;
      await sendCommand(run, { type: 'prune' });
      const now = await wait(before);
      if (here.current) set(now), say(now.error);
    } catch (error) {
      if (here.current) say((error as Error).message);
    }
    if (here.current) work(false);
  };
  return { pruning, busy, said, measure: () => void measure() };
}

function Curve({ curve }: { curve: readonly PrunePoint[] }) {
  const [over, hover] = useState<PrunePoint | null>(null), whole0 = curve[0]!.accuracy, cheap = affordable(curve, COST);
  const low = Math.max(0, Math.min(...curve.map(p => p.accuracy)) - 0.02), high = Math.min(1, Math.max(...curve.map(p => p.accuracy)) + 0.02);
  const x = (p: PrunePoint) => p.share * WIDTH, y = (p: PrunePoint) => HEIGHT - ((p.accuracy - low) / Math.max(1e-9, high - low)) * HEIGHT;
  const nearest = (e: MouseEvent) => {
    const box = (e.currentTarget as Element).getBoundingClientRect(), share = (e.clientX - box.left) / box.width;
    hover(curve.reduce((a, b) => (Math.abs(b.share - share) < Math.abs(a.share - share) ? b : a)));
  };
  const said = over ?? cheap;
  return (
    <figure class="sp-curve" data-points={curve.length}>
      <div class="sp-plot">
        <span class="faint number">{percent(high)}</span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label="accuracy over the share of weights pruned" onMouseMove={nearest} onMouseLeave={() => hover(null)}>
          {[0.25, 0.5, 0.75].map(s => <line key={s} class="grid" x1={s * WIDTH} x2={s * WIDTH} y1={0} y2={HEIGHT} />)}
          <path d={curve.map((p, i) => `${i ? 'L' : 'M'}${x(p).toFixed(1)} ${y(p).toFixed(1)}`).join('')} />
          {said && <line class="at" x1={x(said)} x2={x(said)} y1={0} y2={HEIGHT} />}
        </svg>
        <span class="faint number">{percent(low)}</span>
        <span class="sp-axis faint number"><span>0 %</span><span>share of weights pruned</span><span>100 %</span></span>
      </div>
      <figcaption class="number" role="status">
        {said && <>{!over && 'for one point at most: '}<b>{percent(said.share)}</b> pruned (|w| below {number(said.threshold, 3)}): accuracy <b>{percent(said.accuracy)}</b>
          <span class={said.accuracy < whole0 - COST ? 'bad' : 'muted'}> {said.accuracy >= whole0 ? '+' : '−'}{number(100 * Math.abs(said.accuracy - whole0), 2)} points</span></>}
      </figcaption>
    </figure>
  );
}

export function PruningView({ run, evaluates }: { run: Run; evaluates: boolean }) {
  const { pruning, busy, said, measure } = usePruning(run.id), why = hindrance(run), can = evaluates && understands(run, 'prune');
  return (
    <div class="sp-pruning" aria-busy={busy}>
      <div class="sp-row">
        {can && <button type="button" class="button" disabled={busy || why !== ''} title={why} onClick={measure}>measure</button>}
        <span class="faint" role="status">{busy ? 'measuring aside, on copied weights\u2026' : can ? 'aside, on copied weights: training goes on, nothing of it changes' : 'the program has not said how its network is evaluated (nns_on_evaluate)'}</span>
      </div>
      {said && <p class="muted" role="status">{said}</p>}
      {pruning && pruning.curve.length > 1 && <Curve curve={pruning.curve} />}
      {pruning && <p class="faint number">{pruning.error || `measured of the weights at step ${whole(pruning.step)}, smallest |w| first, over all layers`}</p>}
    </div>
  );
}
