// The static picture: the whole network with its strongest links, words and legend, as SVG or PNG.
import type { Mode } from '../look/ramps';
import { compose } from './compose';
import { Content } from './content';
import { layoutOf } from './layout';
import { weightShape } from './lines';
import { legendOf, stripOf, type LegendEntry } from './legend';
import type { Drawn, Look, NetworkModel, NetworkState } from './model';
import { paintOverlay } from './overlay';
import { paintScene } from './paint';
import { canvasPen, svgPen, type Pen } from './pen';
import { inkOf, lineColour, type Scene } from './scene';
import { sentenceOf } from './summary';

const LEGEND_WIDTH = 310, LEGEND_HEIGHT = 52, LEGENDS_MOST = 24, SIDE_MOST = 16384;

interface Size { width: number; height: number }

interface Sheet { width: number; height: number; background: string; title: string; paint(pen: Pen): void }

function paintEntry(entry: LegendEntry, x: number, y: number, scene: Scene, pen: Pen): void {
  const { ink, mode } = scene, w = LEGEND_WIDTH - 40;
  pen.text(entry.title, x, y, { size: 11, colour: ink.text2, align: 'left' });
  if (entry.kind === 'lines') {
    for (const sign of [-1, 1]) {
      const middle = y + 17 + 5 * sign;
      pen.polygon([x, middle - 0.4, x + w, middle - 1.2, x + w, middle + 1.2, x, middle + 0.4], lineColour(mode, 0.8, sign));
    }
  } else pen.image(stripOf(entry.scale, mode), 256, 1, { x, y: y + 12, w, h: 10 });
  const last = entry.ticks.length - 1;
  entry.ticks.forEach((tick, i) => pen.text(tick.text, x + tick.at * w, y + 33, { size: 10, colour: ink.text3, align: i === 0 ? 'left' : i === last ? 'right' : 'center' }));
}

function sheetOf(model: NetworkModel, state: NetworkState, look: Look, mode: Mode, size: Size): Sheet {
  const weights: (number[] | undefined)[] = [];
  for (const link of state.links) weights[link.layer] ??= weightShape(link) ?? undefined;
  const layout = layoutOf(model, { ...size, matrices: look.links === 'matrices', weights }), content = new Content(model, layout, state, look);
  const { scene, boxes } = compose(content, { mode, width: layout.width, height: layout.height, ratio: 1, view: { zoom: 1, x: 0, y: 0 }, most: look.strongest, chosen: [] });
  const drawn: Drawn = { layers: content.drawnLayers(), pairs: content.drawnPairs(look.strongest), filters: content.drawnFilters(), strongest: look.strongest, milliseconds: 0, how: 'canvas', why: '' };
  const legend = legendOf(model, drawn, look.compare !== null).slice(0, LEGENDS_MOST), across = Math.max(1, Math.floor((layout.width - 32) / LEGEND_WIDTH));
  const height = layout.height + 20 + LEGEND_HEIGHT * Math.ceil(legend.length / across), measure = document.createElement('canvas').getContext('2d')!;
  const paint = (pen: Pen) => {
    paintScene(scene, pen);
    paintOverlay(scene, content, boxes, drawn.pairs, { chosen: [], hover: null }, pen, measure);
    legend.forEach((entry, i) => paintEntry(entry, 24 + (i % across) * LEGEND_WIDTH, layout.height + 16 + LEGEND_HEIGHT * Math.floor(i / across), scene, pen));
  };
  return { width: layout.width, height, background: inkOf(mode).bg, title: `${sentenceOf(model, drawn).replace(/ Arrow keys.*/, '')} Step ${state.step}.`, paint };
}

export function exportSvg(model: NetworkModel, state: NetworkState, look: Look, mode: Mode, size: Size): string {
  const sheet = sheetOf(model, state, look, mode, size), { pen, end } = svgPen();
  sheet.paint(pen);
  return end(sheet.width, sheet.height, sheet.background, sheet.title);
}

export function exportPng(model: NetworkModel, state: NetworkState, look: Look, mode: Mode, size: Size, scale: number): Promise<Blob> {
  const sheet = sheetOf(model, state, look, mode, size), canvas = document.createElement('canvas'), g = canvas.getContext('2d')!;
  const fitting = Math.min(scale, SIDE_MOST / sheet.width, SIDE_MOST / sheet.height);
  canvas.width = Math.round(sheet.width * fitting);
  canvas.height = Math.round(sheet.height * fitting);
  g.scale(fitting, fitting);
  g.fillStyle = sheet.background;
  g.fillRect(0, 0, sheet.width, sheet.height);
  sheet.paint(canvasPen(g));
  return new Promise((done, fail) => canvas.toBlob(blob => (blob ? done(blob) : fail(new Error('the picture could not be made'))), 'image/png'));
}
