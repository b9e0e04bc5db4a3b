// Images, histograms, samples and texts of the current run; their code comes when there are any.
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { filterOf } from '../../state/panels';
import { current } from '../../state/runs';
import { view } from '../../state/view';
import { useWatch } from '../../state/watch';
import { mediaPanelsOf, type MediaDef } from '../media/load';
import '../media/media.css'; // a chunk's styles are not fetched with it

type Inside = ComponentType<{ run: string; def: MediaDef }>;

function useInside(wanted: boolean): Inside | null {
  const [inside, setInside] = useState<{ View: Inside } | null>(null);
  useEffect(() => {
    if (wanted && !inside) void import('../media/panels').then(m => setInside({ View: m.MediaPanel }));
  }, [wanted]);
  return inside?.View ?? null;
}

function Panel(props: { run: string; def: MediaDef; View: Inside }) {
  const box = useRef<HTMLElement>(null), [seen, setSeen] = useState(false);
  useEffect(() => {
    const watcher = new IntersectionObserver(e => e.some(x => x.isIntersecting) && setSeen(true), { rootMargin: '200px' });
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  return (
    <article class="panel media-panel" ref={box} aria-label={props.def.title} data-kind={props.def.kind}>
      <header class="panel-head"><h3 class="clip" title={props.def.title}>{props.def.title}</h3></header>
      <div class="media-body">{seen && <props.View run={props.run} def={props.def} />}</div>
    </article>
  );
}

export function MediaGroup() {
  const run = current.value, watch = useWatch(run), wanted = filterOf(view.value.filter);
  const panels = mediaPanelsOf(watch.series.value.filter(s => s.kind !== 'scalar' && wanted(s.name))), View = useInside(panels.length > 0);
  if (!panels.length || !View) return null;
  return (
    <section class="group">
      <h2 class="group-head"><span>samples and distributions</span></h2>
      <div class="panels">{panels.map(def => <Panel key={run + def.id} run={run} def={def} View={View} />)}</div>
    </section>
  );
}
