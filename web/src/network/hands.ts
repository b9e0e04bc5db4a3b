// What pointer, wheel and keys do to a picture.
import type { Content } from './content';
import { unitTarget } from './hit';
import type { Controls } from './input';
import { unitAt } from './layout';
import type { Target } from './model';
import { stripRect, viewFromStrip } from './overview';
import type { View } from './scene';
import { moved, reveal, zoomed } from './view';
import { firstUnit, walk } from './walk';

export interface Handled {
  ready(): Content | null;
  size(): { width: number; height: number };
  view(): View;
  chosen(): Target | null;
  hit(x: number, y: number): Target | null;
  hover(target: Target | null, x: number, y: number): void;
  choose(target: Target | null): void;
  move(view: View): void;
  fit(): void;
}

const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ZOOMS: Record<string, number> = { '+': 1.25, '=': 1.25, '-': 0.8 };
const NEAR = 4; // px around the overview that still belong to it

export function controlsOf(p: Handled): Controls {
  return {
    hover: (x, y) => p.hover(p.hit(x, y), x, y),
    leave: () => p.hover(null, 0, 0),
    choose: (x, y) => p.choose(p.hit(x, y)),
    pan: (dx, dy) => pan(p, dx, dy),
    zoom: (factor, x, y) => p.move(zoomed(p.view(), factor, x, y)),
    strip: (x, y) => pressStrip(p, x, y),
    key: key => pressKey(p, key),
  };
}

// A wheel that only turns up and down goes along a picture that only lies across.
function pan(p: Handled, dx: number, dy: number): boolean {
  const before = p.view(), layout = p.ready()?.layout;
  if (!layout) return false;
  const across = !layout.vertical && dx === 0 && layout.height * before.zoom <= p.size().height;
  p.move(across ? moved(before, dy, 0) : moved(before, dx, dy));
  return before.x !== p.view().x || before.y !== p.view().y;
}

function pressStrip(p: Handled, x: number, y: number): boolean {
  const content = p.ready(), { width, height } = p.size(), strip = content && stripRect(content, p.view(), width, height);
  if (!content || !strip) return false;
  if (x < strip.x - NEAR || y < strip.y - NEAR || x > strip.x + strip.w + NEAR || y > strip.y + strip.h + NEAR) return false;
  p.move(viewFromStrip(content, strip, p.view(), width, height, x, y));
  return true;
}

function pressKey(p: Handled, key: string): boolean {
  const arrow = ARROWS[key], factor = ZOOMS[key], { width, height } = p.size();
  if (arrow) return step(p, arrow);
  if (key === 'Escape' && p.chosen()) p.choose(null);
  else if (factor) p.move(zoomed(p.view(), factor, width / 2, height / 2));
  else if (key === '0') p.fit();
  else return false;
  return true;
}

function step(p: Handled, [dx, dy]: [number, number]): boolean {
  const content = p.ready(), chosen = p.chosen(), { width, height } = p.size();
  const at = content && (chosen?.kind === 'unit' ? walk(content.layout, chosen, dx, dy) : firstUnit(content.layout));
  if (!at) return false;
  p.choose(unitTarget(content, at.layer, at.unit));
  const [x, y] = unitAt(content.layout.boxes[at.layer]!, at.unit);
  p.move(reveal({ x, y, w: 1, h: 1 }, p.view(), width, height));
  return true;
}
