// Snapshots of a network: which there are (GET runs/ID/snapshots), and the states of those that are looked at (snapshots/STEP),
// kept up to a number of bytes, the neighbours of the one shown fetched ahead.
import { signal } from '@preact/signals';
import { CAPTURE_FLAG, decodeCapture } from '../link/capture';
import { getBuffer, getJson, segment } from '../link/rest';
import type { NetworkModel, NetworkState } from '../network/model';
import { emptyState, takeCapture } from '../network/take';

export interface Snapshot { step: number; time: number; bytes: number; flags: number } // time: wall time in ms
export interface SnapshotList { snapshots: Snapshot[]; bytes: number; bytesPerHour: number } // ascending by step

export const isFlight = (s: Snapshot): boolean => (s.flags & CAPTURE_FLAG.flight) !== 0;
export const isKept = (s: Snapshot): boolean => (s.flags & CAPTURE_FLAG.kept) !== 0;

const MOST_BYTES = 128 << 20, LIST_MS = 2000, AHEAD = 3;

type Json = Record<string, unknown>;
const count = (v: unknown): number => (Number.isFinite(Number(v)) ? Number(v) : 0);

function snapshotOf(s: Json): Snapshot {
  const flags = (s.flight ? CAPTURE_FLAG.flight : 0) | (s.kept ? CAPTURE_FLAG.kept : 0) | count(s.flags);
  return { step: count(s.step), time: 1000 * count(s.time), bytes: count(s.bytes), flags };
}

// A person's mark and the last before the trouble may stand at one step with an ordinary one: shown once, with the marks of all.
function merged(all: Snapshot[]): Snapshot[] {
  const found: Snapshot[] = [];
  for (const s of all.sort((a, b) => a.step - b.step)) {
    const last = found[found.length - 1];
    if (last?.step === s.step) last.flags |= s.flags;
    else found.push({ ...s });
  }
  return found;
}

function perHour(all: Snapshot[], bytes: number): number {
  const hours = all.length > 1 ? (all[all.length - 1]!.time - all[0]!.time) / 3.6e6 : 0;
  return hours > 0 ? bytes / hours : 0;
}

export function listOf(body: Json): SnapshotList {
  const all = merged((Array.isArray(body.snapshots) ? (body.snapshots as Json[]) : []).map(snapshotOf));
  const bytes = count(body.bytes) || all.reduce((n, s) => n + s.bytes, 0);
  return { snapshots: all, bytes, bytesPerHour: count(body.bytes_per_hour) || perHour(all, bytes) };
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
  readonly list = signal<SnapshotList>({ snapshots: [], bytes: 0, bytesPerHour: 0 });
  readonly error = signal('');
  readonly loaded = signal(0);             // counts what has come: who waits for a state looks again
  private held = new Map<number, Held>();
  private coming = new Map<number, Promise<NetworkState | null>>();
  private bytes = 0;
  private clock = 0;
  private timer = 0;

  constructor(private run: string, private model: NetworkModel) {}

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

  async refresh(): Promise<void> {
    try {
      const list = listOf(await getJson<Json>(`runs/${segment(this.run)}/snapshots`)), before = this.list.peek();
      const same = list.snapshots.length === before.snapshots.length && list.bytes === before.bytes && list.snapshots.at(-1)?.step === before.snapshots.at(-1)?.step;
      if (!same) this.list.value = list;
    } catch { /* asked again */ }
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
