// Pointer, wheel and keys on the picture. A press that hardly moves chooses; one that moves pans; two fingers zoom.
export interface Controls {
  hover(x: number, y: number): void;
  leave(): void;
  choose(x: number, y: number): void;
  pan(dx: number, dy: number): boolean;       // false: there is nothing to pan, the page may scroll
  zoom(factor: number, x: number, y: number): void;
  strip(x: number, y: number): boolean;       // a press into the overview
  key(key: string): boolean;                  // true: it was taken
}

const STILL = 4;

export function attach(root: HTMLElement, controls: Controls): () => void {
  const down = new Map<number, { x: number; y: number }>(), off = new AbortController(), on = { signal: off.signal };
  let moved = 0, onStrip = false;
  const place = (event: PointerEvent | WheelEvent) => {
    const rect = root.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  };

  root.addEventListener('pointerdown', event => {
    if (event.button > 0) return;
    const at = place(event);
    down.set(event.pointerId, at);
    if (down.size === 1) moved = 0, (onStrip = controls.strip(at.x, at.y));
    if (event.pointerType !== 'mouse' && !onStrip) return;
    root.setPointerCapture(event.pointerId);
  }, on);
  root.addEventListener('pointermove', event => {
    const at = place(event), from = down.get(event.pointerId);
    if (!from) return controls.hover(at.x, at.y);
    if (onStrip) return void controls.strip(at.x, at.y);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) controls.zoom(Math.hypot(at.x - other.x, at.y - other.y) / Math.max(1, Math.hypot(from.x - other.x, from.y - other.y)), (at.x + other.x) / 2, (at.y + other.y) / 2);
    moved += Math.hypot(at.x - from.x, at.y - from.y);
    if (moved > STILL) controls.leave(); // what was under the pointer goes on its way
    if (!other && moved > STILL) controls.pan(at.x - from.x, at.y - from.y);
    down.set(event.pointerId, at);
  }, on);
  const up = (event: PointerEvent) => {
    const from = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (!from || event.type !== 'pointerup' || onStrip || down.size > 0) return;
    if (moved <= STILL) controls.choose(from.x, from.y);
    else if (event.pointerType === 'mouse') controls.hover(from.x, from.y);
  };
  root.addEventListener('pointerup', up, on);
  root.addEventListener('pointercancel', up, on);
  root.addEventListener('pointerleave', () => controls.leave(), on);
  root.addEventListener('wheel', event => {
    const at = place(event), lines = event.deltaMode === 1 ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      controls.zoom(Math.exp(-event.deltaY * lines * 0.0035), at.x, at.y);
    } else if (controls.pan(-event.deltaX * lines, -event.deltaY * lines)) {
      event.preventDefault();
      controls.hover(at.x, at.y);
    }
  }, { signal: off.signal, passive: false });
  root.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !controls.key(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }, on);
  return () => off.abort();
}
