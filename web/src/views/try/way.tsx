// The activations on the way: each layer's values for the sample that was pushed, with their scale.
import { number, percent } from '../../look/format';
import { numberOf } from '../../network/take';
import type { RunModel } from '../../state/model';
import { inPicture } from '../../state/push';
import type { Answer, Shaped } from '../../state/pusher';
import { setView, view } from '../../state/view';
import { extentOf, Field } from './field';

function Layer({ name, note, values }: { name: string; note: string; values: Shaped }) {
  const { low, high, zeros, broken } = extentOf(values.data), range = high < low ? 'no finite value' : `${number(low, 3)} \u2026 ${number(high, 3)}`;
  return (
    <li class="try-layer" data-layer={name}>
      <header>
        <b>{name}</b> <span class="muted">{note}</span>
        <span class="faint number">{range}{broken ? <em class="bad"> {broken} not finite</em> : ` \u00b7 ${percent(zeros / values.data.length)} zero`}</span>
      </header>
      <Field shape={values.shape} values={values.data} label={`activations of ${name}: ${range}`} />
    </li>
  );
}

// Shows the pushed sample as quantity `value` in the Network tab.
function show(run: string): void {
  inPicture.value = run;
  setView({ tab: 'network', network: { ...view.peek().network, part: 'picture', quantity: 'value', moment: null, compare: false } });
}

export function Way({ run, model, answer, over }: { run: string; model: RunModel; answer: Answer | null; over: boolean }) {
  const layers = model.layers.map((layer, place) => ({ layer, values: answer?.values.get(numberOf(model, place)) })).filter(l => l.values && l.layer.kind !== 'input');
  return (
    <section class="try-way" aria-label="activations on the way">
      <header class="try-head">
        <h2>On the way</h2>
        <button type="button" class="button small" disabled={!answer} onClick={() => show(run)}>in the network picture</button>
      </header>
      {layers.length === 0 && <p class="faint">{answer ? 'The program hands over no activations.' : over ? 'Seen only while its program lives.' : 'What each layer makes of the sample stands here.'}</p>}
      <ul>{layers.map(({ layer, values }) => (
        <Layer key={layer.name} name={layer.name} note={`${layer.shape.join(' \u00d7 ')}${layer.activation ? ` ${layer.activation}` : ''}`} values={values!} />
      ))}</ul>
    </section>
  );
}
