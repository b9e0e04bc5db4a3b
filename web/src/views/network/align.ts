// Where the cards of the layer strip stand: each under its layer, none over another, all within the width. When there are more
// than fit they stand in a row of their own that scrolls.
export interface Places { left: number[]; width: number; total: number; scrolls: boolean }

export const CARD_LEAST = 84, CARD_MOST = 208, CARD_ROW = 152, GAP = 8;

const evenly = (n: number, room: number): number => (room - GAP * (n - 1)) / n;

// More than can stand under the picture.
export const isCrowded = (n: number, room: number): boolean => evenly(n, room) < CARD_LEAST;

// `middles`: of the layers in the picture; NaN where it is not known.
export function placeCards(middles: readonly number[], room: number): Places {
  const n = middles.length, even = evenly(n, room);
  if (isCrowded(n, room)) return { left: middles.map((_, i) => i * (CARD_ROW + GAP)), width: CARD_ROW, total: n * (CARD_ROW + GAP) - GAP, scrolls: true };
  const width = Math.min(CARD_MOST, even), known = middles.every(Number.isFinite) && middles.every((m, i) => i === 0 || m > middles[i - 1]!);
  const left = middles.map((m, i) => (known ? m - width / 2 : i * (even + GAP)));
  for (let i = 0; i < n; i++) left[i] = Math.max(left[i]!, i ? left[i - 1]! + width + GAP : 0);
  for (let i = n - 1; i >= 0; i--) left[i] = Math.min(left[i]!, i < n - 1 ? left[i + 1]! - width - GAP : room - width);
  return { left, width, total: room, scrolls: false };
}
