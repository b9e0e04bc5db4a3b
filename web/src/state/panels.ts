// Which panels there are: scalar series of the chosen runs, grouped by prefix. Names of three parts or more share a panel where
// they differ in the part before the last only (layer/fc1/norm, layer/fc2/norm: the panel layer/*/norm). A person adds others
// by pattern. A panel's id is its pattern, which is what the address keeps.
import type { Series } from '../link/messages';

export interface PanelDef {
  id: string;
  title: string;
  group: string;
  series: string[];              // names, over all chosen runs
  unit: string;
  added: boolean;                // made by hand
}
export interface PanelGroup { name: string; panels: PanelDef[] }

const FIRST = ['train', 'training', 'val', 'valid', 'validation', 'eval', 'test'], LAST = ['nnscope', 'param', 'process', 'machine', 'system', 'gpu'];
const PLAIN = 'run'; // the group of names without a prefix

// `*` stands for anything, `,` separates alternatives.
export function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split(',').map(p => p.trim()).filter(Boolean);
  const tests = parts.map(p => new RegExp('^' + p.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*') + '$', 'i'));
  return name => tests.some(t => t.test(name));
}

// What a person types into a filter: a part of the name, or a pattern.
export function filterOf(text: string): (name: string) => boolean {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return () => true;
  if (/[*,]/.test(wanted)) return matcher(wanted.split(',').map(p => (p.includes('*') ? p : `*${p.trim()}*`)).join(','));
  const words = wanted.split(/\s+/);
  return name => words.every(w => name.toLowerCase().includes(w));
}

export function patternOf(name: string): string {
  const parts = name.split('/');
  if (parts.length < 3) return name;
  parts[parts.length - 2] = '*';
  return parts.join('/');
}

// What the library records by itself: below what the program says of its network.
export const isHousekeeping = (group: string): boolean => LAST.includes(group);

const rank = (group: string) => {
  const first = FIRST.indexOf(group), last = LAST.indexOf(group);
  return first >= 0 ? first - 100 : last >= 0 ? 100 + last : 0;
};
const groupOf = (name: string) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : PLAIN);
const titleOf = (id: string, series: string[]) => (series.length === 1 ? series[0] : id.replace('*/', ''));

export function panelsOf(lists: readonly (readonly Series[])[], added: readonly string[]): PanelGroup[] {
  const byPattern = new Map<string, Map<string, Series>>(), all = new Map<string, Series>();
  for (const list of lists) for (const s of list) {
    if (s.kind !== 'scalar') continue;
    all.set(s.name, s);
    const pattern = patternOf(s.name), panel = byPattern.get(pattern);
    if (panel) panel.set(s.name, s);
    else byPattern.set(pattern, new Map([[s.name, s]]));
  }
  const groups = new Map<string, PanelDef[]>();
  const put = (p: PanelDef) => void (groups.get(p.group)?.push(p) ?? groups.set(p.group, [p]));
  for (const [id, members] of byPattern) {
    const series = [...members.keys()];
    put({ id, title: titleOf(id, series), group: groupOf(id), series, unit: members.get(series[0])?.unit ?? '', added: false });
  }
  for (const id of added) {
    const test = matcher(id), series = [...all.keys()].filter(test);
    put({ id: '+' + id, title: id, group: 'made by hand', series, unit: '', added: true });
  }
  return [...groups].map(([name, panels]) => ({ name, panels }))
    .sort((a, b) => Number(b.panels[0].added) - Number(a.panels[0].added) || rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

// What distinguishes a series within its panel.
export function leafOf(panel: PanelDef, series: string): string {
  if (panel.added || panel.series.length === 1) return panel.added ? series : series.slice(series.lastIndexOf('/') + 1);
  const parts = series.split('/');
  return parts[parts.length - 2] ?? series;
}
