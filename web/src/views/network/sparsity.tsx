// Sparsity work on a run's network: which units fire for which class, which are specific, dead, saturated or do the same as
// others, and what pruning would cost. Looks at classes and correlations only while it is in sight.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Run } from '../../link/messages';
import { whole } from '../../look/format';
import { numberOf } from '../../network/take';
import { link } from '../../state/link';
import { useModel, type RunModel } from '../../state/model';
import { isOver, runs } from '../../state/runs';
import { setView, view } from '../../state/view';
import { ClassMatrix, SelectivityHistogram } from './sparsity-classes';
import { CLASSES_MOST, CORRELATED_MOST, ordered, redundancy, unitRows, unitsIn, unitsSentence, type LayerUnits, type Units } from './sparsity-data';
import { PruningView } from './sparsity-pruning';
import { Redundancy, SPECIFIC, UnitList } from './sparsity-units';

const RATE = 1; // captures a second
const OVER = 'The run is over';

function useUnits(run: string): { units: Units | null; error: string } {
  const [units, set] = useState<Units | null>(null), [error, fail] = useState('');
  useEffect(() => {
    set(null);
    return link.look(run, { what: ['units', 'classes', 'correlation'], rate: RATE }, bytes => (set(before => unitsIn(bytes, before)), fail('')), e => fail(e.message));
  }, [run]);
  return { units, error };
}

interface LayerProps { name: string; layer: LayerUnits; words: readonly string[]; labels: boolean; over: boolean; chosen: number; choose: (unit: number) => void; pruning: ComponentChildren }

function LayerWork({ name, layer, words, labels, over, chosen, choose, pruning }: LayerProps) {
  const rows = useMemo(() => unitRows(layer), [layer]), byClass = useMemo(() => ordered(rows, 'class'), [rows]), [least, setLeast] = useState(0.95);
  const found = useMemo(() => redundancy(layer.pairs, least, layer.units), [layer.pairs, least, layer.units]);
  return (
    <>
      <p class="sp-sentence number" role="status">{name}: {unitsSentence(rows, layer, SPECIFIC)}</p>
      <section aria-label="units and classes">
        <h2>Units and classes</h2>
        {layer.classMean && layer.classes > 0 ? <ClassMatrix layer={layer} units={byClass} words={words} chosen={chosen} choose={choose} />
          : <p class="faint">{!labels ? 'The program registers no labels (role NNS_LABEL): what a unit prefers is not known.' : over ? `${OVER}: which classes a unit prefers is not in snapshots.` : layer.units > CLASSES_MOST ? `Means per class are kept of layers of up to ${whole(CLASSES_MOST)} units.` : 'Not known yet.'}</p>}
      </section>
      <div class="sp-columns">
        <section aria-label="selectivity"><h2>Generic or specific</h2>
          {layer.selectivity && <SelectivityHistogram values={layer.selectivity} />}
          <UnitList rows={rows} words={words} chosen={chosen} choose={choose} />
        </section>
        <div>
          <section aria-label="redundancy"><h2>Redundancy</h2>
            <Redundancy found={found} unknown={layer.pairs ? '' : over ? `${OVER}: correlations are not in snapshots.` : layer.units > CORRELATED_MOST ? `Correlations are made of layers of up to ${whole(CORRELATED_MOST)} units.` : 'Correlations are not known yet.'} least={least} setLeast={setLeast} chosen={chosen} choose={choose} />
          </section>
          {pruning}
        </div>
      </div>
    </>
  );
}

function Work({ run, model }: { run: Run; model: RunModel }) {
  const { units, error } = useUnits(run.id), [picked, pick] = useState(''), place = view.value.network.place;
  const known = model.layers.map((layer, at) => ({ layer, units: units?.layers.get(numberOf(model, at)) })).filter(l => l.layer.kind !== 'input' && l.units && l.units.units > 1);
  const shown = known.find(l => l.layer.name === (picked || place?.layer)) ?? known[0];
  const pruning = <section aria-label="pruning"><h2>Pruning</h2><PruningView run={run} evaluates={model.evaluate} /></section>;
  const choose = (unit: number) => setView({ network: { ...view.peek().network, place: { layer: shown!.layer.name, unit, index: -1 } } });
  return (
    <div class="sparsity">
      <header class="sp-row">
        {shown && <div class="segmented" role="group" aria-label="layer">
          {known.map(l => <button key={l.layer.name} type="button" aria-pressed={l === shown} onClick={() => pick(l.layer.name)}>{l.layer.name}</button>)}
        </div>}
        {shown && place?.layer === shown.layer.name && place.unit >= 0 && (
          <button type="button" class="button small" onClick={() => setView({ network: { ...view.peek().network, part: 'picture' } })}>unit {place.unit} in the picture</button>
        )}
        {units && <span class="faint number">step {whole(units.step)} · over {whole(units.observed)} observed samples</span>}
        {view.value.network.moment !== null && !isOver(run) && <span class="faint">of now: snapshots hold neither classes nor correlations</span>}
      </header>
      {shown ? <LayerWork name={shown.layer.name} layer={shown.units!} words={model.push?.classes ?? []} labels={model.tensors.some(t => t.role === 'label')} over={isOver(run)} chosen={place?.layer === shown.layer.name ? place.unit : -1} choose={choose} pruning={pruning} />
        : <><p class="muted" role="status">{error || (isOver(run) ? `The run is over (${run.state}): units are observed only while its program lives.` : 'Waiting for the first observation.')}</p>{pruning}</>}
    </div>
  );
}

export function Sparsity({ run: id }: { run: string }) {
  const model = useModel(id), run = runs.value.get(id);
  return model && run ? <Work run={run} model={model} /> : <div class="empty" aria-busy="true" />;
}
