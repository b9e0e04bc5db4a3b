// The units as a list: what each prefers, how specific, on how many samples it is not zero, whether it is dead or saturated.
import { useState } from 'preact/hooks';
import { number, percent, whole } from '../../look/format';
import { ordered, type Order, type Redundant, type Unit } from './sparsity-data';
import { MARK_SAYS } from './words';

const SHOWN = 100;
export type Filter = 'all' | 'specific' | 'generic' | 'dead' | 'saturated';
export const SPECIFIC = 0.5;

export const FILTERS: { id: Filter; word: string; title: string; test: (u: Unit) => boolean }[] = [
  { id: 'all', word: 'all', title: 'every unit of the layer', test: () => true },
  { id: 'specific', word: 'specific', title: `selectivity of ${SPECIFIC} and above`, test: u => u.selectivity >= SPECIFIC },
  { id: 'generic', word: 'generic', title: `selectivity below ${SPECIFIC}`, test: u => u.selectivity < SPECIFIC && !u.dead },
  { id: 'dead', word: 'dead', title: MARK_SAYS.dead, test: u => u.dead },
  { id: 'saturated', word: 'saturated', title: MARK_SAYS.saturated, test: u => u.saturated },
];

const shareText = (v: number) => (Number.isNaN(v) ? '–' : percent(v));

function Row({ unit: u, words, chosen, choose }: { unit: Unit; words: readonly string[]; chosen: boolean; choose: (unit: number) => void }) {
  return (
    <tr class={chosen ? 'chosen' : ''} data-unit={u.unit}>
      <th scope="row"><button type="button" class="link" onClick={() => choose(u.unit)}>unit {u.unit}</button></th>
      <td>{u.preferred < 0 ? '–' : words[u.preferred] ?? u.preferred}</td>
      <td class="number">{Number.isNaN(u.selectivity) ? '–' : number(u.selectivity, 3)}</td>
      <td class="number">{shareText(u.active)}</td>
      <td>{u.dead && <span class="bad">dead</span>}{u.saturated && <span class="warn"> saturated</span>}{u.young && <span class="faint" title={MARK_SAYS.young}>not yet judged</span>}</td>
    </tr>
  );
}

export function UnitList({ rows, words, chosen, choose }: { rows: readonly Unit[]; words: readonly string[]; chosen: number; choose: (unit: number) => void }) {
  const [filter, setFilter] = useState<Filter>('all'), [order, setOrder] = useState<Order>('selectivity');
  const fits = ordered(rows.filter(FILTERS.find(f => f.id === filter)!.test), order);
  const head = (by: Order, word: string, title: string) => (
    <th scope="col" aria-sort={order === by ? 'ascending' : 'none'}><button type="button" class="link" title={title} onClick={() => setOrder(by)}>{word}</button></th>
  );
  return (
    <div>
      <div class="segmented" role="group" aria-label="units">
        {FILTERS.map(f => <button key={f.id} type="button" aria-pressed={filter === f.id} title={f.title} onClick={() => setFilter(f.id)}>{f.word}<span class="faint number sp-count">{whole(rows.filter(f.test).length)}</span></button>)}
      </div>
      <div class="sp-table">
        <table aria-label="units">
          <thead><tr>{head('unit', 'unit', 'by number')}{head('class', 'prefers', 'by the class of its highest |mean|')}{head('selectivity', 'selectivity', 'the most specific first')}<th scope="col">not zero on</th><th scope="col" /></tr></thead>
          <tbody>{fits.slice(0, SHOWN).map(u => <Row key={u.unit} unit={u} words={words} chosen={u.unit === chosen} choose={choose} />)}</tbody>
        </table>
      </div>
      {fits.length > SHOWN && <p class="faint">the first {SHOWN} of {whole(fits.length)}</p>}
    </div>
  );
}

const many = (n: number, word: string): string => `${whole(n)} ${word}${n === 1 ? '' : 's'}`;

const redundancySentence = ({ pairs, groups, spare, cut }: Redundant): string =>
  `${cut ? 'the strongest ' : ''}${many(pairs.length, 'pair')} in ${many(groups.length, 'group')}: ${cut ? 'at least ' : ''}${many(spare, 'unit')} could be spared`;

// Units that do the same: pairs above the chosen correlation, and what could be spared.
export function Redundancy(props: { found: Redundant; unknown: string; least: number; setLeast: (r: number) => void; chosen: number; choose: (unit: number) => void }) {
  const { found, least } = props, unit = (n: number) => <button type="button" class={`link${n === props.chosen ? ' chosen' : ''}`} onClick={() => props.choose(n)}>unit {n}</button>;
  return (
    <div>
      <label class="sp-slider">
        <span class="muted">|r| at least</span>
        <input class="slider" type="range" min={0.8} max={1} step={0.005} value={least} style={{ '--fill': `${((least - 0.8) / 0.2) * 100}%` }} aria-label="smallest correlation"
          onInput={e => props.setLeast(Number(e.currentTarget.value))} />
        <span class="number">{least.toFixed(3)}</span>
      </label>
      <p class="number" data-pairs={found.pairs.length} data-spare={found.spare}>
        {props.unknown || (!found.pairs.length ? 'No two units of this layer are that much alike.' : redundancySentence(found))}
      </p>
      <ul class="sp-pairs">{found.pairs.slice(0, SHOWN).map(p => <li key={`${p.a} ${p.b}`}>{unit(p.a)} <span class="faint">and</span> {unit(p.b)} <span class="number muted">r {number(p.r, 3)}</span></li>)}</ul>
      {found.pairs.length > SHOWN && <p class="faint">the strongest {SHOWN}</p>}
    </div>
  );
}
