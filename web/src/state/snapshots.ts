// Snapshots of a network: which there are (GET runs/ID/snapshots), and the states of those that are looked at (snapshots/STEP),
// kept up to a number of bytes, the neighbours of the one shown fetched ahead.
import { signal } from '@preact/signals';
import { decodeCapture } from '../link/capture';
import { getBuffer, getJson, segment } from '../link/rest';
import type { NetworkModel, NetworkState } from '../network/model';
import { emptyState, takeCapture } from '../network/take';

export interface Snapshot { step: number; time: number; bytes: number; flags: readonly string[] } // time: wall time in ms

// Ascending by step; `bytes` of all of them on disk, `limit` what they may take (0 unknown).
export interface SnapshotList { snapshots: Snapshot[]; bytes: number; bytesPerHour: number; limit: number }

export const isFlight = (s: Snapshot): boolean => s.flags.includes('flight');
export const isKept = (s: Snapshot): boolean => s.flags.includes('kept');

const MOST_BYTES = 128 << 20, LIST_MS = 2000, AHEAD = 3, PAGE = 5000, PAGES_MOST = 20;

type Json = Record<string, unknown>;
const count = (v: unknown): number => (Number.isFinite(Number(v)) ? Number(v) : 0);

function snapshotOf(s: Json): Snapshot {
  return { step: count(s.step), time: 1000 * count(s.time), bytes: count(s.bytes), flags: Array.isArray(s.flags) ? s.flags.map(String) : [] };
}

// Known ones with those that came laid over; several of one step (a person's mark, the last before the trouble) are one with the marks of all.
export function merged(before: readonly Snapshot[], came: readonly Snapshot[]): Snapshot[] {
  const first = came[0]?.step ?? Infinity, found = before.filter(s => s.step < first);
  for (const s of [...came].sort((a, b) => a.step - b.step)) {
    const last = found[found.length - 1];
    if (last?.step === s.step) found[found.length - 1] = { ...last, flags: [...new Set([...last.flags, ...s.flags])] };
    else found.push(s);
  }
  return found;
}

// The place of the snapshot at or before a step; 0 when all are later, -1 when there are none.
export function nearest(all: readonly Snapshot[], step: number): number {
  let low = 0, high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle]!.step <= step) low = middle + 1;
    else high = middle;
  }
  return all.length ? Math.max(0, low - 1) : -1;
}

interface Held { state: NetworkState; bytes: number; used: number }

export class Snapshots {
  readonly list = signal<SnapshotList>({ snapshots: [], bytes: 0, bytesPerHour: 0, limit: 0 });
  readonly error = signal('');
  readonly loaded = signal(0);             // counts what has come: who waits for a state looks again
  private held = new Map<number, Held>();
  private coming = new Map<number, Promise<NetworkState | null>>();
  private bytes = 0;
  private clock = 0;
  private timer = 0;

  constructor(private run: string, public model: NetworkModel) {}

  // Asks for the list, and again every two seconds while `live` says so.
  watch(live: () => boolean): () => void {
    let ended = false;
    const ask = async () => {
      await this.refresh();
      if (!ended && live()) this.timer = window.setTimeout(ask, LIST_MS);
    };
    void ask();
    return () => ((ended = true), clearTimeout(this.timer));
  }

  // What is behind the last one known; all of it when the server has fewer than are known here (older ones were thinned out).
  async refresh(): Promise<void> {
    const known = this.list.peek().snapshots, last = known[known.length - 1];
    try {
      const total = await this.read(last ? last.step : null, known);
      if (last && total < this.list.peek().snapshots.length) await this.read(null, []);
    } catch { /* asked again */ }
  }

  private async read(from: number | null, known: readonly Snapshot[]): Promise<number> {
    let all = known, next = from, body: Json = {};
    for (let page = 0; page < PAGES_MOST; page++) {
      body = await getJson<Json>(`runs/${segment(this.run)}/snapshots?limit=${PAGE}${next === null ? '' : `&from=${next}`}`);
      all = merged(all, (Array.isArray(body.snapshots) ? (body.snapshots as Json[]) : []).map(snapshotOf));
      if (typeof body.next !== 'number') break;
      next = body.next;
    }
    const list = { snapshots: [...all], bytes: count(body.bytes), bytesPerHour: count(body.per_hour), limit: count(body.limit) };
    if (JSON.stringify(list) !== JSON.stringify(this.list.peek())) this.list.value = list;
    return count(body.count) || all.length;
  }

  // The state of a snapshot when it is here.
  get(step: number): NetworkState | null {
    const held = this.held.get(step);
    if (held) held.used = ++this.clock;
    return held?.state ?? null;
  }

  peek(step: number): NetworkState | null {
    return this.held.get(step)?.state ?? null;
  }

  all(): { step: number; state: NetworkState }[] {
    return [...this.held].map(([step, { state }]) => ({ step, state })).sort((a, b) => a.step - b.step);
  }

  load(step: number): Promise<NetworkState | null> {
    const here = this.get(step);
    if (here) return Promise.resolve(here);
    let coming = this.coming.get(step);
    if (!coming) this.coming.set(step, (coming = this.fetch(step).finally(() => this.coming.delete(step))));
    return coming;
  }

  private async fetch(step: number): Promise<NetworkState | null> {
    try {
      const buffer = await getBuffer(`runs/${segment(this.run)}/snapshots/${step}`), capture = decodeCapture(buffer);
      if (!capture) throw new Error('the snapshot cannot be read');
      const state = takeCapture(this.model, emptyState(this.model), capture);
      this.put(step, state, buffer.byteLength);
      this.error.value = '';
      this.loaded.value++;
      return state;
    } catch (error) {
      this.error.value = `step ${step}: ${(error as Error).message}`;
      return null;
    }
  }

  private put(step: number, state: NetworkState, bytes: number): void {
    this.held.set(step, { state, bytes, used: ++this.clock });
    this.bytes += bytes;
    while (this.bytes > MOST_BYTES && this.held.size > 2 * AHEAD + 2) {
      const [oldest, { bytes: freed }] = [...this.held].reduce((a, b) => (b[1].used < a[1].used ? b : a));
      this.held.delete(oldest);
      this.bytes -= freed;
    }
  }

  // The neighbours of a place in the list, those in the direction of play first.
  async ahead(place: number, direction = 1): Promise<void> {
    const { snapshots } = this.list.peek();
    for (let by = 1; by <= AHEAD; by++)
      for (const at of [place + by * direction, place - by * direction]) {
        const step = snapshots[at]?.step;
        if (step !== undefined && !this.held.has(step) && !this.coming.has(step)) await this.load(step);
      }
  }
}
