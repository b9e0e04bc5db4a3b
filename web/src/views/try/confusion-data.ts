// A confusion matrix in numbers and words: counts row by row, rows are the truth, columns the prediction.
import { percent, whole } from '../../look/format';

export interface Confusion { classes: number; counts: ArrayLike<number>; words: readonly string[] }
export interface Pair { truth: number; predicted: number }

export const wordOf = (c: Confusion, k: number): string => c.words[k] || String(k);

export interface Sums { total: number; right: number; worst: number; rows: Float64Array; columns: Float64Array }

export function sumsOf({ classes, counts }: Confusion): Sums {
  const sums: Sums = { total: 0, right: 0, worst: 0, rows: new Float64Array(classes), columns: new Float64Array(classes) };
  for (let t = 0; t < classes; t++)
    for (let p = 0; p < classes; p++) {
      const n = counts[t * classes + p] ?? 0;
      sums.total += n, sums.rows[t]! += n, sums.columns[p]! += n;
      if (t === p) sums.right += n;
      else sums.worst = Math.max(sums.worst, n);
    }
  return sums;
}

export function pairSentence(c: Confusion, sums: Sums, { truth, predicted }: Pair): string {
  const n = c.counts[truth * c.classes + predicted] ?? 0, share = sums.rows[truth] ? n / sums.rows[truth]! : 0;
  const what = truth === predicted ? `${wordOf(c, truth)} taken for what it is` : `${wordOf(c, truth)} taken for ${wordOf(c, predicted)}`;
  return `${what}: ${whole(n)} of ${whole(sums.rows[truth]!)}, ${percent(share)}`;
}
