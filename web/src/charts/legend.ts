// Values in legends: written together a few times a second, as fast as one reads. The curves are drawn far more often, and
// each change of text costs styles, layout and paint of the page around it.
import { drawSoon } from './frame';

const EVERY_MS = 100, MANY = 16, EVERY_MS_MANY = 250;

export type Write = () => void;
const waiting = new Set<Write>();
let timer = 0, before = 0;         // written last time

const writer = {
  draw(): void {
    before = waiting.size;
    for (const write of waiting) write();
    waiting.clear();
  },
};

export function writeSoon(write: Write): void {
  waiting.add(write);
  timer ||= window.setTimeout(() => {
    timer = 0;
    drawSoon(writer);
  }, before > MANY ? EVERY_MS_MANY : EVERY_MS);
}

export function forgetWrite(write: Write): void {
  waiting.delete(write);
}
