// How many lines a pair of layers may have, by what drawing them was measured to cost: cut where it is slow, given back slowly,
// so that the picture does not tremble. One slow draw among quick ones says nothing of the lines (the machine did something else):
// the quicker of the last two counts. One pace for a picture at rest (lines are drawn when links change, not with every state),
// one for a picture that is moved (drawn with every frame).
const GROW_AFTER_MS = 3000, SAMPLE_EVERY_MS = 300, GROW = 1.25;

export class Pace {
  private last: { milliseconds: number; lines: number } | null = null;
  private first = true;
  private changedAt = -Infinity;
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
    if (this.first) return (this.first = false); // it made the shaders
    const before = this.lines(wanted), took = this.last?.lines === lines ? Math.min(milliseconds, this.last.milliseconds) : milliseconds > 3 * this.slow ? milliseconds : 0;
    this.last = { milliseconds, lines };
    if (took > this.slow && lines > this.least) this.change(Math.max(this.least, Math.min(lines, this.allowed) * Math.max(0.3, (0.8 * this.slow) / took)), now);
    else if (took > 0 && took * GROW < 0.8 * this.slow && lines < wanted && now - this.changedAt > GROW_AFTER_MS) this.change(this.allowed * GROW, now);
    return this.lines(wanted) !== before;
  }

  private change(allowed: number, now: number): void {
    this.allowed = allowed;
    this.changedAt = now;
  }
}
