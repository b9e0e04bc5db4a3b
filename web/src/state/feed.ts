// Feeds the charts: which points are wanted, subscriptions for them, live frames into them. Wanted series of a run are gathered
// for one turn of the event loop and asked for in one message. History is asked for once; after that only a gap asks again.
import type { Block, Frame } from '../link/columns';
import { link } from './link';
import { overtakenOf, Points } from './points';
import { runs } from './runs';

export const TARGET = 1200, LINGER_MS = 4000, HELD_BLOCKS = 256;

// Frames per second that are asked for. Few series: at the pace of the probe, so that a draw finds what came last; many cannot all be drawn
// that often (charts/frame.ts). Their number decides for all, and again for those that were asked for before it changed.
const FEW = 60, MANY = 80, RATE_FEW = 125, RATE_MANY = 20;

export type Listener = () => void;

class Entry {
  readonly points: Points;
  readonly listeners = new Set<Listener>();
  held: Block[] | null = [];       // live blocks that came before the snapshot
  group: Group | null = null;
  timer = 0;
  error = '';
  past = 0;                        // attempt whose overtaken points were asked for
  constructor(readonly run: string, readonly series: string, target = TARGET, to = Infinity) {
    this.points = new Points(target, to);
  }

  snapshot(block: Block): void {
    this.error = '';
    this.points.snapshot(block);
    const held = this.held ?? [];
    this.held = null;
    for (const b of held) this.live(b);
    this.tell();
  }

  // False: a gap; whoever owns the entry asks again.
  live(block: Block): boolean {
    if (this.held) {
      if (this.held.length < HELD_BLOCKS) this.held.push(block);
      return true;
    }
    if (this.points.take(block)) {
      this.tell();
      return true;
    }
    this.held = [block];
    return false;
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}

interface Group { run: string; list: Entry[]; names: Set<string>; rate: number; stop: () => void }

const entries = new Map<string, Entry>();       // whole series, by run and series
const groups = new Set<Group>();                // series that were asked for together
let rate = RATE_FEW;
const zooms = new Set<Zoom>();
let wanted = new Map<string, Entry[]>();        // by run, to be asked for
const keyOf = (run: string, series: string) => run + '\n' + series;

// The points of a series, whole; `changed` is called whenever they changed. Call the result to let go.
export function follow(run: string, series: string, changed: Listener): { points: Points; stop: () => void } {
  const key = keyOf(run, series);
  let entry = entries.get(key);
  if (!entry) {
    entries.set(key, (entry = new Entry(run, series)));
    want(entry);
  }
  clearTimeout(entry.timer);
  entry.listeners.add(changed);
  const held = entry;
  return { points: entry.points, stop: () => letGo(key, held, changed) };
}

function letGo(key: string, entry: Entry, changed: Listener): void {
  if (!entry.listeners.delete(changed) || entry.listeners.size) return;
  entry.timer = window.setTimeout(() => {
    entries.delete(key);
    const group = entry.group;
    if (group?.names.delete(entry.series) && group.names.size === 0) group.stop(), groups.delete(group);
    pace();
  }, LINGER_MS);
}

function want(entry: Entry): void {
  if (wanted.size === 0) setTimeout(askWanted, 0);
  const list = wanted.get(entry.run);
  if (list) list.push(entry);
  else wanted.set(entry.run, [entry]);
}

function askWanted(): void {
  const asked = wanted;
  wanted = new Map();
  for (const [run, list] of asked) {
    const group: Group = { run, list, names: new Set(list.map(e => e.series)), rate: 0, stop: () => {} };
    for (const entry of list) entry.group = group;
    groups.add(group);
  }
  pace();
}

// Asks for what is not asked for at the rate that the number of series allows.
function pace(): void {
  const most = rate === RATE_FEW ? MANY : FEW;
  rate = entries.size > most ? RATE_MANY : RATE_FEW;
  for (const group of groups) if (group.rate !== rate) askGroup(group);
}

function askGroup(group: Group): void {
  const { run, list } = group;
  group.stop();
  group.rate = rate;
  group.stop = link.subscribe(run, [...group.names], { axis: 'step', buckets: TARGET, rate },
    frame => {
      snapshots(frame, block => entries.get(keyOf(run, block.series)));
      askPast(run, list);
    },
    error => list.forEach(e => ((e.error = error.message), e.tell())));
}

function snapshots(frame: Frame, find: (block: Block) => Entry | undefined): void {
  for (const block of frame.blocks) find(block)?.snapshot(block);
}

// What earlier attempts recorded and later ones overtook, once per attempt: drawn faint.
function askPast(run: string, list: Entry[]): void {
  const attempt = runs.peek().get(run)?.attempt ?? 0, wanted = list.filter(e => attempt > e.past);
  if (!wanted.length) return;
  for (const entry of wanted) entry.past = attempt;
  link.query(run, wanted.map(e => e.series), { axis: 'step', buckets: TARGET, attempts: 'all' }, frame => {
    for (const block of frame?.blocks ?? []) {
      const entry = wanted.find(e => e.series === block.series);
      if (entry) (entry.points.overtaken = overtakenOf(block)), entry.tell();
    }
  });
}

// --- a range, for a zoom ---------------------------------------------------------------------

export interface ZoomRange { axis: 'step' | 'time'; from: number; to: number }

let asking = new Map<string, Zoom[]>(); // by run and range: one query for all series of it

function askZooms(): void {
  const asked = asking;
  asking = new Map();
  for (const list of asked.values()) {
    const zooms = list.filter(z => !z.ended);
    if (!zooms.length) continue;
    link.query(zooms[0].run, [...new Set(zooms.map(z => z.series))], { ...zooms[0].range, buckets: TARGET }, (frame, error) => {
      for (const block of frame?.blocks ?? []) for (const zoom of zooms) if (zoom.series === block.series && !zoom.ended) zoom.snapshot(block);
      if (error) for (const zoom of zooms) (zoom.error = error.message), zoom.tell();
    });
  }
}

// Points of one range at full resolution. It goes on live when the range reaches beyond the last point.
export class Zoom extends Entry {
  ended = false;
  constructor(run: string, series: string, readonly range: ZoomRange, readonly open: boolean, changed: Listener) {
    super(run, series, TARGET, range.axis === 'step' ? range.to : Infinity);
    this.listeners.add(changed);
    this.ask();
    zooms.add(this);
  }

  private ask(): void {
    if (asking.size === 0) setTimeout(askZooms, 0);
    const { axis, from, to } = this.range, key = [this.run, axis, from, to].join(), list = asking.get(key);
    if (list) list.push(this);
    else asking.set(key, [this]);
  }

  override live(block: Block): boolean {
    if (this.open && !super.live(block)) this.ask();
    return true;
  }

  end(): void {
    this.ended = true;
    zooms.delete(this);
  }
}

// --- live ------------------------------------------------------------------------------------

link.onLive = frame => {
  let gaps: Entry[] | null = null;
  for (const block of frame.blocks) {
    const entry = entries.get(keyOf(frame.run, block.series));
    if (entry && !entry.live(block)) (gaps ??= []).push(entry);
    for (const zoom of zooms) if (zoom.run === frame.run && zoom.series === block.series) zoom.live(block);
  }
  if (gaps) askAgain(frame.run, gaps);
};

function askAgain(run: string, gaps: Entry[]): void {
  link.query(run, gaps.map(e => e.series), { axis: 'step', buckets: TARGET },
    frame => frame && snapshots(frame, block => gaps.find(e => e.series === block.series)));
}
