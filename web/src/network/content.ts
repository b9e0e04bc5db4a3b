// All that follows from model, state and look, whatever part of it is in sight: scales, lines, matrices and their numbers.
// Cells are made when a layer comes into sight.
import { filterCells, unitCells, type Cells } from './cells';
import { countMarks } from './marks';
import type { Layout } from './layout';
import { batchesOf, linkQuantity, ofSame, type Batch } from './lines';
import { linksOf, matrixFold, matrixRange, matrixValue } from './matrix';
import type { DrawnLayer, DrawnPair, LinkQuantity, LinkState, Look, Matrix, NetworkModel, NetworkState, Scale } from './model';
import { join, nothing, scaleOf, type Range } from './scale';
import { isLog, scalesOf, seenAt, type Seen } from './seen';

export interface MatrixSeen { link: LinkState; quantity: LinkQuantity; matrix: Matrix; scale: Scale; range: Range }

const compared = new WeakMap<object, Map<object, Matrix>>();

// now - then, cell by cell; kept as long as both are.
function changedMatrix(now: Matrix, then: Matrix): Matrix {
  let made = compared.get(then.data)?.get(now.data);
  if (!made) {
    const data = Float32Array.from({ length: now.data.length }, (_, i) => matrixValue(now, i) - matrixValue(then, i));
    made = { ...now, data, scale: 1 };
    compared.set(then.data, new Map([[now.data, made]]));
  }
  return made;
}

// What is shown of a link's matrices; compared: of those that both moments have, alike folded, now minus then.
function matrixIn(link: LinkState, look: Look): { quantity: LinkQuantity; matrix: Matrix } | null {
  const then = look.compare && ofSame(look.compare, link)?.matrix;
  const known = (of: LinkQuantity) => (!look.compare || then?.[of]?.data.length === link.matrix[of]?.data.length ? link.matrix[of] : undefined);
  const quantity = linkQuantity(look, { weight: known('weight'), gradient: known('gradient'), update: known('update') }), matrix = quantity && link.matrix[quantity];
  return matrix ? { quantity, matrix: then ? changedMatrix(matrix, then[quantity]!) : matrix } : null;
}

function drawnMatrix({ link, quantity, scale, range, matrix }: MatrixSeen, fold: string): DrawnPair {
  return {
    layer: link.layer, tensor: link.tensor, quantity, scale, lowest: range.lowest, highest: range.highest,
    drawn: matrix.rows * matrix.cols, total: linksOf(matrix), nonfinite: range.nonfinite, fold,
  };
}

export class Content {
  readonly seen: (Seen | null)[];
  readonly scales: Scale[];
  readonly batches: Batch[];
  readonly matrices: MatrixSeen[];
  private cells = new Map<string, Cells>();

  constructor(readonly model: NetworkModel, readonly layout: Layout, readonly state: NetworkState, readonly look: Look) {
    this.seen = model.layers.map((_, i) => seenAt(model, layout, state, look, i));
    this.scales = scalesOf(this.seen, look);
    this.batches = look.links === 'lines' ? batchesOf(model, layout, state, look) : [];
    this.matrices = look.links === 'matrices' ? this.matricesOf(link => layout.matrices[link.layer] !== null) : [];
  }

  // One matrix a layer (its first tensor that has one).
  private matricesOf(shown: (link: LinkState) => boolean): MatrixSeen[] {
    const { state, look } = this, found = new Map<number, MatrixSeen>();
    for (const link of state.links) {
      if (found.has(link.layer) || !shown(link)) continue;
      const known = matrixIn(link, look);
      if (known) found.set(link.layer, { link, ...known, scale: scaleOf(nothing(), 'signed', false), range: matrixRange(known.matrix) });
    }
    const list = [...found.values()], whole = look.scale === 'network' ? list.reduce((r, m) => join(r, m.range), nothing()) : null;
    for (const m of list) m.scale = scaleOf(whole ?? m.range, 'signed', isLog(look.curve, m.quantity));
    return list;
  }

  cellsOf(layer: number): Cells {
    const key = `units ${layer}`;
    let cells = this.cells.get(key);
    if (!cells) this.cells.set(key, (cells = unitCells(this.layout.boxes[layer]!, this.seen[layer]!, this.scales[layer]!, this.state.layers[layer]?.marks)));
    return cells;
  }

  // The filters of a layer of maps; null: they are not known, or folded.
  filtersOf(layer: number): { cells: Cells; scale: Scale; range: Range; quantity: LinkQuantity } | null {
    const filters = this.layout.boxes[layer]!.filters;
    if (!filters) return null;
    const [found] = this.filterMatrix(layer);
    if (!found) return null;
    const key = `filters ${layer}`;
    let cells = this.cells.get(key);
    if (!cells) this.cells.set(key, (cells = filterCells(filters, found.matrix, found.scale)));
    return { cells, scale: found.scale, range: found.range, quantity: found.quantity };
  }

  private filterMatrix(layer: number): MatrixSeen[] {
    return this.matricesOf(link => link.layer === layer && !!link.matrix.weight && !link.matrix.weight.full && link.matrix.weight.shape.length === 4);
  }

  private layers: DrawnLayer[] | null = null;

  drawnLayers(): DrawnLayer[] {
    return (this.layers ??= this.countLayers());
  }

  private countLayers(): DrawnLayer[] {
    return this.layout.boxes.map((box, layer) => {
      const seen = this.seen[layer], marks = countMarks(box.pixels ? undefined : this.state.layers[layer]?.marks, box.units);
      const { lowest, highest, nonfinite } = seen?.range ?? nothing();
      return { layer, quantity: seen?.quantity ?? '', scale: this.scales[layer]!, lowest, highest, nonfinite, ...marks, fold: box.fold };
    });
  }

  private filters: DrawnPair[] | null = null;

  drawnFilters(): DrawnPair[] {
    return (this.filters ??= this.layout.boxes.filter(b => b.filters).flatMap(b => this.filterMatrix(b.layer).map(m => drawnMatrix(m, b.filters!.fold))));
  }

  drawnPairs(most: number): DrawnPair[] {
    const lines = this.batches.map(b => ({
      layer: b.link.layer, tensor: b.link.tensor, quantity: b.quantity, scale: b.scale, lowest: b.range.lowest, highest: b.range.highest,
      drawn: Math.min(most, b.count), total: b.total, nonfinite: b.range.nonfinite, fold: '',
    }));
    return [...lines, ...this.matrices.map(m => drawnMatrix(m, matrixFold(m.matrix)))];
  }
}
