// Pinned samples: the series pin/NAME/CLASS tell which there are, commands which of them are still pushed, and the record of
// their pictures (kept in this browser; of a sample of the program's own the network tells it).
import type { Command, Series } from '../../link/messages';

export interface Pin { name: string; series: Map<string, string>; held: boolean } // series by class; held: unpinned meanwhile
export interface PinPicture { width: number; height: number; grey: Uint8Array; truth: number }

const PIN = /^pin\/([^/]+)\/(.+)$/, KEPT_MAX = 64, KEY = 'nnscope.pins';

interface Naming { name?: unknown; values?: unknown }

// The name that a pin or unpin command speaks of.
export function nameOf(command: Naming): string {
  if (typeof command.name === 'string') return command.name;
  return command.values !== null && typeof command.values === 'object' ? Object.keys(command.values as object)[0] ?? '' : '';
}

export function pinsOf(series: readonly Series[], commands: readonly Command[]): Pin[] {
  const pins = new Map<string, Pin>();
  const pinOf = (name: string) => {
    let pin = pins.get(name);
    if (!pin) pins.set(name, (pin = { name, series: new Map(), held: false }));
    return pin;
  };
  for (const s of series) {
    const parts = s.kind === 'scalar' ? PIN.exec(s.name) : null;
    if (parts) pinOf(parts[1]!).series.set(parts[2]!, s.name);
  }
  for (const c of commands) {
    const name = c.state === 'applied' ? nameOf(c) : '';
    if (!name) continue;
    if (c.type === 'pin') pinOf(name).held = false;
    else if (c.type === 'unpin' && pins.has(name)) pins.get(name)!.held = true;
  }
  return [...pins.values()].sort((a, b) => new Intl.Collator('en', { numeric: true }).compare(a.name, b.name));
}

// A name that is not taken yet: "sample 17", "drawing 2".
export function freeName(wanted: string, pins: readonly Pin[]): string {
  const taken = new Set(pins.filter(p => !p.held).map(p => p.name));
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n++) if (!taken.has(`${wanted} ${n}`)) return `${wanted} ${n}`;
}

// As part of a series' name: without slashes and control characters, at most 64 bytes.
export function cleanName(text: string): string {
  let name = text.replace(/[/\u0000-\u001f\u007f]/g, ' ').replace(/\s+/g, ' ').trim();
  while (new TextEncoder().encode(name).length > 64) name = name.slice(0, -1);
  return name;
}

// --- pictures -----------------------------------------------------------------------------------

type Kept = Record<string, { w: number; h: number; p: string; t: number }>;

function readKept(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Kept;
  } catch {
    return {};
  }
}

export function keepPicture(run: string, name: string, picture: PinPicture): void {
  const kept = readKept(), keys = Object.keys(kept);
  for (const old of keys.slice(0, Math.max(0, keys.length - KEPT_MAX))) delete kept[old];
  kept[`${run}/${name}`] = { w: picture.width, h: picture.height, p: btoa(String.fromCharCode(...picture.grey)), t: picture.truth };
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch { /* not kept: the card stands without its picture */ }
}

export function keptPicture(run: string, name: string): PinPicture | null {
  const kept = readKept()[`${run}/${name}`];
  if (!kept) return null;
  const grey = Uint8Array.from(atob(kept.p), c => c.charCodeAt(0));
  return grey.length === kept.w * kept.h ? { width: kept.w, height: kept.h, grey, truth: kept.t } : null;
}
