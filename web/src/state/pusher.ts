// Samples pushed through the live network by hand. Two are in flight at most, the newest wins, at most 120 a second: however fast
// somebody draws, a safe point of the program answers two. The end of a stroke, which a person waits for, goes at once, beside them.
// While the run trains the last one is pushed again every second, so that the answer evolves.
//
//     idle --ask--> waiting (for the pace, for an answer) --> in flight --answer--> idle, or waiting when something newer was asked
//
// Without link or clock of its own (tests give theirs); a run's, on the page's link, is push.ts's.
import { signal, type Signal } from '@preact/signals';
import { decodeCapture, floats, type Capture } from '../link/capture';
import type { ErrorBody, PushAsk } from '../link/messages';
import { quantities } from '../link/tables';

export interface Shaped { shape: number[]; data: Float32Array }

export interface Answer {
  serial: number;                // of the ask that it answers
  step: number;
  output: Float32Array;
  truth: number;                 // -1 unknown
  input: Shaped | null;          // as the network saw it
  values: Map<number, Shaped>;   // activations on the way, by the layer's number
  capture: Capture;
  milliseconds: number;          // from the push to its answer
}

export const PACE_MS = 1000 / 120, AGAIN_MS = 1000, PATIENCE_MS = 15000, TOGETHER = 2; // in flight

export interface Clock { now(): number; after(ms: number, act: () => void): () => void }
export type SendPush = (ask: PushAsk, done: (bytes: ArrayBuffer | null, error?: ErrorBody) => void) => () => void;

const wall: Clock = {
  now: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};

// null: it holds no output.
export function answerOf(capture: Capture, serial: number, milliseconds: number): Answer | null {
  const answer: Answer = { serial, step: capture.step, output: new Float32Array(), truth: -1, input: null, values: new Map(), capture, milliseconds };
  for (const section of capture.sections) {
    const shaped = () => ({ shape: section.shape, data: floats(section) });
    if (section.quantity === quantities.output) answer.output = floats(section);
    else if (section.quantity === quantities.truth) answer.truth = Math.round(floats(section)[0] ?? -1);
    else if (section.quantity === quantities.input) answer.input = shaped();
    else if (section.quantity === quantities.value) answer.values.set(section.layer, shaped());
  }
  return answer.output.length ? answer : null;
}

export class Pusher {
  readonly answer: Signal<Answer | null> = signal(null);
  readonly error = signal('');
  readonly serial = signal(0);   // of the newest ask
  private wanted: PushAsk | null = null;
  private last: PushAsk | null = null;
  private flights = new Set<() => void>(); // each forgets its push
  private taken = 0;             // serial of the newest ask that is answered
  private sent = -Infinity;
  private again = false;
  private cancel: () => void = () => {};

  constructor(private send: SendPush, private clock: Clock = wall) {}

  // null: nothing is to be pushed any more, and the last answer goes.
  ask(what: PushAsk | null): void {
    this.last = this.wanted = what;
    this.serial.value = this.serial.peek() + 1;
    if (what) return this.pace();
    this.stop();
    this.answer.value = null;
    this.error.value = '';
  }

  // A stroke has ended: what is asked for now goes without waiting for the pace or those in flight.
  hurry(): void {
    if (this.wanted && this.flights.size <= TOGETHER) this.go();
  }

  // What was pushed last is pushed once more: the network is another one now.
  renew(): void {
    if (this.last) this.ask(this.last);
  }

  // Whether what was pushed last is pushed again and again.
  repeat(on: boolean): void {
    if (this.again === on) return;
    this.again = on;
    if (on) this.renew();
    else if (this.wanted === null) this.cancel();
  }

  stop(): void {
    this.cancel();
    for (const forget of this.flights) forget();
    this.flights.clear();
    this.wanted = null;
  }

  private pace(): void {
    if (this.flights.size >= TOGETHER) return;
    this.cancel();
    const wait = this.sent + PACE_MS - this.clock.now();
    if (wait <= 0) this.go();
    else this.cancel = this.clock.after(wait, () => this.go());
  }

  private go(): void {
    const what = this.wanted ?? this.last, serial = this.serial.peek(), began = this.clock.now();
    if (!what) return;
    this.cancel();
    this.wanted = null;
    this.sent = began;
    let unsend = () => {};
    const late = this.clock.after(PATIENCE_MS, () => (unsend(), done(null, { code: 'timeout', message: 'The network did not answer: its program is busy or holds elsewhere.' })));
    const forget = () => (late(), unsend());
    const done = (bytes: ArrayBuffer | null, error?: ErrorBody) => {
      if (!this.flights.delete(forget)) return;
      late();
      this.take(bytes, serial, this.clock.now() - began, error);
    };
    this.flights.add(forget);
    unsend = this.send(what, done);
  }

  private take(bytes: ArrayBuffer | null, serial: number, milliseconds: number, error?: ErrorBody): void {
    if (this.wanted) this.pace();
    else if (this.again && !this.flights.size) this.cancel = this.clock.after(Math.max(0, AGAIN_MS - milliseconds), () => this.go());
    if (serial < this.taken) return; // a newer one was faster
    this.taken = serial;
    const capture = bytes && decodeCapture(bytes), answer = capture && answerOf(capture, serial, milliseconds);
    if (answer) this.answer.value = answer;
    this.error.value = answer ? '' : error?.message ?? 'The answer cannot be read.';
  }
}
