// A panel as a picture (PNG) and as data (CSV, from the server: every point in sight, not what the page gathered).
import { getText, segment } from '../link/rest';
import { columnOf, type Curve } from './curve';
import type { Plot } from './plot';

export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob), link = document.createElement('a');
  link.href = address;
  link.download = name.replace(/[^\w.-]+/g, '_');
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export function savePicture(plot: Plot, title: string): void {
  const chart = plot.canvas;
  if (!chart) return;
  const { ink, curves } = plot.config, r = devicePixelRatio || 1, margin = 16 * r, line = 20 * r;
  const canvas = document.createElement('canvas'), g = canvas.getContext('2d')!;
  canvas.width = chart.width + 2 * margin;
  canvas.height = chart.height + 2 * margin + 2 * line + 8 * r;
  g.fillStyle = ink.surface;
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.fillStyle = ink.text;
  g.font = `600 ${14 * r}px system-ui, sans-serif`;
  g.fillText(title, margin, margin + 12 * r);
  g.font = `${12 * r}px system-ui, sans-serif`;
  let x = margin;
  for (const c of curves) {
    if (c.hidden || x > canvas.width - 60 * r) continue;
    g.fillStyle = c.stroke.colour;
    g.fillRect(x, margin + line + 2 * r, 10 * r, 10 * r);
    g.fillStyle = ink.text2;
    g.fillText(c.label, x + 15 * r, margin + line + 11 * r);
    x += g.measureText(c.label).width + 32 * r;
  }
  g.drawImage(chart, margin, margin + 2 * line);
  canvas.toBlob(blob => blob && save(blob, title + '.png'));
}

const csvText = (text: string) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

// One file; of several runs one below the other, with the run in the first column.
export async function saveData(plot: Plot, title: string, nameOf: (run: string) => string): Promise<void> {
  const { curves, axis, zoom } = plot.config, byRun = new Map<string, Curve[]>();
  for (const c of curves) if (!c.hidden) byRun.set(c.run, [...(byRun.get(c.run) ?? []), c]);
  const parts: string[] = [];
  for (const [run, list] of byRun) {
    const query = new URLSearchParams(list.map(c => ['series', c.series]));
    if (zoom) {
      const of = columnOf(list[0], axis);
      query.set('axis', axis === 'time' ? 'time' : 'step');
      query.set('from', String(Math.floor(of(zoom.from))));
      query.set('to', String(Math.ceil(of(zoom.to)) + 1));
    }
    const text = await getText(`runs/${segment(run)}/points?${query}`, 'text/csv');
    parts.push(byRun.size > 1 ? withRun(text, nameOf(run), parts.length === 0) : text);
  }
  save(new Blob(parts, { type: 'text/csv' }), title + '.csv');
}

function withRun(csv: string, name: string, heading: boolean): string {
  const [head, ...rows] = csv.replace(/\r?\n$/, '').split(/\r?\n/);
  return (heading ? `run,${head}\n` : '') + rows.map(row => `${csvText(name)},${row}\n`).join('');
}
