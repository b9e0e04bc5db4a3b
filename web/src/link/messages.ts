// What travels on the live link (WS api/v1/live) and in REST answers: the JSON forms. Words of messages, events, states and
// commands come from the tables (tables.ts). Numbers that JSON cannot carry are the texts "NaN", "Infinity", "-Infinity".
import type { commandVerbs, eventTypes, runStates } from './tables';

export type RunState = (typeof runStates)[number];
export type EventType = keyof typeof eventTypes;
export type CommandVerb = keyof typeof commandVerbs | 'undo';
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';

export const numberOf = (value: JsonNumber | null | undefined): number => (value === null || value === undefined ? NaN : Number(value));

// The series that stands for the run in lists; `spark` is its course in at most 32 means.
export interface MainSeries { series: string; last: JsonNumber | null; best: JsonNumber | null; spark: (JsonNumber | null)[] }

// salvageable false: no shared memory could be had, a kill may lose the last 8 ms.
export interface Process { id: string; rank: number; host: string | null; pid: number; state: string; salvageable?: boolean }

// As src/server/run_json.c writes it. Times are ISO texts, null: not yet.
export interface Run {
  id: string;
  name: string;
  project: string;
  group?: string | null;
  state: RunState;
  last_step: number;             // -1: none yet
  tags?: string[];
  notes?: string;
  created?: string | null;
  started?: string | null;
  ended?: string | null;
  attempt?: number;
  epoch?: number;
  total_steps?: number;          // 0: unknown
  steps_per_s?: number;          // pauses left out
  eta_s?: number | null;
  step_share?: number;           // of step time spent in nnscope, 0..1
  helper_share?: number;
  dropped?: number;
  failed_bytes?: number;
  exit?: number | null;          // null: not over, or gone without a word
  paused_s?: number;
  points?: number;
  processes?: Process[];
  main?: MainSeries | null;
  needs?: string;                // a newer version that could read it
  facts?: Record<string, unknown>; // in GET runs/ID and in a watch
}

export interface Series {
  name: string;
  kind: 'scalar' | 'histogram' | 'text' | 'image' | 'sample' | 'confusion';
  unit?: string | null;
  better?: 'lower' | 'higher' | 'neither';
  points?: number;
  last_step?: number;
  last?: JsonNumber | null;
  best?: JsonNumber | null;
  best_step?: number | null;
}

export interface Parameter {
  name: string;
  type: 'float' | 'int' | 'bool' | 'choice' | 'text';
  value: JsonNumber | boolean | string;
  min?: JsonNumber | null;
  max?: JsonNumber | null;
  log?: boolean;
  read_only?: boolean;
  unit?: string | null;
  description?: string | null;
  choices?: string[];
  changed_step?: number | null;  // at which it took its value; null: as declared
  changed_by?: string | null;    // an author, or "program"
}

export type Changes = Record<string, { from?: JsonNumber | boolean | string | null; to?: JsonNumber | boolean | string | null }>;

export interface RunEvent {
  number: number;
  step: number;
  time: number;                  // wall time in seconds
  type: EventType;
  text?: string;                 // a sentence or a word, for marks
  values?: Changes;              // parameters that changed
  detail?: Record<string, unknown>;
  author?: string;
  from?: string;                 // page, api, command line
  command?: string;
}

export type CommandState = 'asked' | 'applied' | 'refused' | 'expired';
export interface Command {
  id: string;
  type: CommandVerb;
  state: CommandState;
  step?: number | null;          // at which it took effect
  asked?: string | number | null;    // wall times
  applied?: string | number | null;
  values?: Changes | null;
  steps?: number;
  author?: string | null;
  from?: string | null;          // page, api, command line
  reason?: ErrorBody | null;     // of a refusal
  undoes?: string;
}

// pin: name with sample or input (values of the network's input, as its shape says; both: the sample looks like that); unpin: name.
export interface CommandRequest {
  type: CommandVerb;
  name?: string;
  sample?: number;
  input?: number[];
  parameter?: string;
  value?: JsonNumber | boolean | string;
  values?: Record<string, JsonNumber | boolean | string>;
  steps?: number;
  command?: string;
}

export interface MediaItem {
  number?: number;
  series: string;
  kind: 'histogram' | 'text' | 'image' | 'sample' | 'confusion';
  step: number;
  time: number;                  // wall time in seconds
  url?: string;                  // an image's bytes
  data?: unknown;                // {low, high, counts} | text | {width, height, format, caption} | {width, height, truth, probabilities, pixels} | {classes, counts, words}
}

export interface ErrorBody { code: string; message: string; [detail: string]: unknown }

// What `run` messages of a watch carry: whatever changed.
export interface WatchUpdate {
  id: number;
  run?: Run;
  series?: Series[];
  parameters?: Parameter[];
  events?: RunEvent[];
  commands?: Command[];
  media?: MediaItem[];
  log?: { process?: string; offset: number; next: number; size?: number; text: string };
}

export type FromServer =
  | { type: 'hello'; version: string; build?: string | null; address?: string | null; name?: string; scopes?: string[]; time_ms?: number }
  | { type: 'runs'; runs: Run[]; gone?: string[] }
  | ({ type: 'run' } & WatchUpdate)
  | { type: 'answer'; id: number; command?: Command; error?: ErrorBody }
  | { type: 'pong'; id: number; time?: number }
  | { type: 'error'; id?: number; error: ErrorBody };

export type LookWord = 'units' | 'weights' | 'gradients' | 'updates' | 'outcome' | 'classes' | 'correlation' | 'values' | 'matrices';

// What a page wants to see inside the network, until unlook. Captures come with the id of the look as their number.
export interface LookAsk {
  what: LookWord[];
  rate?: number;                 // units a second
  links_rate?: number;           // weights, gradients, updates a second
  strongest?: number;            // links of a pair of layers
  units?: [string, number][];    // layer and unit that are looked at closely
}

// A sample pushed through the network by hand: values, or the number of one of the program's own.
export type PushAsk = { input: number[] } | { sample: number };

export interface Range { axis?: 'step' | 'time'; from?: number; to?: number; buckets?: number; attempts?: 'all' }

export type ToServer =
  | { type: 'watch_runs' }
  | ({ type: 'subscribe'; id: number; run: string; series: string[]; rate?: number } & Range)
  | { type: 'unsubscribe'; id: number }
  | { type: 'watch'; id: number; run: string }
  | { type: 'unwatch'; id: number }
  | ({ type: 'query'; id: number; run: string; series: string[] } & Range)
  | { type: 'command'; id: number; run: string; command: CommandRequest }
  | ({ type: 'look'; id: number; run: string } & LookAsk)
  | { type: 'unlook'; id: number }
  | ({ type: 'push'; id: number; run: string } & PushAsk)
  | { type: 'ping'; id: number };
