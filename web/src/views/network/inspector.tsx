// The inspector: what is known of the unit, link or layer under the pointer, or of the one selected. Beside the picture; on a phone a sheet
// from below for what is selected.
import { useMemo } from 'preact/hooks';
import { whole } from '../../look/format';
import type { Network } from '../../state/network';
import { isOver, runs } from '../../state/runs';
import { setNetwork, view } from '../../state/view';
import { LayerFacts } from './inspect-layer';
import { LinkFacts } from './inspect-link';
import { UnitFacts } from './inspect-unit';
import { subjectOf } from './seen';
import { targetWords } from './stage';

// Of which moment the numbers are.
function When({ network }: { network: Network }) {
  const { moment, compare } = view.value.network, past = network.past.value, run = runs.value.get(network.run);
  if (moment !== null && compare && past) return <span class="tag">now minus step {whole(past.step)}</span>;
  if (moment !== null && past) return <span class="tag">snapshot of step {whole(past.step)}</span>;
  if (run && isOver(run)) return <span class="tag">as it ended, step {whole(network.live.value?.step ?? run.last_step)}</span>;
  if (!network.time.value && network.live.value) return <span class="tag">last snapshot, step {whole(network.live.value.step)}</span>;
  return <span class="tag live"><i class="dot" />live</span>;
}

function Nothing({ network }: { network: Network }) {
  const { layers } = network.model, parameters = layers.reduce((n, l) => n + l.parameters, 0);
  return (
    <div class="inspect-none">
      <h2>Network</h2>
      <p>{whole(layers.length)} layers, {whole(parameters)} parameters</p>
      <p class="faint">Point at a unit, a link or a layer to see its numbers; click to hold it. Arrow keys go from unit to unit.</p>
    </div>
  );
}

export function Inspector({ network }: { network: Network }) {
  const subject = useMemo(() => subjectOf(network), [network]).value;
  if (!subject) return <section class="inspector" aria-label="inspector"><Nothing network={network} /></section>;
  const { target, held } = subject;
  return (
    <section class={held || view.value.network.place ? 'inspector open' : 'inspector'} aria-label="inspector">
      <header class="inspect-head">
        <h2 class="inspect-title">{targetWords(network, target)}</h2>
        {view.value.network.place && <button type="button" class="icon-button" aria-label="let go" title="let go (Esc)" onClick={() => setNetwork({ place: null })}>×</button>}
        <When network={network} />
      </header>
      {target.kind === 'unit' && <UnitFacts key={`${target.layer}:${target.unit}`} network={network} layer={target.layer} unit={target.unit} />}
      {target.kind === 'link' && <LinkFacts key={`${target.layer}:${target.index}`} network={network} target={target} />}
      {target.kind === 'layer' && <LayerFacts key={target.layer} network={network} layer={target.layer} />}
    </section>
  );
}
