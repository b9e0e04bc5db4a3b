// Values in legends: written a few times a second, as fast as one reads, a part of many panels at a time. The curves are drawn far
// more often, and each change of text costs styles, layout and paint of the page around it, for which input would wait.
import { drawSoon } from './frame';

const EVERY_MS = 100, AT_ONCE = 8;

export type Write = () => void;
const waiting = new Set<Write>();
let timer = 0;

const writer = {
  draw(): void {
    let left = AT_ONCE;
    for (const write of waiting) {
      if (left-- === 0) return later();
      waiting.delete(write);
      write();
    }
  },
};

function later(): void {
  timer ||= window.setTimeout(() => {
    timer = 0;
    drawSoon(writer);
  }, EVERY_MS);
}

export function writeSoon(write: Write): void {
  waiting.add(write);
  later();
}

export function forgetWrite(write: Write): void {
  waiting.delete(write);
}
