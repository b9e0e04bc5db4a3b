// What an event says in a few words, and its tone: the colour of its dot here and of its mark on charts.
import type { EventType, RunEvent } from '../../link/messages';
import { whole } from '../../look/format';
import { changesOf } from '../steer/ask';
import { changeWords } from '../steer/words';

export type Tone = 'act' | 'program' | 'hold' | 'good' | 'bad' | 'plain';

const TONES: Record<EventType, Tone> = {
  mark: 'plain', parameter: 'act', program: 'program', paused: 'hold', resumed: 'good', stopping: 'bad', attempt: 'hold',
  started: 'good', ended: 'plain', lost: 'bad', refused: 'bad', trouble: 'bad', nonfinite: 'bad',
};

export const toneOf = (event: RunEvent): Tone => TONES[event.type] ?? 'plain';

const detailOf = (event: RunEvent, name: string): string => String(event.detail?.[name] ?? '');

export function eventWords(event: RunEvent): string {
  const changes = changesOf(event.values).map(c => `${c.name} ${changeWords(c)}`).join(', ');
  const text = event.text ?? '';
  switch (event.type) {
    case 'mark': return text || 'mark';
    case 'parameter': return changes || text || 'parameter';
    case 'program': return `${changes || text || 'parameter'} by the program`;
    case 'attempt': return text || `went back to step ${whole(event.step)}`;
    case 'nonfinite': return `NaN or infinite: ${text || detailOf(event, 'where')}`;
    case 'trouble': return text || [detailOf(event, 'what'), detailOf(event, 'where')].filter(Boolean).join(': ') || 'trouble';
    case 'refused': return text ? `refused: ${text}` : 'refused';
    case 'lost': return text || 'something was lost';
    default: return text && text !== event.type ? `${event.type}: ${text}` : event.type;
  }
}

export const whenWords = (event: RunEvent): string => (event.step >= 0 ? `step ${whole(event.step)}` : 'before the first step');
