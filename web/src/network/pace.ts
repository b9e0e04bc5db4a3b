// How many lines a pair of layers may have, by what drawing them was measured to cost: some at first, soon all where drawing is
// quick; cut where it is slow and then given back slowly, so that the picture does not tremble. One slow draw among quick ones says
// nothing of the lines (the machine did something else): the quicker of the last two counts.
const GROW_AFTER_MS = 3000, SAMPLE_EVERY_MS = 300, GROW = 1.25, LEAP = 2, ROOM = 0.8;

export class Pace {
  private last: { milliseconds: number; lines: number } | null = null;
  private slowed = false;        // it was too much once: from then on carefully
  private changedAt = -Infinity;
  private sampledAt = -Infinity;

  constructor(private slow: number, private least: number, private allowed: number) {}

  lines(wanted: number): number { return Math.max(0, Math.min(wanted, Math.round(this.allowed))); }

  // So many are drawn anyway.
  raise(lines: number): void { this.allowed = Math.max(this.allowed, lines); }

  // Whether this draw is to be measured to its end; seldom, because the measuring itself waits. A new number of lines always.
  due(now: number, lines: number): boolean {
    if (this.last?.lines === lines && now - this.sampledAt < SAMPLE_EVERY_MS) return false;
    this.sampledAt = now;
    return true;
  }

  // A draw with `lines` a pair took that long. True: another number holds from now on.
  note(milliseconds: number, lines: number, wanted: number, now: number): boolean {
    const before = this.lines(wanted), first = !this.last, known = this.last?.lines === lines;
    const took = known ? Math.min(milliseconds, this.last!.milliseconds) : milliseconds > 3 * this.slow && !first ? milliseconds : 0;
    const quick = known ? took : first ? 0 : milliseconds; // the first one makes the shaders: it says nothing
    this.last = { milliseconds, lines };
    if (took > this.slow && lines > this.least) this.cut(Math.min(lines, this.allowed) * Math.max(0.3, (ROOM * this.slow) / took), now);
    else if (lines < wanted && lines >= this.allowed - 1) this.grow(quick, now);
    return this.lines(wanted) !== before;
  }

  private cut(allowed: number, now: number): void {
    this.slowed = true;
    this.change(Math.max(this.least, allowed), now);
  }

  private grow(took: number, now: number): void {
    if (!this.slowed && took * LEAP < ROOM * this.slow) this.change(this.allowed * LEAP, now);
    else if (took * GROW < ROOM * this.slow && now - this.changedAt > GROW_AFTER_MS) this.change(this.allowed * GROW, now);
  }

  private change(allowed: number, now: number): void {
    this.allowed = allowed;
    this.changedAt = now;
  }
}
