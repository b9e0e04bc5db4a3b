// The view over the world: zoom and place, kept so that the network never leaves the window.
import type { Layout, Rect } from './layout';
import type { View } from './scene';

const ZOOM_MOST = 40;

export function fitted(layout: Layout, width: number, height: number): View {
  const zoom = Math.min(1, width / layout.width, height / layout.height);
  return { zoom, x: (width - layout.width * zoom) / 2, y: (height - layout.height * zoom) / 2 };
}

// As large as it was laid out, from its beginning.
export const beginning = (): View => ({ zoom: 1, x: 0, y: 0 });

const FIT_LEAST = 0.6, SEEN_LEAST = 0.06;

// All of it in sight; of a network so long that nothing could be told apart its beginning (the overview shows where that is).
export function inSightWhole(layout: Layout, width: number, height: number): View {
  const whole = fitted(layout, width, height);
  return whole.zoom >= SEEN_LEAST ? whole : beginning();
}

// Before anybody moves it: all of it where that is not too small, else its beginning.
export function atFirst(layout: Layout, width: number, height: number): View {
  const whole = fitted(layout, width, height);
  return !layout.vertical && whole.zoom >= FIT_LEAST ? whole : beginning();
}

const within = (at: number, size: number, room: number) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at)));

export function clamped(view: View, layout: Layout, width: number, height: number): View {
  const least = Math.min(1, width / layout.width, height / layout.height), zoom = Math.min(ZOOM_MOST, Math.max(least, view.zoom));
  return { zoom, x: within(view.x, layout.width * zoom, width), y: within(view.y, layout.height * zoom, height) };
}

// Zooms with one point of the screen held where it is.
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const zoom = view.zoom * factor;
  return { zoom, x: x - ((x - view.x) * zoom) / view.zoom, y: y - ((y - view.y) * zoom) / view.zoom };
}

export const moved = (view: View, dx: number, dy: number): View => ({ ...view, x: view.x + dx, y: view.y + dy });

export function inSight(rect: Rect, view: View, width: number, height: number, margin = 0): boolean {
  const x = rect.x * view.zoom + view.x, y = rect.y * view.zoom + view.y;
  return x + rect.w * view.zoom > -margin && x < width + margin && y + rect.h * view.zoom > -margin && y < height + margin;
}

// The least move that brings a rectangle into sight, with room around it.
export function reveal(rect: Rect, view: View, width: number, height: number, margin = 60): View {
  const shift = (at: number, size: number, room: number) => {
    if (at >= margin && at + size <= room - margin) return 0;
    if (size > room - 2 * margin) return room / 2 - (at + size / 2);
    return at < margin ? margin - at : room - margin - size - at;
  };
  return moved(view, shift(rect.x * view.zoom + view.x, rect.w * view.zoom, width), shift(rect.y * view.zoom + view.y, rect.h * view.zoom, height));
}
