// Colour arithmetic for the palette's search and its test: OKLab (Ottosson 2020), contrast (WCAG 2.1) and the sight of
// protanopes and deuteranopes (Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB).

const PROTAN = [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998];
const DEUTAN = [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881];
const NORMAL = [1, 0, 0, 0, 1, 0, 0, 0, 1];
export const SIGHTS = { normal: NORMAL, protan: PROTAN, deutan: DEUTAN };

const expand = v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const compress = v => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);

export function linearOfHex(hex) {
  return [1, 3, 5].map(at => expand(parseInt(hex.slice(at, at + 2), 16) / 255));
}

export function hexOfLinear(rgb) {
  const byte = v => Math.round(255 * compress(Math.min(1, Math.max(0, v)))).toString(16).padStart(2, '0');
  return '#' + rgb.map(byte).join('');
}

export function seen(rgb, sight) {
  const m = SIGHTS[sight];
  return [0, 3, 6].map(r => Math.min(1, Math.max(0, m[r] * rgb[0] + m[r + 1] * rgb[1] + m[r + 2] * rgb[2])));
}

export function oklab([r, g, b]) {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

export function linearOfOklch(L, C, degrees) {
  const h = (degrees * Math.PI) / 180, a = C * Math.cos(h), b = C * Math.sin(h);
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
}

export function hueOfHex(hex) {
  const [, a, b] = oklab(linearOfHex(hex));
  return ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
}

export const inGamut = rgb => rgb.every(v => v >= 0 && v <= 1);
export const luminance = rgb => 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];

export function contrast(a, b) {
  const x = luminance(a), y = luminance(b);
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

// The smallest distance between any two of these colours (linear RGB), over the three sights.
export function smallestDistance(colours) {
  let least = Infinity;
  for (const sight of Object.keys(SIGHTS)) {
    const labs = colours.map(c => oklab(seen(c, sight)));
    for (let i = 0; i < labs.length; i++)
      for (let j = i + 1; j < labs.length; j++) least = Math.min(least, distance(labs[i], labs[j]));
  }
  return least;
}
