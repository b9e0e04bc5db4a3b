// What the picture is drawn with where there is no WebGL, and when it is exported: one set of strokes, on a canvas or as SVG.
export type Align = 'left' | 'center' | 'right';

export interface TextStyle { size: number; colour: string; align: Align; bold?: boolean; halo?: string } // halo: a rim that keeps words readable over lines

export interface Pen {
  disc(x: number, y: number, radius: number, fill: string): void;
  ring(x: number, y: number, radius: number, stroke: string, width: number): void;
  rect(x: number, y: number, w: number, h: number, fill: string): void;
  frame(x: number, y: number, w: number, h: number, stroke: string, width: number): void;
  path(points: readonly number[], stroke: string, width: number, opacity: number): void; // x y, then one cubic: 6 numbers; or lines of 2
  polygon(points: readonly number[], fill: string): void;
  image(rgba: Uint8ClampedArray, w: number, h: number, at: { x: number; y: number; w: number; h: number }): void;
  text(text: string, x: number, y: number, style: TextStyle): void;
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif';

export function canvasPen(g: CanvasRenderingContext2D): Pen {
  const circle = (x: number, y: number, r: number) => { g.beginPath(); g.arc(x, y, r, 0, 2 * Math.PI); };
  return {
    disc(x, y, r, fill) { circle(x, y, r); g.fillStyle = fill; g.fill(); },
    ring(x, y, r, stroke, width) { circle(x, y, r); g.strokeStyle = stroke; g.lineWidth = width; g.stroke(); },
    rect(x, y, w, h, fill) { g.fillStyle = fill; g.fillRect(x, y, w, h); },
    frame(x, y, w, h, stroke, width) { g.strokeStyle = stroke; g.lineWidth = width; g.strokeRect(x, y, w, h); },
    path(p, stroke, width, opacity) {
      g.globalAlpha = opacity; g.strokeStyle = stroke; g.lineWidth = width;
      g.beginPath();
      g.moveTo(p[0]!, p[1]!);
      if (p.length === 8) g.bezierCurveTo(p[2]!, p[3]!, p[4]!, p[5]!, p[6]!, p[7]!);
      else for (let i = 2; i < p.length; i += 2) g.lineTo(p[i]!, p[i + 1]!);
      g.stroke();
      g.globalAlpha = 1;
    },
    polygon(p, fill) {
      g.fillStyle = fill;
      g.beginPath();
      for (let i = 0; i < p.length; i += 2) g.lineTo(p[i]!, p[i + 1]!);
      g.fill();
    },
    image(rgba, w, h, at) {
      g.imageSmoothingEnabled = false;
      g.drawImage(canvasOf(rgba, w, h), at.x, at.y, at.w, at.h);
    },
    text(text, x, y, style) {
      g.font = `${style.bold ? '600 ' : ''}${style.size}px ${FONT}`;
      g.fillStyle = style.colour;
      g.textAlign = style.align;
      g.textBaseline = 'middle';
      if (style.halo) g.lineWidth = 3, (g.lineJoin = 'round'), (g.strokeStyle = style.halo), g.strokeText(text, x, y);
      g.fillText(text, x, y);
    },
  };
}

function canvasOf(rgba: Uint8ClampedArray, w: number, h: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = w;
  canvas.height = h;
  canvas.getContext('2d')!.putImageData(new ImageData(rgba as Uint8ClampedArray<ArrayBuffer>, w, h), 0, 0);
  return canvas;
}

const digits = (v: number) => String(Math.round(v * 100) / 100);
const escape = (text: string) => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');

export const imageAddress = (rgba: Uint8ClampedArray, w: number, h: number): string => canvasOf(rgba, w, h).toDataURL();

// `address` makes a data: address of an image (a canvas does it in a browser).
export function svgPen(address = imageAddress): { pen: Pen; end(width: number, height: number, background: string, title: string): string } {
  const out: string[] = [], anchor: Record<Align, string> = { left: 'start', center: 'middle', right: 'end' };
  const points = (p: readonly number[]) => Array.from({ length: p.length / 2 }, (_, i) => `${digits(p[2 * i]!)} ${digits(p[2 * i + 1]!)}`);
  const box = (x: number, y: number, w: number, h: number) => `x="${digits(x)}" y="${digits(y)}" width="${digits(w)}" height="${digits(h)}"`;
  const pen: Pen = {
    disc(x, y, r, fill) { out.push(`<circle cx="${digits(x)}" cy="${digits(y)}" r="${digits(r)}" fill="${fill}"/>`); },
    ring(x, y, r, stroke, width) { out.push(`<circle cx="${digits(x)}" cy="${digits(y)}" r="${digits(r)}" fill="none" stroke="${stroke}" stroke-width="${digits(width)}"/>`); },
    rect(x, y, w, h, fill) { out.push(`<rect ${box(x, y, w, h)} fill="${fill}"/>`); },
    frame(x, y, w, h, stroke, width) { out.push(`<rect ${box(x, y, w, h)} fill="none" stroke="${stroke}" stroke-width="${digits(width)}"/>`); },
    path(p, stroke, width, opacity) {
      const [first, ...rest] = points(p);
      const look = `stroke="${stroke}" stroke-width="${digits(width)}"${opacity < 1 ? ` opacity="${digits(opacity)}"` : ''}`;
      out.push(`<path d="M${first}${p.length === 8 ? 'C' : 'L'}${rest.join(' ')}" fill="none" ${look}/>`);
    },
    polygon(p, fill) { out.push(`<polygon points="${points(p).join(' ')}" fill="${fill}"/>`); },
    image(rgba, w, h, at) {
      out.push(`<image ${box(at.x, at.y, at.w, at.h)} preserveAspectRatio="none" image-rendering="pixelated" href="${address(rgba, w, h)}"/>`);
    },
    text(text, x, y, s) {
      const rim = s.halo ? ` stroke="${s.halo}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"` : '', bold = s.bold ? ' font-weight="600"' : '';
      const look = `font-size="${s.size}" fill="${s.colour}" text-anchor="${anchor[s.align]}"${bold}${rim} dominant-baseline="central"`;
      out.push(`<text x="${digits(x)}" y="${digits(y)}" ${look}>${escape(text)}</text>`);
    },
  };
  const end = (width: number, height: number, background: string, title: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="${digits(width)}" height="${digits(height)}" viewBox="0 0 ${digits(width)} ${digits(height)}" font-family="${escape(FONT)}">`
    + `<title>${escape(title)}</title><rect width="100%" height="100%" fill="${background}"/>${out.join('')}</svg>\n`;
  return { pen, end };
}

// Strokes that are noted, to be drawn later, or not at all when they are those that stand there.
export class Strokes {
  private calls: [keyof Pen, unknown[]][] = [];
  readonly pen: Pen;

  constructor() {
    const note = (name: keyof Pen) => (...given: unknown[]) => void this.calls.push([name, given]);
    this.pen = {
      disc: note('disc'), ring: note('ring'), rect: note('rect'), frame: note('frame'), path: note('path'), polygon: note('polygon'),
      image: note('image'), text: note('text'),
    };
  }

  get key(): string { return JSON.stringify(this.calls); }

  drawWith(pen: Pen): void {
    for (const [name, given] of this.calls) (pen[name] as (...given: unknown[]) => void)(...given);
  }
}
