// Media of a run: which panels there are, and their items: the past by REST, in pages; what is new from the watch.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { MediaItem, Series } from '../../link/messages';
import { getJson, segment } from '../../link/rest';
import { useWatch } from '../../state/watch';

export interface MediaDef { id: string; title: string; kind: MediaItem['kind']; series: string[] }

const PAGE = 500, PAGES = 20, SETTLE_MS = 500;

// One panel a series; samples that share a prefix ("samples/digit 1", ...) stand together as one sheet.
export function mediaPanelsOf(series: readonly Series[]): MediaDef[] {
  const panels = new Map<string, MediaDef>();
  for (const s of series) {
    if (s.kind === 'scalar') continue;
    const cut = s.name.lastIndexOf('/'), title = s.kind === 'sample' && cut > 0 ? s.name.slice(0, cut) : s.name, id = `${s.kind}:${title}`;
    const known = panels.get(id);
    if (known) known.series.push(s.name);
    else panels.set(id, { id, title, kind: s.kind, series: [s.name] });
  }
  const natural = new Intl.Collator('en', { numeric: true }).compare;
  for (const panel of panels.values()) panel.series.sort(natural);
  return [...panels.values()].sort((a, b) => natural(a.title, b.title));
}

async function pagesOf(run: string, series: string, take: (items: MediaItem[]) => void, gone: () => boolean): Promise<void> {
  let from = 0;
  for (let page = 0; page < PAGES && !gone(); page++) {
    const { media } = await getJson<{ media: MediaItem[] }>(`runs/${segment(run)}/media?series=${segment(series)}&from=${from}&limit=${PAGE}`);
    take(media);
    const last = media.reduce((most, item) => Math.max(most, item.step), -1);
    if (media.length < PAGE || last < from) return;
    from = last + 1;
  }
}

const keyOf = (item: MediaItem) => item.number ?? `${item.series}\n${item.step}`;

// Numbers run through all media of a run: one that is missing between two that came says that the watch skipped some.
function skipped(items: readonly MediaItem[]): number {
  let missing = 0;
  for (let i = 1; i < items.length; i++) {
    const step = (items[i]!.number ?? 0) - (items[i - 1]!.number ?? 0);
    if (step > 1) missing = items[i]!.number!;
  }
  return missing;
}

// Items of these series, ascending by step, in the order of the series within a step.
export function useMedia(run: string, series: readonly string[]): MediaItem[] {
  const watch = useWatch(run), names = series.join('\n');
  const [past, setPast] = useState<ReadonlyMap<string | number, MediaItem>>(new Map());
  const came = watch.media.value, missing = skipped(came);
  useEffect(() => {
    let gone = false;
    const all = new Map<string | number, MediaItem>();
    const take = (items: MediaItem[]) => items.forEach(item => all.set(keyOf(item), item));
    const load = async () => {
      for (const name of names.split('\n')) if (name) await pagesOf(run, name, take, () => gone);
      if (!gone) setPast(new Map(all));
    };
    const timer = setTimeout(() => void load().catch(() => {}), past.size > 0 ? SETTLE_MS : 0);
    return () => ((gone = true), clearTimeout(timer));
  }, [run, names, missing]);
  return useMemo(() => {
    const wanted = new Map(names.split('\n').map((name, i) => [name, i])), all = new Map(past);
    for (const item of came) if (wanted.has(item.series)) all.set(keyOf(item), item);
    return [...all.values()].sort((a, b) => a.step - b.step || wanted.get(a.series)! - wanted.get(b.series)!);
  }, [past, came, names]);
}
