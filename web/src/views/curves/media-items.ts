// The media of one series: what the server has, and what the watch brings from then on, ascending by step.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { MediaItem } from '../../link/messages';
import { getJson, segment } from '../../link/rest';
import { useWatch } from '../../state/watch';

const MOST = 500;

export function useMedia(run: string, series: string, wanted: boolean): MediaItem[] {
  const watch = useWatch(run), [stored, setStored] = useState<MediaItem[]>([]);
  useEffect(() => {
    if (!wanted) return;
    let gone = false;
    getJson<{ media?: MediaItem[] }>(`runs/${segment(run)}/media?series=${segment(series)}&limit=${MOST}`)
      .then(answer => gone || setStored(answer.media ?? []), () => {});
    return () => void (gone = true);
  }, [run, series, wanted]);
  const live = watch.media.value;
  return useMemo(() => {
    const byKey = new Map<string, MediaItem>();
    for (const item of [...stored, ...live]) if (item.series === series) byKey.set(`${item.number ?? ''} ${item.step} ${item.time}`, item);
    return [...byKey.values()].sort((a, b) => a.step - b.step || a.time - b.time).slice(-MOST);
  }, [stored, live, series]);
}
