// A JSON value as a tree of names and values; names with / are folded into branches.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export interface Branch { [name: string]: Json }

const DEPTH_MAX = 12, ITEMS_MAX = 500;

// {"a/b": 1, "a/c": 2} -> {"a": {"b": 1, "c": 2}}; a name that is both a value and a branch keeps both, the value under "".
export function unfold(flat: Record<string, unknown>): Branch {
  const tree: Branch = Object.create(null);
  for (const name of Object.keys(flat).sort()) {
    const parts = name.split('/').filter(part => part !== '').slice(0, DEPTH_MAX), last = parts.pop();
    if (last === undefined) continue;
    let at = tree;
    for (const part of parts) {
      const next = at[part];
      if (isBranch(next)) at = next;
      else at = at[part] = Object.assign(Object.create(null), next === undefined ? {} : { '': next }) as Branch;
    }
    const there = at[last];
    if (isBranch(there)) there[''] = flat[name] as Json;
    else at[last] = flat[name] as Json;
  }
  return tree;
}

export const isBranch = (v: unknown): v is Branch => v !== null && typeof v === 'object' && !Array.isArray(v);
const simple = (v: Json) => !isBranch(v) && !(Array.isArray(v) && v.some(item => item !== null && typeof item === 'object'));

export function words(v: Json): string {
  if (typeof v === 'string') return v;
  if (Array.isArray(v)) return v.map(words).join(', ');
  return v === null ? 'none' : typeof v === 'boolean' ? (v ? 'yes' : 'no') : String(v);
}

export function Fact({ name, value }: { name: string; value: Json }) {
  return (
    <div class="fact">
      <dt class="clip" title={name}>{name || '(itself)'}</dt>
      <dd>{words(value)}</dd>
    </div>
  );
}

export function Tree({ value, depth = 0 }: { value: Branch | Json[]; depth?: number }) {
  const items = Object.entries(value as Branch).slice(0, ITEMS_MAX), left = Object.keys(value).length - items.length;
  return (
    <dl class="facts-tree">
      {items.map(([name, v]) => (simple(v) || depth >= DEPTH_MAX
        ? <Fact key={name} name={name} value={depth >= DEPTH_MAX && !simple(v) ? JSON.stringify(v) : v} />
        : <details key={name} open={depth < 2}><summary>{name}</summary><Tree value={v as Branch | Json[]} depth={depth + 1} /></details>))}
      {left > 0 && <p class="faint">and {left} more</p>}
    </dl>
  );
}
