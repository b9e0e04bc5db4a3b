// What is looked at, kept in the address (after #) so that a link shows the same: chosen runs, tab, axes, zoom, filter, panels.
// Defaults are left out. Encoding and decoding are pure (encodeView, decodeView); the signal is written by setView.
import { signal } from '@preact/signals';
import { decodeNetwork, encodeNetwork, PLAIN_NETWORK, type NetworkView } from './network-view';

export type Axis = 'step' | 'time' | 'epoch';
export interface Zoom { from: number; to: number }

// What a person changed on one panel.
export interface PanelView {
  log?: boolean;
  low?: number;                  // range of y by hand
  high?: number;
  outliers?: boolean;            // true: left out
  pinned?: boolean;
  hidden?: boolean;
}

export interface View {
  runs: string[];                // ids, in the order of their colours; '' where a colour is free
  tab: string;
  axis: Axis;
  smooth: number;                // 0 (off) .. 0.999
  filter: string;                // of panels
  zoom: Zoom | null;             // in units of the axis
  closed: string[];              // groups that are folded
  opened: string[];              // groups that are open though folded by default
  panels: Record<string, PanelView>;
  added: string[];               // panels made by hand: patterns of series
  full: string;                  // the panel that fills the page
  network: NetworkView;
}

export const DEFAULTS: View = {
  runs: [], tab: 'curves', axis: 'step', smooth: 0, filter: '', zoom: null, closed: [], opened: [], panels: {}, added: [], full: '',
  network: PLAIN_NETWORK,
};

const list = (items: string[]) => items.map(encodeURIComponent).join(',');
const unlist = (text: string) => (text === '' ? [] : text.split(',').map(part => decodeURIComponent(part)));
const finite = (text: string | undefined) => (text !== undefined && text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined);

function encodePanel(p: PanelView): string {
  const flags = (p.log === undefined ? '' : p.log ? 'l' : 'L') + (p.outliers ? 'o' : '') + (p.pinned ? 'p' : '') + (p.hidden ? 'h' : '');
  return p.low === undefined && p.high === undefined ? flags : `${flags}:${p.low ?? ''}:${p.high ?? ''}`;
}

function decodePanel(text: string): PanelView {
  const [flags, low, high] = text.split(':');
  const p: PanelView = {};
  if (flags.includes('l')) p.log = true;
  if (flags.includes('L')) p.log = false;
  if (flags.includes('o')) p.outliers = true;
  if (flags.includes('p')) p.pinned = true;
  if (flags.includes('h')) p.hidden = true;
  if (finite(low) !== undefined) p.low = finite(low);
  if (finite(high) !== undefined) p.high = finite(high);
  return p;
}

export function encodeView(view: View): string {
  const parts: string[] = [];
  const put = (key: string, value: string) => value !== '' && parts.push(`${key}=${value}`);
  put('runs', list(view.runs));
  if (view.tab !== DEFAULTS.tab) put('tab', encodeURIComponent(view.tab));
  if (view.axis !== DEFAULTS.axis) put('x', view.axis);
  if (view.smooth !== DEFAULTS.smooth) put('smooth', String(view.smooth));
  put('filter', encodeURIComponent(view.filter));
  if (view.zoom) put('zoom', `${view.zoom.from}:${view.zoom.to}`);
  put('closed', list(view.closed));
  put('opened', list(view.opened));
  put('added', list(view.added));
  put('full', encodeURIComponent(view.full));
  const changed = Object.entries(view.panels).map(([name, p]) => [name, encodePanel(p)]).filter(([, code]) => code !== '');
  put('panels', changed.map(([name, code]) => `${encodeURIComponent(name)}~${code}`).join(','));
  for (const [key, value] of encodeNetwork(view.network)) put(key, value);
  return parts.join('&');
}

// Whatever an address holds gives a view: what is not understood is left at its default.
export function decodeView(hash: string): View {
  const view: View = { ...DEFAULTS, panels: {} };
  for (const part of hash.replace(/^#/, '').split('&')) {
    const cut = part.indexOf('=');
    if (cut < 0) continue;
    try {
      decodePart(view, part.slice(0, cut), part.slice(cut + 1));
    } catch { /* broken percent codes: left at the default */ }
  }
  return view;
}

function decodePart(view: View, key: string, value: string): void {
  switch (key) {
    case 'runs': view.runs = unlist(value); break;
    case 'tab': view.tab = decodeURIComponent(value); break;
    case 'x': if (value === 'step' || value === 'time' || value === 'epoch') view.axis = value; break;
    case 'smooth': view.smooth = Math.min(0.999, Math.max(0, finite(value) ?? 0)); break;
    case 'filter': view.filter = decodeURIComponent(value); break;
    case 'zoom': {
      const [from, to] = value.split(':').map(finite);
      if (from !== undefined && to !== undefined && to > from) view.zoom = { from, to };
      break;
    }
    case 'closed': view.closed = unlist(value); break;
    case 'opened': view.opened = unlist(value); break;
    case 'added': view.added = unlist(value); break;
    case 'full': view.full = decodeURIComponent(value); break;
    case 'panels':
      for (const item of value.split(',')) {
        const cut = item.lastIndexOf('~');
        if (cut > 0) view.panels[decodeURIComponent(item.slice(0, cut))] = decodePanel(item.slice(cut + 1));
      }
      break;
    default: view.network = decodeNetwork(view.network, key, value);
  }
}

const here = () => (typeof location === 'undefined' ? '' : location.hash);
export const view = signal<View>(decodeView(here()));

let writing = 0, written = here(); // the address as it was last read or written
export function setView(change: Partial<View>): void {
  view.value = { ...view.peek(), ...change };
  // Browsers limit how often the address may change: gather the changes of a drag.
  if (!writing) writing = window.setTimeout(writeAddress, 150);
}

function writeAddress(): void {
  writing = 0;
  if (here() !== written) return readAddress(); // somebody has gone elsewhere meanwhile
  const hash = encodeView(view.peek());
  history.replaceState(null, '', location.pathname + location.search + (hash ? '#' + hash : ''));
  written = here();
}

function readAddress(): void {
  written = here();
  view.value = decodeView(written);
}

export function setPanel(name: string, change: PanelView): void {
  const panels = view.peek().panels;
  setView({ panels: { ...panels, [name]: { ...panels[name], ...change } } });
}

export const setNetwork = (change: Partial<NetworkView>): void => setView({ network: { ...view.peek().network, ...change } });

// A link pasted into the open page.
if (typeof addEventListener !== 'undefined') addEventListener('hashchange', () => here() !== written && readAddress());
