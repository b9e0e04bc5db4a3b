// While a person moves something: how many charts of a round are drawn in a frame that comes so long after the one before, so that
// a round takes ROUND_MS, and a slow page draws no more at once than MOST.
const ROUND_MS = 80, MOST = 8;
export const portion = (round: number, passed: number): number => Math.min(MOST, Math.max(1, Math.ceil((round * passed) / ROUND_MS)));
