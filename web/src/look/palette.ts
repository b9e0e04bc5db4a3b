// Colours that canvases draw with, for both surfaces, and the palette of runs. theme.css holds the same values for the rest
// of the page. The runs' hues were found by web/tools/palette.mjs; tests/web/palette_test.mjs computes what is promised of
// them: smallest OKLab distance over normal, protan and deutan sight >= 0.10, contrast >= 4.5:1, one hue on both surfaces.
import type { Mode } from './ramps';

export const RUNS: Record<Mode, readonly string[]> = {
  dark: ['#84b7ff', '#fc8a2f', '#4acba6', '#be59fd', '#f82062', '#03f4f5', '#fecf02', '#c067b0'],
  light: ['#016de1', '#aa5501', '#038064', '#650093', '#5b001d', '#005e5f', '#564500', '#c21aaf'],
};

// After eight hues the same again, dashed: long, short, dotted, dash and dot.
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [4, 3], [1, 3], [8, 3, 1, 3]];

export interface Ink {
  bg: string; surface: string; raised: string; line: string; lineStrong: string;
  text: string; text2: string; text3: string; accent: string; good: string; warn: string; bad: string;
}

export const INK: Record<Mode, Ink> = {
  dark: {
    bg: '#0a0d12', surface: '#10161f', raised: '#161d27', line: '#1e2732', lineStrong: '#313d4c',
    text: '#e6ebf2', text2: '#a0acba', text3: '#8491a1', accent: '#52b0ff', good: '#43cf90', warn: '#f2ab40', bad: '#ff6f76',
  },
  light: {
    bg: '#f6f8fa', surface: '#ffffff', raised: '#eef2f6', line: '#dfe5ec', lineStrong: '#c3cdd8',
    text: '#18202b', text2: '#4d5b6b', text3: '#5b6877', accent: '#0a66c2', good: '#0b7a4b', warn: '#8f5606', bad: '#c0232c',
  },
};

export interface Stroke { colour: string; dash: readonly number[]; slot: number }

// The stroke of the n-th run (or of the n-th series, where a panel shows several of one run).
export function strokeOf(index: number, mode: Mode): Stroke {
  const slot = ((index % 8) + 8) % 8;
  return { colour: RUNS[mode][slot]!, dash: DASHES[Math.floor(index / 8) % DASHES.length]!, slot };
}

// A colour with an opacity (0..1), for faint originals under a smoothed line.
export function faint(hex: string, opacity: number): string {
  return hex + Math.round(255 * opacity).toString(16).padStart(2, '0');
}
