// A confusion matrix: rows are the truth, columns the prediction. The diagonal (right) shines by its share of the row, mistakes by
// their share of the most frequent mistake, as the legend says. A cell is a button: it names the pair.
import { useMemo, useState } from 'preact/hooks';
import { percent, whole } from '../../look/format';
import { pairSentence, sumsOf, wordOf, type Confusion, type Pair, type Sums } from './confusion-data';

interface Props { matrix: Confusion; percentages: boolean; chosen: Pair | null; choose?: (pair: Pair | null) => void }

const same = (a: Pair | null, b: Pair) => a !== null && a.truth === b.truth && a.predicted === b.predicted;

function Cell({ matrix, sums, at, percentages, chosen, choose, hover }: Props & { sums: Sums; at: Pair; hover: (pair: Pair | null) => void }) {
  const n = matrix.counts[at.truth * matrix.classes + at.predicted] ?? 0, share = sums.rows[at.truth] ? n / sums.rows[at.truth]! : 0;
  const text = n === 0 ? '' : percentages ? (share < 0.005 ? '<1' : String(Math.round(100 * share))) : whole(n);
  const tone = `${at.truth === at.predicted ? 'hit' : 'miss'}${n === 0 ? ' none' : ''}${share > 0.5 ? ' full' : ''}`;
  return (
    <td role="gridcell" aria-selected={same(chosen, at)}>
      <button type="button" class={`cm-cell ${tone}`} style={{ '--share': Math.sqrt(at.truth === at.predicted ? share : n / Math.max(1, sums.worst)) }} data-truth={at.truth} data-predicted={at.predicted} data-count={n}
        aria-label={pairSentence(matrix, sums, at)} onMouseEnter={() => hover(at)} onFocus={() => hover(at)} onMouseLeave={() => hover(null)}
        onClick={() => choose?.(same(chosen, at) ? null : at)} disabled={!choose}>{text}</button>
    </td>
  );
}

const SHOWN = 32; // more classes: those with the most mistakes

function classesOf(matrix: Confusion, sums: Sums): number[] {
  const all = Array.from({ length: matrix.classes }, (_, k) => k);
  if (all.length <= SHOWN) return all;
  const wrong = (k: number) => sums.rows[k]! + sums.columns[k]! - 2 * (matrix.counts[k * matrix.classes + k] ?? 0);
  return all.sort((a, b) => wrong(b) - wrong(a)).slice(0, SHOWN).sort((a, b) => a - b);
}

export function ConfusionMatrix(props: Props) {
  const { matrix } = props, sums = useMemo(() => sumsOf(matrix), [matrix]), shown = useMemo(() => classesOf(matrix, sums), [matrix]);
  const [over, hover] = useState<Pair | null>(null), said = over ?? props.chosen;
  return (
    <figure class="cm" data-total={sums.total} data-right={sums.right}>
      <div class="cm-frame">
        <table role="grid" aria-label="confusion matrix">
          <thead><tr><th class="faint" title="rows are the truth, columns the prediction">truth \ said</th>{shown.map(k => <th key={k} scope="col" class="clip">{wordOf(matrix, k)}</th>)}</tr></thead>
          <tbody>{shown.map(t => (
            <tr key={t}>
              <th scope="row" class="clip">{wordOf(matrix, t)}</th>
              {shown.map(p => <Cell key={p} {...props} sums={sums} at={{ truth: t, predicted: p }} hover={hover} />)}
            </tr>
          ))}</tbody>
        </table>
      </div>
      <figcaption class="number">
        {said ? pairSentence(matrix, sums, said) : `${whole(sums.right)} of ${whole(sums.total)} right${sums.total ? `, ${percent(sums.right / sums.total)}` : ''}`}
        {sums.worst > 0 && <span class="cm-legend faint"><i />mistakes: 0 … {whole(sums.worst)}</span>}
        {shown.length < matrix.classes && <span class="faint"> · the {SHOWN} classes with the most mistakes, of {matrix.classes}</span>}
      </figcaption>
    </figure>
  );
}
