// The weights of one unit: exact where a capture brought them, else a row of the matrix (halves or codes, unless it was folded).
import { matrixValue } from '../../network/matrix';
import type { LinkQuantity, Matrix, NetworkState } from '../../network/model';
import type { Network } from '../../state/network';
import type { UnitDetail, Values } from '../../state/unit-detail';

export interface Row { data: Float32Array; shape: readonly number[]; step: number; exact: boolean }

export function matrixOf(state: NetworkState | null, layer: number, of: LinkQuantity): Matrix | null {
  return state?.links.find(l => l.layer === layer && l.matrix[of])?.matrix[of] ?? null;
}

function rowOfMatrix(m: Matrix, unit: number, step: number): Row | null {
  if (m.full || unit >= m.rows) return null;
  const data = new Float32Array(m.cols);
  for (let i = 0; i < m.cols; i++) data[i] = matrixValue(m, unit * m.cols + i);
  return { data, shape: m.shape.slice(1), step, exact: m.data instanceof Float32Array };
}

const rowOfValues = (v: Values | undefined): Row | null => (v ? { data: v.data, shape: v.shape, step: v.step, exact: true } : null);

// Live: the exact ones when they are there; of a moment: of its snapshot.
export function rowOf(network: Network, detail: UnitDetail | null, live: boolean, layer: number, unit: number, of: LinkQuantity): Row | null {
  const exact = live ? rowOfValues(detail?.[of]) : null, state = network.shown.peek();
  if (exact) return exact;
  const matrix = matrixOf(state, layer, of);
  return matrix && state ? rowOfMatrix(matrix, unit, state.step) : null;
}

export function strongestOf(data: ArrayLike<number>, most: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (!(size > 0) || (found.length === most && size <= Math.abs(data[found[most - 1]!]!))) continue;
    let at = found.length;
    while (at > 0 && Math.abs(data[found[at - 1]!]!) < size) at--;
    found.splice(at, 0, i);
    if (found.length > most) found.pop();
  }
  return found;
}

export const norm = (data: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  return Math.sqrt(sum);
};
