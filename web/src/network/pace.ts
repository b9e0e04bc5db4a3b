// How many lines a pair of layers may have, by what drawing them was measured to cost: cut at once where it is slow, given back
// slowly, so that the picture does not tremble. One pace for a picture at rest (lines are drawn when links change, not with
// every state), one for a picture that is moved (drawn with every frame).
const GROW_AFTER_MS = 6000, SAMPLE_EVERY_MS = 300;

export class Pace {
  private seen = 0;
  private cutAt = -Infinity;
  private sampledAt = -Infinity;

  constructor(private slow: number, private least: number, private allowed = Infinity) {}

  lines(wanted: number): number { return Math.max(0, Math.min(wanted, Math.round(this.allowed))); }

  // Whether this draw is to be measured to its end; seldom, because the measuring itself waits.
  due(now: number): boolean {
    if (now - this.sampledAt < SAMPLE_EVERY_MS) return false;
    this.sampledAt = now;
    return true;
  }

  // A draw with `lines` a pair took that long. True: another number holds from now on.
  note(milliseconds: number, lines: number, wanted: number, now: number): boolean {
    const before = this.lines(wanted);
    if (this.seen++ === 0) return false; // the first draw makes the shaders
    if (milliseconds > this.slow && lines > this.least) {
      this.allowed = Math.max(this.least, Math.min(lines, this.allowed) * Math.max(0.3, (0.8 * this.slow) / milliseconds));
      this.cutAt = now;
    } else if (milliseconds < this.slow / 3 && lines < wanted && now - this.cutAt > GROW_AFTER_MS) this.allowed *= 1.25, (this.cutAt = now);
    return this.lines(wanted) !== before;
  }
}
