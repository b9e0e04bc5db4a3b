// What is known of a watched run beside its points: parameters, events, commands, series, media, the tail of its log. Watched
// while somebody uses it (counted), and a little longer, so that changing tabs asks nothing again.
import { computed, signal, useSignalEffect, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Command, CommandRequest, MediaItem, Parameter, RunEvent, Series, WatchUpdate } from '../link/messages';
import { link } from './link';
import { putRun } from './runs';

const KEEP_EVENTS = 5000, KEEP_COMMANDS = 1000, KEEP_MEDIA = 2000, LINGER_MS = 5000;

export interface LogTail { next: number; texts: { process: string; offset: number; text: string }[] }

export class Watch {
  readonly ready = signal(false); // something has come
  readonly series = signal<Series[]>([]);
  // The series without what changes with every point: the same list until there are others. Curves are there when they have points.
  readonly catalogue = computed(() => this.listSeries(this.series.value));
  // Series that had a value of zero or below: a logarithmic axis would hide it.
  readonly nonpositive = computed(() => this.listNonpositive(this.series.value));
  readonly parameters = signal<Parameter[]>([]);
  readonly events = signal<RunEvent[]>([]);   // in order of number
  readonly commands = signal<Command[]>([]);  // oldest first
  readonly media = signal<MediaItem[]>([]);   // the newest, in order of arrival
  readonly log: Signal<NonNullable<WatchUpdate['log']> | null> = signal(null); // the last piece that arrived
  private below: ReadonlySet<string> = new Set();
  private listed: Series[] = [];
  private listedKey = '';
  private uses = 0;
  private stop: (() => void) | null = null;
  private timer = 0;

  constructor(readonly run: string) {}

  private listSeries(all: Series[]): Series[] {
    const some = all.filter(s => s.kind !== 'scalar' || s.points !== 0), key = some.map(s => `${s.name}\t${s.kind}\t${s.unit ?? ''}`).join('\n');
    if (key !== this.listedKey) [this.listedKey, this.listed] = [key, some];
    return this.listed;
  }

  private listNonpositive(all: Series[]): ReadonlySet<string> {
    const low = (v: Series['last']) => v !== null && v !== undefined && Number(v) <= 0;
    const found = all.filter(s => !this.below.has(s.name) && (low(s.last) || low(s.best)));
    if (found.length) this.below = new Set([...this.below, ...found.map(s => s.name)]);
    return this.below;
  }

  use(): () => void {
    clearTimeout(this.timer);
    this.uses++;
    this.stop ??= link.watch(this.run, u => this.take(u));
    return () => {
      if (--this.uses === 0) this.timer = window.setTimeout(() => this.end(), LINGER_MS);
    };
  }

  private end(): void {
    this.stop?.();
    this.stop = null;
    watches.delete(this.run);
  }

  private take(u: WatchUpdate): void {
    if (u.run) putRun(u.run);
    if (u.series) this.series.value = merge(this.series.peek(), u.series, s => s.name, Infinity);
    if (u.parameters) this.parameters.value = merge(this.parameters.peek(), u.parameters, p => p.name, Infinity);
    if (u.events) this.events.value = merge(this.events.peek(), u.events, e => e.number, KEEP_EVENTS).sort((a, b) => a.number - b.number);
    if (u.commands) this.commands.value = merge(this.commands.peek(), u.commands, c => c.id, KEEP_COMMANDS);
    if (u.media) this.media.value = merge(this.media.peek(), u.media, m => m.number ?? `${m.series}\n${m.step}\n${m.url ?? ''}`, KEEP_MEDIA);
    if (u.log) this.log.value = u.log;
    this.ready.value = true;
  }

  putCommand(command: Command): void {
    this.commands.value = merge(this.commands.peek(), [command], c => c.id, KEEP_COMMANDS);
  }
}

// Items with a known key are replaced (their fields laid over), new ones are added behind; the oldest go above `keep`.
function merge<T extends object>(have: T[], came: T[], key: (item: T) => string | number, keep: number): T[] {
  const byKey = new Map(have.map(item => [key(item), item]));
  for (const item of came) byKey.set(key(item), { ...byKey.get(key(item)), ...item });
  const all = [...byKey.values()];
  return all.length > keep ? all.slice(all.length - keep) : all;
}

const watches = new Map<string, Watch>();

export function watchOf(run: string): Watch {
  let watch = watches.get(run);
  if (!watch) watches.set(run, (watch = new Watch(run)));
  return watch;
}

// For components: watches the run while the component is there.
export function useWatch(run: string): Watch {
  const watch = useMemo(() => watchOf(run), [run]);
  useEffect(() => (run ? watchOf(run).use() : undefined), [run]);
  return watch;
}
export { useSignalEffect };

// Sends a command; resolves with the command once it took effect (its step says where), rejects (CommandError) with the reason.
export async function sendCommand(run: string, request: CommandRequest): Promise<Command> {
  const command = await link.command(run, request);
  watches.get(run)?.putCommand(command);
  return command;
}
