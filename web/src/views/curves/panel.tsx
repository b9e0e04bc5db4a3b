// One panel: title, legend with live values, chart, menu. It draws only while it is seen: off screen it follows nothing.
import { effect, untracked } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Curve } from '../../charts/curve';
import { PanelModel } from '../../charts/model';
import type { PlotConfig } from '../../charts/plot';
import { INK } from '../../look/palette';
import { mode } from '../../look/theme';
import type { PanelDef } from '../../state/panels';
import { setView, view } from '../../state/view';
import { Legend } from './legend';
import { PanelMenu } from './menu';
import { chosenBasics, isLog, marks, specsOf } from './specs';

const ROOM = '240px';            // panels this near are drawn before they come into sight

function useSeen(box: { current: HTMLElement | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const watcher = new IntersectionObserver(e => setSeen(e[e.length - 1].isIntersecting), { rootMargin: ROOM });
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  return seen;
}

function configOf(panel: PanelDef, curves: Curve[]): PlotConfig {
  const { axis, smooth, zoom, panels } = view.value, own = panels[panel.id] ?? {}, m = marks.value;
  return {
    curves, axis, smooth, zoom, log: isLog(panel), outliers: own.outliers ?? false, low: own.low, high: own.high,
    marks: m.marks, shades: m.shades, ink: INK[mode.value], unit: panel.unit,
  };
}

export function Panel({ panel }: { panel: PanelDef }) {
  const box = useRef<HTMLElement>(null), host = useRef<HTMLDivElement>(null);
  const model = useRef<PanelModel>();
  model.current ??= new PanelModel();
  const m = model.current, seen = useSeen(box), [curves, setCurves] = useState<Curve[]>([]);

  useEffect(() => {
    if (!seen) return;
    const stop = effect(() => {
      const specs = specsOf(panel), list = m.follow(specs), config = configOf(panel, list);
      untracked(() => {
        m.show(host.current!, config, { zoom: zoom => setView({ zoom }), pan: zoom => setView({ zoom }) });
        setCurves(old => (old.length === list.length && old.every((c, i) => c === list[i] && m.same(c)) ? old : [...list]));
      });
    });
    const sizes = new ResizeObserver(() => m.plot?.resize(host.current!.clientWidth, host.current!.clientHeight));
    sizes.observe(host.current!);
    return () => {
      stop();
      sizes.disconnect();
      m.end();
      setCurves([]);
    };
  }, [seen, panel]);

  const own = view.value.panels[panel.id] ?? {}, full = view.value.full === panel.id;
  const details = [isLog(panel) && 'log', own.outliers && 'outliers left out', own.low !== undefined || own.high !== undefined ? 'range by hand' : '', panel.unit].filter(Boolean).join(' \u00b7 ');
  return (
    <article class={full ? 'panel full' : 'panel'} ref={box} data-panel={panel.id} aria-label={panel.title}>
      <header class="panel-head">
        <h3 class="clip" title={panel.title}>{panel.title}</h3>
        {details && <span class="panel-detail clip">{details}</span>}
        <PanelMenu panel={panel} model={m} />
      </header>
      <Legend curves={curves} model={m} />
      <div class="plot" ref={host} role="img" aria-label={`${panel.title} over ${view.value.axis}, ${chosenBasics.value.map(r => r.name).join(', ')}`} />
    </article>
  );
}
