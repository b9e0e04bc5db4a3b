// The weights of one unit: exact where a capture brought them, else a row of the matrix (halves or codes, unless it was folded).
import { matrixValue } from '../../network/matrix';
import type { LinkQuantity, Matrix, NetworkState } from '../../network/model';
import type { Network } from '../../state/network';
import type { UnitDetail, Values } from '../../state/unit-detail';
import { unitsOf } from '../../state/unit-history';

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

// Now minus then, where both are known.
export function changedRow(network: Network, now: Row | null, layer: number, unit: number, of: LinkQuantity): Row | null {
  const state = network.compared.peek(), matrix = matrixOf(state, layer, of), then = state && matrix && rowOfMatrix(matrix, unit, state.step);
  return now && then?.data.length === now.data.length ? { ...now, data: now.data.map((v, i) => v - then.data[i]!) } : null;
}

// What goes out of a unit to each unit of the layer that it alone feeds: of several weights (a place in a map, a kernel) the one of largest |value|.
export function columnOf(network: Network, state: NetworkState | null, next: number, unit: number): Float32Array | null {
  const to = network.model.layers[next], from = network.model.layers.find(l => l.name === to?.inputs[0]), m = matrixOf(state, next, 'weight');
  const width = from && m && to!.inputs.length === 1 ? m.cols / unitsOf(from.shape) : 0;
  if (!m || m.full || width < 1 || !Number.isInteger(width)) return null;
  return Float32Array.from({ length: m.rows }, (_, row) => {
    let most = 0;
    for (let i = 0; i < width; i++) {
      const v = matrixValue(m, row * m.cols + unit * width + i);
      if (!(Math.abs(v) <= Math.abs(most))) most = v;
    }
    return most;
  });
}

// One link's value, where it is among the strongest of its layer.
export function strongAt(state: NetworkState | null, layer: number, index: number, of: LinkQuantity): number | undefined {
  for (const link of state?.links ?? []) {
    const list = link.layer === layer ? link.strongest[of] : undefined, at = list ? list.index.indexOf(index) : -1;
    if (at >= 0) return list!.value[at];
  }
  return undefined;
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
