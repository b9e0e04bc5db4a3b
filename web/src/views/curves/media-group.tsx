// Images, histograms, samples and texts of the current run, one panel a series; their code comes when there are any.
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { filterOf } from '../../state/panels';
import { current } from '../../state/runs';
import { view } from '../../state/view';
import { useWatch } from '../../state/watch';
import { useMedia } from './media-items';
import type { MediaPanelProps } from '../media/panels';

function useKinds(wanted: boolean): Record<string, ComponentType<MediaPanelProps>> | null {
  const [kinds, setKinds] = useState<Record<string, ComponentType<MediaPanelProps>> | null>(null);
  useEffect(() => {
    if (wanted && !kinds) void import('../media/panels').then(m => setKinds(m.mediaPanels));
  }, [wanted]);
  return kinds;
}

function MediaPanel(props: { run: string; series: string; View: ComponentType<MediaPanelProps> }) {
  const box = useRef<HTMLElement>(null), [seen, setSeen] = useState(false);
  useEffect(() => {
    const watcher = new IntersectionObserver(e => e.some(x => x.isIntersecting) && setSeen(true), { rootMargin: '200px' });
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  const items = useMedia(props.run, props.series, seen);
  return (
    <article class="panel media" ref={box} aria-label={props.series}>
      <header class="panel-head"><h3 class="clip" title={props.series}>{props.series}</h3></header>
      <div class="media-body">{seen && <props.View series={props.series} items={items} />}</div>
    </article>
  );
}

export function MediaGroup() {
  const run = current.value, watch = useWatch(run), wanted = filterOf(view.value.filter);
  const list = watch.series.value.filter(s => s.kind !== 'scalar' && wanted(s.name)), kinds = useKinds(list.length > 0);
  if (!list.length || !kinds) return null;
  return (
    <section class="group">
      <h2 class="group-head"><span>samples and distributions</span></h2>
      <div class="panels">
        {list.map(s => kinds[s.kind] && <MediaPanel key={run + s.name} run={run} series={s.name} View={kinds[s.kind]} />)}
      </div>
    </section>
  );
}
