// A unit: its numbers, its weights as an image, what it answers to, its course, the strongest links in and out.
import { useEffect, useState } from 'preact/hooks';
import { MARK } from '../../link/capture';
import { whole } from '../../look/format';
import type { LayerState, NetworkState } from '../../network/model';
import type { Network } from '../../state/network';
import type { UnitDetail } from '../../state/unit-detail';
import { unitsAt, type UnitAtStep } from '../../state/unit-past';
import { setNetwork, view } from '../../state/view';
import { useCalm } from './calm';
import { ClassBars, CoursePlot, Fact, joined, LinkRows, pointsOf, SampleRow, Section, type LinkRow } from './parts';
import { changedRow, columnOf, norm, rowOf, strongestOf, type Row } from './row-of';
import { chooseUnit, feeds, kernelWords } from './seen';
import { WeightImage } from './weights';
import { largest } from './weights-shape';
import { figure, layerWords, MARK_SAYS, share, unitWords } from './words';

const LINKS = 6;

function markWords(marks = 0): ('dead' | 'saturated' | 'young')[] {
  return (['dead', 'saturated', 'young'] as const).filter(word => marks & MARK[word]);
}

interface UnitSeen { state: NetworkState | null; detail: UnitDetail | null; live: boolean }

// Where a unit stands now in words and numbers; compared: now minus then.
function Numbers({ state, then, unit, weights, update }: { state: LayerState; then: LayerState | undefined; unit: number; weights: Row | null; update: Row | null }) {
  const of = (name: 'activation' | 'gradient' | 'mean' | 'weightIn' | 'bias' | 'selectivity'): number | undefined => {
    const now = state[name]?.[unit];
    const before = then?.[name]?.[unit];
    return !then || now === undefined ? now : before === undefined ? undefined : now - before;
  };
  const exactNorm = weights?.exact && !then ? norm(weights.data) : of('weightIn'), w = exactNorm ?? (weights && !then ? norm(weights.data) : undefined);
  const ratio = !then && update && weights && norm(weights.data) > 0 ? norm(update.data) / norm(weights.data) : undefined;
  return (
    <dl class="unit-facts">
      <Fact name="activation" value={of('activation')} />
      {state.mean && <Fact name="mean" value={of('mean')} />}
      <Fact name="gradient" value={of('gradient')} />
      {(w !== undefined) && <Fact name="|w| in" value={w} />}
      {ratio !== undefined && <Fact name="update / w" value={ratio} />}
      {state.bias && <Fact name="bias" value={of('bias')} />}
      {state.selectivity && !Number.isNaN(state.selectivity[unit]) && <Fact name="selectivity" value={of('selectivity')} title="0 generic .. 1 specific" />}
    </dl>
  );
}

function Standing({ network, layer, state, unit, when }: { network: Network; layer: number; state: LayerState; unit: number; when: string }) {
  const marks = markWords(state.marks?.[unit]), active = state.active?.[unit], { activation, kind } = network.model.layers[layer]!;
  return (
    <p class="inspect-standing muted">
      {activation || kind}{active !== undefined && !Number.isNaN(active) && <> · active on <span class="number" data-fact="active" data-value={active}>{share(active)}</span> of the batch{when && ` ${when}`}</>}
      {marks.map(m => <span key={m} class={`mark-word ${m}`} title={MARK_SAYS[m]}>{m}</span>)}
    </p>
  );
}

function incoming(network: Network, layer: number, row: Row): LinkRow[] {
  const source = feeds(network, layer), from = network.model.layers[source];
  if (!from) return [];
  const each = from.shape.length >= 3 ? Math.max(1, row.data.length / from.shape[0]!) : 1;
  return strongestOf(row.data, LINKS).map(i => {
    const unit = Math.floor(i / each), word = unitWords(from, unit, undefined, false), kernel = kernelWords(network, layer, i);
    if (kernel) return { key: String(i), word: kernel, value: row.data[i]!, go: () => chooseUnit(network, source, from.shape.length >= 3 ? unit : -1) };
    return { key: String(i), word: from.kind === 'input' ? word : `${from.name} ${word}`, value: row.data[i]!, go: () => chooseUnit(network, source, unit) };
  });
}

const fedBy = ({ model: { layers } }: Network, layer: number): number => layers.findIndex(l => l.inputs.includes(layers[layer]!.name));

// Exact where a capture brought it, else of the recorded matrix; compared: now minus then.
function outOf(network: Network, detail: UnitDetail | null, live: boolean, layer: number, unit: number): Float32Array | null {
  const next = fedBy(network, layer), now = (live && detail?.out?.data) || columnOf(network, network.shown.peek(), next, unit), earlier = network.compared.peek();
  if (!earlier || !now) return now;
  const then = columnOf(network, earlier, next, unit);
  return then?.length === now.length ? now.map((v, i) => v - then[i]!) : null;
}

function outgoing(network: Network, layer: number, out: Float32Array | null): LinkRow[] {
  const { layers, classes } = network.model, next = fedBy(network, layer), to = layers[next];
  if (!to || !out) return [];
  return strongestOf(out, LINKS).map(unit => ({
    key: String(unit), word: `${to.name} ${unitWords(to, unit, classes, next === layers.length - 1)}`, value: out[unit]!, go: () => chooseUnit(network, next, unit),
  }));
}

const mostOf = (rows: LinkRow[]): number => rows.reduce((n, r) => Math.max(n, Math.abs(r.value)), 0);

function Classes({ network, state, unit, when }: { network: Network; state: LayerState; unit: number; when: string }) {
  const all = state.classMean;
  if (!all || all.classes < 2) return null;
  const means = Array.from({ length: all.classes }, (_, k) => all.data[k * all.units + unit]!);
  if (!means.some(Number.isFinite)) return null;
  return <Section title="mean activation per class" note={when}><ClassBars means={means} words={network.model.classes ?? means.map((_, k) => String(k))} /></Section>;
}

// What was recorded while somebody looked, with what snapshots hold of earlier.
function useCourse(network: Network, layer: number, unit: number, version: unknown) {
  const [past, setPast] = useState<UnitAtStep[]>([]);
  useEffect(() => unitsAt(network, layer, unit, setPast), [network, layer, unit]);
  const course = network.history.courseOf(layer, unit);
  void version;
  const of = (name: 'activation' | 'gradient') => joined([...past.map(p => ({ step: p.step, value: p[name] })), ...pointsOf(course, name)]);
  return { activation: of('activation'), gradient: of('gradient') };
}

function Steps({ step, weights }: { step: number; weights: Row | null }) {
  const apart = weights && largest(weights.data) > 0 && weights.step !== step;
  return <p class="faint number inspect-step">step <span data-fact="step" data-value={step}>{whole(step)}</span>{apart && ` · weights of step ${whole(weights.step)}`}</p>;
}

// What is seen of a unit only live.
function NotKept({ kind, state, detail }: { kind: string; state: LayerState; detail: UnitDetail | null }) {
  const input = kind === 'input', lacks = [!state.classMean && 'means per class', !detail?.samples && 'strongest samples', !input && !detail?.update && 'gradient and update of single weights'].filter(Boolean);
  const words = !state.activation ? (input ? 'The input is not in snapshots.' : 'Snapshots hold nothing of this unit.') : lacks.length ? `Not in snapshots: ${lacks.join(', ')}.` : '';
  return words ? <p class="faint inspect-step">{words}</p> : null;
}

export function UnitFacts({ network, layer, unit }: { network: Network; layer: number; unit: number }) {
  const { moment, compare } = view.value.network, live = moment === null || compare;
  const seen = useCalm<UnitSeen>(() => ({ state: network.shown.value, detail: network.detailOf({ layer, unit }), live }), [network, layer, unit, moment, compare]);
  const course = useCourse(network, layer, unit, seen.state), state = seen.state?.layers[layer] ?? {}, then = network.compared.value?.layers[layer];
  const row = rowOf(network, seen.detail, live, layer, unit, 'weight'), weights = then ? changedRow(network, row, layer, unit, 'weight') : row, update = rowOf(network, seen.detail, live, layer, unit, 'update');
  const from = network.model.layers[feeds(network, layer)], into = weights ? incoming(network, layer, weights) : [], out = outgoing(network, layer, outOf(network, seen.detail, live, layer, unit)), when = then ? 'now' : '';
  const chooseLink = (index: number) => setNetwork({ place: { layer: network.model.layers[layer]!.name, unit, index: unit * weights!.data.length + index } });
  const name = network.model.layers[layer]!;
  return (
    <div class="inspect-body">
      <Standing network={network} layer={layer} state={state} unit={unit} when={when} />
      <p class="hidden-name">{layerWords(name)}</p>
      <Numbers state={state} then={then} unit={unit} weights={weights} update={update} />
      {weights && weights.data.length > 1 && (
        <Section title="incoming weights" note={then ? 'now minus then' : weights.exact ? '' : 'as recorded, rounded'}>
          <WeightImage name="incoming weights" data={weights.data} shape={weights.shape} from={from} choose={chooseLink} />
        </Section>
      )}
      <Classes network={network} state={state} unit={unit} when={when} />
      <Section title="activation and gradient over time">
        <CoursePlot lines={[{ name: 'activation', tone: 'tone-a', course: course.activation }, { name: 'gradient', tone: 'tone-b', course: course.gradient }]} at={moment} />
      </Section>
      {seen.detail?.samples && live && seen.detail.samples.side > 0 && <Section title="strongest samples" note={when}><SampleRow samples={seen.detail.samples} classes={network.model.classes} /></Section>}
      {into.length > 0 && <Section title={then ? 'links in, most changed' : 'strongest links in'}><LinkRows rows={into} most={mostOf(into)} /></Section>}
      {out.length > 0 && <Section title={then ? 'links out, most changed' : 'strongest links out'}><LinkRows rows={out} most={mostOf(out)} /></Section>}
      {seen.state && <Steps step={seen.state.step} weights={weights} />}
      {network.recorded.value ? <NotKept kind={name.kind} state={state} detail={live ? seen.detail : null} /> : !state.activation && !row && <p class="faint">{figure(undefined)} nothing is registered for this unit</p>}
    </div>
  );
}
