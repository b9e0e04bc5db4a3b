// Media as the server lists them, read into what the panels draw. Everything is checked: it came from a program.
import type { MediaItem } from '../../link/messages';

export type MediaJson = Omit<MediaItem, 'time' | 'kind'> & { kind: string; time?: unknown };

export interface Image { step: number; url: string; caption: string; width: number; height: number; raw: 0 | 1 | 3 | 4 }
export interface Sample { step: number; width: number; height: number; pixels: Uint8Array; truth: number; probabilities: number[] }
export interface Words { step: number; text: string }

type Fields = Record<string, unknown>;
const fields = (v: unknown): Fields => (v !== null && typeof v === 'object' && !Array.isArray(v) ? (v as Fields) : {});
const num = (v: unknown, otherwise = 0): number => (typeof v === 'number' && Number.isFinite(v) ? v : otherwise);
const words = (v: unknown): string => (typeof v === 'string' ? v : '');
const numbers = (v: unknown): number[] => (Array.isArray(v) ? v.map(x => num(Number(x))) : []);
const CHANNELS: Record<string, 1 | 3 | 4> = { gray8: 1, rgb8: 3, rgba8: 4 };

export function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

export function histogramOf(item: MediaJson) {
  const d = fields(item.data);
  return { step: item.step, low: num(d.low), high: num(d.high), counts: numbers(d.counts) };
}

export function wordsOf(item: MediaJson): Words {
  return { step: item.step, text: typeof item.data === 'string' ? item.data : words(fields(item.data).text) };
}

export function imageOf(item: MediaJson): Image {
  const d = { ...item, ...fields(item.data) } as Fields;
  const url = words(item.url);
  return {
    step: item.step, url: url.startsWith('/') || url.startsWith('api/') ? url : '', caption: words(d.caption),
    width: num(d.width), height: num(d.height), raw: CHANNELS[words(d.format)] ?? 0,
  };
}

export function sampleOf(item: MediaJson): Sample {
  const d = fields(item.data);
  const pixels = d.pixels ?? d.input;
  return {
    step: item.step, width: num(d.width), height: num(d.height), truth: num(d.truth, -1), probabilities: numbers(d.probabilities),
    pixels: typeof pixels === 'string' ? bytesOf(pixels) : Uint8Array.from(numbers(pixels)),
  };
}

// Items of one series, ordered by step; several at one step (a sheet of samples) stay together.
export function byStep<T extends { step: number }>(items: readonly T[]): T[][] {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(item.step);
    if (group) group.push(item);
    else groups.set(item.step, [item]);
  }
  return [...groups.entries()].sort((a, b) => a[0] - b[0]).map(entry => entry[1]);
}

export function bestOf(probabilities: readonly number[]): number {
  return probabilities.reduce((best, p, i) => (p > (probabilities[best] ?? -1) ? i : best), 0);
}
