// Finds the palette of runs: `node web/tools/palette.mjs [SEED] [ROUNDS]` prints eight colours for the dark and the light surface.
// A climb by random steps over eight hues, each with lightness and chroma of its own per surface. The score is the smallest OKLab distance over
// the three sights, of all eight and (weighted) of the first four; out of gamut or too little contrast scores nothing.
import { contrast, hexOfLinear, inGamut, linearOfHex, linearOfOklch, smallestDistance } from './colour.mjs';

const SURFACES = { dark: linearOfHex('#10161f'), light: linearOfHex('#f6f8fa') };
// Each colour may move around the hue that its place asks for: blue, orange, green, violet, then what lies between.
const PLACES = [245, 65, 160, 310, 15, 205, 100, 350];
const REACH = [12, 14, 16, 14, 12, 20, 14, 16];
// Lightness allowed: the first four stay vivid (an orange that is not yet brown, a violet that is not yet pale).
const LIGHTNESS = {
  dark: [[0.66, 0.82], [0.74, 0.84], [0.7, 0.86], [0.66, 0.8], ...Array(4).fill([0.6, 0.92])],
  light: [[0.45, 0.58], [0.52, 0.58], [0.42, 0.58], [0.38, 0.58], ...Array(4).fill([0.3, 0.58])],
};
const CHROMA = [0.07, 0.24];

let state = Number(process.argv[2] ?? 1) >>> 0;
function random() { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

function start() {
  return PLACES.map(hue => ({ hue, dark: { L: 0.76, C: 0.13 }, light: { L: 0.53, C: 0.13 } }));
}

function coloursOf(palette, mode) {
  return palette.map(p => linearOfOklch(p[mode].L, p[mode].C, p.hue));
}

function scoreOf(palette) {
  let total = 0;
  for (const mode of ['dark', 'light']) {
    const colours = coloursOf(palette, mode);
    if (colours.some(c => !inGamut(c) || contrast(c, SURFACES[mode]) < 4.6)) return -Infinity;
    const all = smallestDistance(colours), four = smallestDistance(colours.slice(0, 4));
    const vivid = palette.reduce((sum, p) => sum + p[mode].C, 0) / palette.length;
    total += Math.min(all, mode === 'dark' ? 0.125 : 0.104) * 6 + Math.min(four, 0.13) * 2 + vivid * 0.5;
    const mean = palette.reduce((sum, p) => sum + p[mode].L, 0) / palette.length; // calm: no colour far from the rest
    total -= 0.15 * Math.sqrt(palette.reduce((sum, p) => sum + (p[mode].L - mean) ** 2, 0) / palette.length);
  }
  return total;
}

function moved(palette, size) {
  const next = palette.map(p => ({ hue: p.hue, dark: { ...p.dark }, light: { ...p.light } }));
  const i = Math.floor(random() * next.length), p = next[i];
  p.hue = PLACES[i] + clamp(p.hue - PLACES[i] + (random() - 0.5) * 20 * size, -REACH[i], REACH[i]);
  for (const mode of ['dark', 'light']) {
    p[mode].L = clamp(p[mode].L + (random() - 0.5) * 0.2 * size, ...LIGHTNESS[mode][i]);
    p[mode].C = clamp(p[mode].C + (random() - 0.5) * 0.1 * size, ...CHROMA);
  }
  return next;
}

function feasible(palette) { // less chroma until every colour is in gamut and readable
  for (const p of palette)
    for (const mode of ['dark', 'light'])
      for (let turn = 0; turn < 100; turn++) {
        const c = linearOfOklch(p[mode].L, p[mode].C, p.hue);
        if (!inGamut(c)) p[mode].C *= 0.95;
        else if (contrast(c, SURFACES[mode]) < 4.6) p[mode].L += mode === 'dark' ? 0.01 : -0.01;
        else break;
      }
  return palette;
}

let best = feasible(start()), score = scoreOf(best), top = best, topScore = score;
const rounds = Number(process.argv[3] ?? 40000);
for (let round = 0; round < rounds; round++) {
  const next = moved(best, 0.05 + (1 - round / rounds) * random());
  const reached = scoreOf(next);
  const heat = 0.02 * (1 - round / rounds) ** 3;
  if (reached > score - heat * random()) [best, score] = [next, reached];
  if (score > topScore) [top, topScore] = [best, score];
}
for (const mode of ['dark', 'light']) {
  const colours = coloursOf(top, mode);
  console.log(mode, JSON.stringify(colours.map(hexOfLinear)), 'all', smallestDistance(colours).toFixed(3), 'first four',
    smallestDistance(colours.slice(0, 4)).toFixed(3));
}
