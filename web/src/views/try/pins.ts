// Pinned samples: the series pin/NAME/CLASS tell which there are; the commands that pinned them, which of them are still pushed
// and what they look like.
import type { Command, Series } from '../../link/messages';

export interface Pin {
  name: string;
  series: Map<string, string>;   // by class
  held: boolean;                 // unpinned meanwhile
  sample: number;                // of the program's own; -1: an input by hand
  picture: number[] | null;      // its values, 0 to 255; of a sample where the page that pinned it had seen them
}

const PIN = /^pin\/([^/]+)\/(.+)$/;

// What a pin or unpin command tells: src/server/steer_pin.c writes it.
function toldBy(command: { values?: unknown }): { name: string; sample: number; picture: number[] | null } {
  const { name, sample, picture } = (command.values ?? {}) as { name?: unknown; sample?: unknown; picture?: unknown };
  return { name: typeof name === 'string' ? name : '', sample: typeof sample === 'number' ? sample : -1, picture: Array.isArray(picture) ? picture.map(Number) : null };
}

export function pinsOf(series: readonly Series[], commands: readonly Command[]): Pin[] {
  const pins = new Map<string, Pin>();
  const pinOf = (name: string) => {
    let pin = pins.get(name);
    if (!pin) pins.set(name, (pin = { name, series: new Map(), held: false, sample: -1, picture: null }));
    return pin;
  };
  for (const s of series) {
    const parts = s.kind === 'scalar' ? PIN.exec(s.name) : null;
    if (parts) pinOf(parts[1]!).series.set(parts[2]!, s.name);
  }
  for (const c of commands) {
    if (c.state !== 'applied' || (c.type !== 'pin' && c.type !== 'unpin')) continue;
    const { name, sample, picture } = toldBy(c);
    if (!name) continue;
    if (c.type === 'pin') Object.assign(pinOf(name), { held: false, sample, picture });
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
