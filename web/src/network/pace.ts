// How many lines a pair of layers may have, by what drawing was measured to cost: cut at once where it is slow, given back
// slowly, so that the picture does not tremble.
const SLOW_MS = 14, FAST_MS = 5, LEAST = 150, GROW_AFTER_MS = 8000, SAMPLE_EVERY_MS = 700;

export class Pace {
  private cutAt = -Infinity;
  private sampledAt = -Infinity;
  private allowed = Infinity;

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
    if (milliseconds > SLOW_MS && lines > LEAST) {
      this.allowed = Math.max(LEAST, Math.min(lines, this.allowed) * Math.max(0.3, (0.8 * SLOW_MS) / milliseconds));
      this.cutAt = now;
    } else if (milliseconds < FAST_MS && lines < wanted && now - this.cutAt > GROW_AFTER_MS) this.allowed *= 1.25, (this.cutAt = now);
    return this.lines(wanted) !== before;
  }
}
