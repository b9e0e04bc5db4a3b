// The picture in its place: given model, state and look as they change; what is under the pointer is told beside it.
import { effect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { mode } from '../../look/theme';
import type { Drawn, Look, NetworkPicture, Target } from '../../network/model';
import { openPicture } from '../../network/open';
import { link } from '../../state/link';
import type { Network } from '../../state/network';
import { isOver, runs } from '../../state/runs';
import { view } from '../../state/view';
import { useCalm } from './calm';
import { NoTensors } from './empty';
import { choose, drawn, kernelWords, picture, pointed, targetOf } from './seen';
import { figure, unitWords } from './words';

const DWELL_MS = 120; // under the pointer so long: its weights and samples are asked for

function lookOf(network: Network): Look {
  const { quantity, scale, curve, links, strongest } = view.value.network;
  return { quantity, scale, curve, links, strongest, compare: network.compared.value };
}

// What was given to the picture last; said at its place once it is drawn (data-drawn: step, data-time: when it was captured).
interface Given { step: number; time: number }

// Everything that changes what the picture shows, each by itself.
function feed(network: Network, p: NetworkPicture, given: Given): () => void {
  const stops = [
    effect(() => p.setModel(network.model)),
    effect(() => p.setTheme({ mode: mode.value })),
    effect(() => p.setLook(lookOf(network))),
    effect(() => {
      const state = network.shown.value;
      if (!state) return;
      p.setState(state);
      given.step = state.step;
      given.time = view.peek().network.moment === null ? network.time.peek() : 0;
    }),
    effect(() => {
      const target = targetOf(network, view.value.network.place);
      p.selectTarget(target);
      if (target) p.show(target.layer);
    }),
  ];
  return () => stops.forEach(stop => stop());
}

function useHover(network: Network): (target: Target | null, x: number, y: number) => void {
  const timer = useRef(0);
  useEffect(() => () => {
    clearTimeout(timer.current);
    pointed.value = null;
    network.hovered.value = null;
  }, [network]);
  return (target, x, y) => {
    pointed.value = target && { target, x, y };
    clearTimeout(timer.current);
    const at = target?.kind === 'unit' ? { layer: target.layer, unit: target.unit } : target?.kind === 'link' ? target.to : null;
    timer.current = window.setTimeout(() => (network.hovered.value = at), DWELL_MS);
  };
}

export function targetWords(network: Network, t: Target): string {
  const { layers, classes } = network.model, unit = (layer: number, at: number) => unitWords(layers[layer]!, at, classes, layer === layers.length - 1);
  if (t.kind === 'layer') return layers[t.layer]!.name;
  if (t.kind === 'unit') return `${layers[t.layer]!.name} · ${unit(t.layer, t.unit)}`;
  const from = layers[t.from.layer], kernel = kernelWords(network, t.layer, t.index);
  if (kernel) return `${kernel} \u2192 ${layers[t.to.layer]!.name} ${unit(t.to.layer, t.to.unit)}`;
  return `${from ? `${from.name} ${unit(t.from.layer, t.from.unit)} \u2192 ` : ''}${layers[t.to.layer]!.name} ${unit(t.to.layer, t.to.unit)}`;
}

function Tip({ network, width }: { network: Network; width: number }) {
  const p = pointed.value, now = useCalm(() => (network.shown.value, p && picture.peek()?.hit(p.x, p.y)), [network, p]);
  if (!p || p.target.kind === 'layer') return null;
  const words = targetWords(network, p.target), same = now && now.kind !== 'layer' && targetWords(network, now) === words, { value } = same ? now : p.target;
  const left = p.x > width - 220, place = { transform: `translate(${Math.round(p.x)}px, ${Math.round(p.y)}px)` };
  return (
    <div class={left ? 'network-tip left' : 'network-tip'} style={place} role="status">
      <div><b>{words}</b> <span class="number">{figure(value)}</span></div>
    </div>
  );
}

// Why there is nothing (yet) to see, or why it is not live.
function Why({ network }: { network: Network }) {
  const run = runs.value.get(network.run), over = run !== undefined && isOver(run), state = network.shown.value, { moment } = view.value.network;
  const failed = network.snapshots.error.value || network.error.value;
  if (state) return failed && moment !== null ? <p class="network-note notice warn" role="alert">{failed}</p> : null;
  if (network.model.tensors.length === 0) return <NoTensors />;
  if (over && network.snapshots.list.value.snapshots.length === 0) return <p class="network-note notice">The run is over, and no snapshot of its network was kept.</p>;
  if (!link.state.value.up) return <p class="network-note notice">The connection is lost: the network is seen again when it is back.</p>;
  if (failed) return <p class="network-note notice warn" role="alert">{failed}</p>;
  return <p class="network-note faint" role="status">{run?.state === 'paused' ? 'Training holds: the network is looked at as it stands …' : 'Waiting for the next step …'}</p>;
}

export function Stage({ network }: { network: Network }) {
  const host = useRef<HTMLDivElement>(null), hover = useHover(network), [failed, setFailed] = useState('');
  useEffect(() => {
    const given: Given = { step: -1, time: 0 }, place = host.current!;
    const say = (d: Drawn) => {
      drawn.value = d;
      place.dataset.drawn = String(given.step);
      place.dataset.time = String(given.time);
    };
    let stop = () => {}, ended = false;
    openPicture(place, { mode: mode.peek() }, { hover, choose: t => choose(network, t), drawn: say }).then(p => {
      if (ended) return p.close();
      picture.value = p;
      const unfeed = feed(network, p, given);
      stop = () => {
        unfeed();
        picture.value = drawn.value = null;
        p.close();
      };
    }, error => setFailed((error as Error).message));
    return () => {
      ended = true;
      stop();
    };
  }, [network]);
  return (
    <div class="network-stage">
      <div class="network-picture" ref={host} />
      <Tip network={network} width={host.current?.clientWidth ?? 0} />
      <Why network={network} />
      {failed && <p class="network-note notice bad" role="alert">The picture could not be made: {failed}</p>}
    </div>
  );
}
