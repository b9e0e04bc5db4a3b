// How many units carry each mark.
import { MARK } from '../link/capture';

export interface MarkCounts { dead: number; saturated: number; young: number; judged: number } // judged: has marks and is not young

export function countMarks(marks: Uint8Array | undefined, units: number): MarkCounts {
  const counts = { dead: 0, saturated: 0, young: 0, judged: 0 };
  for (let i = 0; marks && i < Math.min(units, marks.length); i++) {
    if (marks[i]! & MARK.dead) counts.dead++;
    if (marks[i]! & MARK.saturated) counts.saturated++;
    if (marks[i]! & MARK.young) counts.young++;
    else counts.judged++;
  }
  return counts;
}
