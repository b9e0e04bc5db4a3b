// The bar over the curves: axis, smoothing, filter, another panel.
import { useRef, useState } from 'preact/hooks';
import { setView, view, type Axis } from '../../state/view';
import { hasEpochs } from './specs';

// The slider's position to the factor: 0 .. 0.999, finer towards 1.
const factorOf = (position: number) => (position <= 0 ? 0 : Number((1 - 10 ** (-3 * position)).toFixed(3)));
const positionOf = (factor: number) => (factor <= 0 ? 0 : -Math.log10(1 - factor) / 3);

function AxisChoice() {
  const axes: Axis[] = hasEpochs.value || view.value.axis === 'epoch' ? ['step', 'time', 'epoch'] : ['step', 'time'];
  return (
    <div class="segmented small" role="group" aria-label="x axis">
      {axes.map(a => <button key={a} type="button" aria-pressed={view.value.axis === a} onClick={() => setView({ axis: a, zoom: null })}>{a}</button>)}
    </div>
  );
}

function Smoothing() {
  const factor = view.value.smooth, slider = (e: HTMLInputElement | null) => e?.style.setProperty('--fill', `${positionOf(factor) * 100}%`);
  return (
    <label class="smoothing" title="exponential mean; the original stays, faint">
      <span class="muted">smooth</span>
      <input class="slider" type="range" min="0" max="1" step="0.01" aria-label="smoothing" value={positionOf(factor)} ref={slider}
        onInput={e => setView({ smooth: factorOf(Number(e.currentTarget.value)) })} />
      <span class="number smoothing-value">{factor ? factor.toFixed(factor > 0.99 ? 3 : 2) : 'off'}</span>
    </label>
  );
}

function AddPanel() {
  const [open, setOpen] = useState(false), field = useRef<HTMLInputElement>(null);
  const add = (e: Event) => {
    e.preventDefault();
    const pattern = field.current!.value.trim();
    if (pattern && !view.peek().added.includes(pattern)) setView({ added: [...view.peek().added, pattern] });
    setOpen(false);
  };
  if (!open) return <button type="button" class="button small" onClick={() => setOpen(true)}>+ panel</button>;
  return (
    <form class="add-panel" onSubmit={add}>
      <input ref={(e) => { field.current = e; e?.focus(); }} class="field" aria-label="series of the new panel" placeholder="*/loss, val/*"
        onKeyDown={e => e.key === 'Escape' && (e.stopPropagation(), setOpen(false))} onBlur={e => e.currentTarget.value || setOpen(false)} />
    </form>
  );
}

export function CurvesBar() {
  const { zoom, filter } = view.value;
  return (
    <div class="curves-bar">
      {zoom && <button type="button" class="button small" title="double click on a chart does the same" onClick={() => setView({ zoom: null })}>reset zoom</button>}
      <input class="field curves-filter" type="search" aria-label="filter panels" placeholder="Filter" value={filter} onInput={e => setView({ filter: e.currentTarget.value })} />
      <AxisChoice />
      <Smoothing />
      <AddPanel />
    </div>
  );
}
