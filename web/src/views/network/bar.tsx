// The bar of the Network tab: what is shown, on what scale, which links, how often; the picture as a file.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { save } from '../../charts/export';
import { whole } from '../../look/format';
import { modelOf } from '../../state/model';
import { inPicture } from '../../state/push';
import { currentRun } from '../../state/runs';
import { MOST_LINKS, QUANTITIES, RATES, type NetworkView } from '../../state/network-view';
import { setNetwork, view } from '../../state/view';
import { drawn, picture } from './seen';

interface Option<T> { value: T; word: string }

function Choice<T extends string | number>(props: { name: string; label: string; value: T; options: Option<T>[]; set: (value: T) => void; title?: string }) {
  return (
    <label class="network-choice" title={props.title}>
      <span class="muted">{props.label}</span>
      <select class="field" aria-label={props.name} value={props.value} onChange={e => props.set(props.options[e.currentTarget.selectedIndex]!.value)}>
        {props.options.map(o => <option key={o.value} value={o.value}>{o.word}</option>)}
      </select>
    </label>
  );
}

// A small window below a button; closed by Escape and by a click elsewhere.
function Pop(props: { word: string; name: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false), box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (e: Event) => box.current?.contains(e.target as Node) || setOpen(false);
    const key = (e: KeyboardEvent) => e.key === 'Escape' && (setOpen(false), box.current?.querySelector('button')?.focus());
    addEventListener('pointerdown', away);
    addEventListener('keydown', key);
    return () => (removeEventListener('pointerdown', away), removeEventListener('keydown', key));
  }, [open]);
  return (
    <div class="network-pop" ref={box}>
      <button type="button" class="button small" aria-expanded={open} aria-haspopup="dialog" onClick={() => setOpen(!open)}>{props.word}</button>
      {open && <div class="menu" role="dialog" aria-label={props.name}>{props.children}</div>}
    </div>
  );
}

const FORMS: Option<NetworkView['links']>[] = [{ value: 'lines', word: 'lines' }, { value: 'matrices', word: 'matrices' }, { value: 'none', word: 'none' }];
const positionOf = (count: number): number => (count <= 0 ? 0 : Math.log10(count) / Math.log10(MOST_LINKS));
const countAt = (position: number): number => (position <= 0 ? 0 : Number((MOST_LINKS ** position).toPrecision(2)));

function Links() {
  const n = view.value.network, now = drawn.value?.strongest ?? n.strongest;
  const slider = (e: HTMLInputElement | null) => e?.style.setProperty('--fill', `${100 * positionOf(n.strongest)}%`);
  return (
    <Pop word={n.links === 'lines' ? `${whole(n.strongest)} links` : n.links === 'none' ? 'no links' : 'matrices'} name="links">
      <div class="network-pop-body">
        <div class="segmented small" role="group" aria-label="links">
          {FORMS.map(f => <button key={f.value} type="button" aria-pressed={n.links === f.value} onClick={() => setNetwork({ links: f.value })}>{f.word}</button>)}
        </div>
        <label class="network-strongest">
          <span class="muted">strongest of each pair of layers</span>
          <input class="slider" type="range" min="0" max="1" step="0.02" aria-label="links per pair" value={positionOf(n.strongest)} ref={slider} aria-valuetext={whole(n.strongest)}
            onInput={e => setNetwork({ strongest: countAt(Number(e.currentTarget.value)), links: 'lines' })} />
          <span class="number">{whole(n.strongest)}</span>
        </label>
        {n.links === 'lines' && now < n.strongest && <p class="faint">{whole(now)} are drawn: more would be slow here</p>}
        <Choice name="rate" label="captures a second" value={n.rate} options={RATES.map(r => ({ value: r, word: `${r} Hz` }))} set={rate => setNetwork({ rate })} />
      </div>
    </Pop>
  );
}

const fileName = (): string => `${currentRun.peek()?.name ?? 'network'} ${view.peek().network.quantity}`;

function Export() {
  const svg = () => picture.value && save(new Blob([picture.value.exportSvg()], { type: 'image/svg+xml' }), `${fileName()}.svg`);
  const png = () => void picture.value?.exportPng(2).then(blob => save(blob, `${fileName()}.png`));
  return (
    <Pop word="export" name="export">
      <button type="button" class="menu-item" onClick={svg}>SVG: vector drawing</button>
      <button type="button" class="menu-item" onClick={png}>PNG: picture</button>
    </Pop>
  );
}

function Part() {
  const { part } = view.value.network, words = [['picture', 'picture'], ['sparsity', 'sparsity']] as const;
  return (
    <div class="segmented small" role="group" aria-label="part">
      {words.map(([id, word]) => <button key={id} type="button" aria-pressed={part === id} onClick={() => setNetwork({ part: id })}>{word}</button>)}
    </div>
  );
}

const SCALES: Option<string>[] = (['layer', 'network'] as const).flatMap(scale => (['auto', 'linear', 'log'] as const)
  .map(curve => ({ value: `${scale} ${curve}`, word: `${scale === 'layer' ? 'per layer' : 'network'}${curve === 'auto' ? '' : `, ${curve}`}` })));

// The sample of the Try tab is seen as quantity `value` until it is sent away.
function Pushed() {
  if (inPicture.value === '' || inPicture.value !== currentRun.value?.id || view.value.network.quantity !== 'value') return null;
  return <button type="button" class="button small" aria-label="no longer show the sample of Try" onClick={() => (inPicture.value = '')}>sample of Try {'\u00d7'}</button>;
}

export function Bar() {
  const n = view.value.network, run = currentRun.value;
  if (!run || !modelOf(run.id).value?.layers.length) return null;
  if (n.part === 'sparsity') return <div class="network-bar"><Part /></div>;
  return (
    <div class="network-bar">
      <Part />
      <Pushed />
      <Choice name="quantity" label="show" value={n.quantity} options={QUANTITIES.map(q => ({ value: q, word: q }))} set={quantity => setNetwork({ quantity })} />
      <Choice name="scale" label="scale" value={`${n.scale} ${n.curve}`} options={SCALES} title="by itself: logarithmic for gradients and updates"
        set={both => setNetwork({ scale: both.split(' ')[0] as NetworkView['scale'], curve: both.split(' ')[1] as NetworkView['curve'] })} />
      <Links />
      <button type="button" class="button small" title="the whole network in sight (0)" onClick={() => picture.value?.fit()}>fit</button>
      <Export />
    </div>
  );
}
