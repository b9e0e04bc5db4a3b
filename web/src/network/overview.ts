// A strip with the whole network, where it is longer than the window: what is in sight is framed, a press moves there.
import type { Content } from './content';
import type { Rect } from './layout';
import type { Pen } from './pen';
import type { Scene, View } from './scene';

export const STRIP = 30;

// Where the strip stands; null: all is in sight.
export function stripRect(content: Content, view: View, width: number, height: number): Rect | null {
  const { layout } = content, long = layout.vertical ? layout.height * view.zoom > height + 1 : layout.width * view.zoom > width + 1;
  if (!long) return null;
  return layout.vertical ? { x: width - 14, y: 8, w: 8, h: height - 16 } : { x: 16, y: height - STRIP, w: width - 32, h: STRIP - 8 };
}

export function paintOverview(scene: Scene, content: Content, strip: Rect, pen: Pen): void {
  const { layout } = content, { view, ink } = scene, sx = strip.w / layout.width, sy = strip.h / layout.height;
  pen.rect(strip.x, strip.y, strip.w, strip.h, ink.surface);
  let last = -2;
  for (const box of layout.boxes) {
    const x = strip.x + box.x * sx, y = strip.y + box.y * sy, at = Math.round(layout.vertical ? y : x);
    if (at === last) continue;
    last = at;
    pen.rect(x, y, Math.max(1, box.w * sx), Math.max(1, box.h * sy), ink.lineStrong);
  }
  const left = strip.x + (-view.x / view.zoom) * sx, top = strip.y + (-view.y / view.zoom) * sy;
  const frame = layout.vertical
    ? { x: strip.x, y: top, w: strip.w, h: (scene.height / view.zoom) * sy }
    : { x: left, y: strip.y, w: (scene.width / view.zoom) * sx, h: strip.h };
  pen.frame(frame.x + 0.5, frame.y + 0.5, Math.max(3, frame.w - 1), Math.max(3, frame.h - 1), ink.accent, 1.5);
}

// The view with the pressed place of the strip in the middle of the window.
export function viewFromStrip(content: Content, strip: Rect, view: View, width: number, height: number, x: number, y: number): View {
  const { layout } = content;
  if (layout.vertical) return { ...view, y: height / 2 - ((y - strip.y) / strip.h) * layout.height * view.zoom };
  return { ...view, x: width / 2 - ((x - strip.x) / strip.w) * layout.width * view.zoom };
}
