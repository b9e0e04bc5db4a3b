// Colours for magnitude (viridis, as published by its authors: perceptually even, readable in any sight) and for signed
// values (blue, grey, orange). Both as 256 RGBA entries, made once, for canvases and textures.

const VIRIDIS = ['#440154', '#482475', '#414487', '#355f8d', '#2a788e', '#21918c', '#22a884', '#44bf70', '#7ad151', '#bddf26', '#fde725'];
// Signed: the middle is the quiet grey of the surface's own side, so that zero recedes on dark and on light.
const SIGNED = {
  dark: ['#8fd0ff', '#3f9be8', '#23629c', '#1c3550', '#232931', '#4a3418', '#915a10', '#dd8c1f', '#ffc778'],
  light: ['#08386b', '#1b66ab', '#5b9fd6', '#b4d3ec', '#eceef0', '#f3d3a8', '#dd9a3e', '#b06508', '#6b3a02'],
};
// Magnitude seen against the surface: empty is the surface itself, full is the most unlike it.
const HEAT = {
  dark: ['#10161f', '#122a45', '#124a78', '#1b72ad', '#3f9fd8', '#82c8f0', '#d2eefc'],
  light: ['#ffffff', '#dcebf7', '#aed2ec', '#74b2dd', '#3b88c2', '#1a5f9c', '#083a70'],
};
// Magnitude of many small cells: zero recedes into the surface, the highest glows (after magma, whose lightness is even; on
// light the same hues the other way round).
const GLOW = {
  dark: ['#171b25', '#2a1b52', '#561a7c', '#8c2780', '#c43c75', '#ef605f', '#fd9a6a', '#fecf92', '#fcfdbf'],
  light: ['#e4e8ef', '#f6cfb2', '#f6a27b', '#ea6c5d', '#c43c75', '#8c2780', '#561a7c', '#2b1457', '#12082e'],
};

export type Mode = 'dark' | 'light';
export type Ramp = Uint8ClampedArray; // 256 x RGBA

const bytesOf = (hex: string) => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));

function rampOf(stops: string[]): Ramp {
  const ramp = new Uint8ClampedArray(256 * 4), colours = stops.map(bytesOf);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (colours.length - 1), k = Math.min(Math.floor(at), colours.length - 2), t = at - k;
    for (let c = 0; c < 3; c++) ramp[4 * i + c] = colours[k]![c]! * (1 - t) + colours[k + 1]![c]! * t;
    ramp[4 * i + 3] = 255;
  }
  return ramp;
}

const made = new Map<string, Ramp>();
function once(key: string, stops: string[]): Ramp {
  let ramp = made.get(key);
  if (!ramp) made.set(key, (ramp = rampOf(stops)));
  return ramp;
}

export const viridis = (): Ramp => once('viridis', VIRIDIS);
export const signed = (mode: Mode): Ramp => once('signed ' + mode, SIGNED[mode]);
export const heat = (mode: Mode): Ramp => once('heat ' + mode, HEAT[mode]);
export const glow = (mode: Mode): Ramp => once('glow ' + mode, GLOW[mode]);
export const stopsOf = { viridis: VIRIDIS, signed: SIGNED, heat: HEAT, glow: GLOW };
