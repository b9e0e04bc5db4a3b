// The live link: one WebSocket to api/v1/live. Keeps what was asked for (subscriptions, watches) and asks again after a
// break; ordinals in the frames make that exact (state/points.ts). The wait between attempts grows from 0.25 s to 8 s.
//
//     closed --open--> connecting --hello--> up --break--> waiting --time--> connecting ...
import { signal } from '@preact/signals';
import { captureNumber, decode, SNAPSHOT, type Frame } from './columns';
import type { Command, CommandRequest, ErrorBody, FromServer, LookAsk, PushAsk, Range, Run, ToServer, WatchUpdate } from './messages';

export interface LinkState {
  up: boolean;
  lostSince: number;             // wall time in ms; 0: not lost
  nextTry: number;               // wall time of the next attempt
  signedOut: boolean;            // the server wants a token
}

export class CommandError extends Error {
  constructor(readonly body: ErrorBody) { super(body.message); }
}

interface Kept { ask: () => ToServer; drop: ToServer; frame?: (f: Frame) => void; capture?: (bytes: ArrayBuffer) => void; update?: (u: WatchUpdate) => void; error?: (e: ErrorBody) => void }
type Pushed = (bytes: ArrayBuffer | null, error?: ErrorBody) => void;
type Answer = { resolve: (c: Command) => void; reject: (e: Error) => void };

const PING_MS = 20000, SILENCE_MS = 45000, FIRST_WAIT_MS = 250, LONGEST_WAIT_MS = 8000;

export class Link {
  readonly state = signal<LinkState>({ up: false, lostSince: 0, nextTry: 0, signedOut: false });
  readonly hello = signal<{ version: string; name: string; scopes: string[]; address: string } | null>(null); // address: for other machines
  readonly outdated = signal(false); // the server has another build of the page than the one that runs here
  onRuns: (runs: Run[], gone: string[]) => void = () => {};
  onLive: (frame: Frame) => void = () => {};

  private socket: WebSocket | null = null;
  private kept = new Map<number, Kept>();
  private queries = new Map<number, { ask: ToServer; done: (f: Frame | null, error?: ErrorBody) => void }>();
  private pushes = new Map<number, Pushed>();
  private answers = new Map<number, Answer>();
  private nextId = 1;
  private build = ''; // of the page, as the first hello said
  private wait = FIRST_WAIT_MS;
  private heard = 0;
  private timer = 0;
  private pings = 0;

  constructor(private address: string) {}

  open(): void {
    const socket = new WebSocket(this.address);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.opened();
    socket.onmessage = (e) => this.receive(e.data);
    socket.onclose = () => this.closed(socket);
    this.socket = socket;
    this.pings ||= window.setInterval(() => this.ping(), PING_MS);
  }

  // At once instead of after the wait (a click, the tab shown again, the network back).
  hurry(): void {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.wait = FIRST_WAIT_MS;
    this.open();
  }

  // Points of some series from now on: a snapshot frame, then live frames (which arrive at onLive).
  subscribe(run: string, series: string[], range: Range & { rate?: number }, frame: (f: Frame) => void, error?: (e: ErrorBody) => void): () => void {
    const id = this.nextId++;
    return this.keep(id, { ask: () => ({ type: 'subscribe', id, run, series, ...range }), drop: { type: 'unsubscribe', id }, frame, error });
  }

  // Everything about a run but its points, as it changes.
  watch(run: string, update: (u: WatchUpdate) => void): () => void {
    const id = this.nextId++;
    return this.keep(id, { ask: () => ({ type: 'watch', id, run }), drop: { type: 'unwatch', id }, update });
  }

  // One snapshot. Asked again by itself after a break; `null` with words when it cannot be had.
  query(run: string, series: string[], range: Range, done: (f: Frame | null, error?: ErrorBody) => void): () => void {
    const id = this.nextId++;
    const ask: ToServer = { type: 'query', id, run, series, ...range };
    this.queries.set(id, { ask, done });
    this.send(ask);
    return () => void this.queries.delete(id);
  }

  // Sees inside the network from now on: each capture as its bytes (link/capture.ts reads them).
  look(run: string, ask: LookAsk, capture: (bytes: ArrayBuffer) => void, error?: (e: ErrorBody) => void): () => void {
    const id = this.nextId++;
    return this.keep(id, { ask: () => ({ type: 'look', id, run, ...ask }), drop: { type: 'unlook', id }, capture, error });
  }

  // Pushes one sample through the network: one capture, or `null` with words. Never asked again: the newest counts.
  push(run: string, ask: PushAsk, done: Pushed): () => void {
    const id = this.nextId++;
    if (this.send({ type: 'push', id, run, ...ask })) this.pushes.set(id, done);
    else done(null, { code: 'unreachable', message: 'not sent: the connection is lost' });
    return () => void this.pushes.delete(id);
  }

  // Resolves when the command took effect; rejects with the reason when it was refused.
  command(run: string, command: CommandRequest): Promise<Command> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (!this.send({ type: 'command', id, run, command }))
        return reject(new CommandError({ code: 'unreachable', message: 'not sent: the connection is lost' }));
      this.answers.set(id, { resolve, reject });
    });
  }

  private keep(id: number, kept: Kept): () => void {
    this.kept.set(id, kept);
    this.send(kept.ask());
    return () => {
      if (this.kept.delete(id)) this.send(kept.drop);
    };
  }

  private send(message: ToServer): boolean {
    if (!this.state.peek().up || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private opened(): void {
    this.wait = FIRST_WAIT_MS;
    this.heard = Date.now();
    this.state.value = { up: true, lostSince: 0, nextTry: 0, signedOut: false };
    this.send({ type: 'watch_runs' });
    for (const kept of this.kept.values()) this.send(kept.ask());
    for (const query of this.queries.values()) this.send(query.ask);
  }

  private closed(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.socket = null;
    for (const answer of this.answers.values())
      answer.reject(new CommandError({ code: 'unreachable', message: 'the connection was lost before the answer came' }));
    this.answers.clear();
    for (const done of [...this.pushes.values()]) done(null, { code: 'unreachable', message: 'the connection was lost before the answer came' });
    this.pushes.clear();
    const before = this.state.peek();
    this.state.value = { ...before, up: false, lostSince: before.lostSince || Date.now(), nextTry: Date.now() + this.wait };
    if (!before.up) void this.checkSession();
    this.timer = window.setTimeout(() => { this.timer = 0; this.open(); }, this.wait);
    this.wait = Math.min(this.wait * 1.7, LONGEST_WAIT_MS);
  }

  // A refused upgrade has no status in a browser: ask by REST whether it is the token.
  private async checkSession(): Promise<void> {
    const status = await fetch('api/v1/runs?limit=1', { credentials: 'same-origin' }).then(r => r.status, () => 0);
    if (!this.state.peek().up) this.state.value = { ...this.state.peek(), signedOut: status === 401 };
  }

  private ping(): void {
    if (!this.state.peek().up) return;
    if (Date.now() - this.heard > SILENCE_MS) this.socket?.close();
    else this.send({ type: 'ping', id: this.nextId++ });
  }

  private receive(data: unknown): void {
    this.heard = Date.now();
    if (typeof data === 'string') return this.text(data);
    const number = captureNumber(data as ArrayBuffer);
    if (number) return this.captured(number, data as ArrayBuffer);
    const frame = decode(data as ArrayBuffer);
    if (!frame) return;
    if (frame.kind !== SNAPSHOT) return this.onLive(frame);
    const query = this.queries.get(frame.id);
    if (query) {
      this.queries.delete(frame.id);
      query.done(frame);
    } else this.kept.get(frame.id)?.frame?.(frame);
  }

  private captured(number: number, bytes: ArrayBuffer): void {
    const done = this.pushes.get(number);
    this.pushes.delete(number);
    if (done) done(bytes);
    else this.kept.get(number)?.capture?.(bytes);
  }

  private text(data: string): void {
    let message: FromServer;
    try {
      message = JSON.parse(data) as FromServer;
    } catch {
      return;
    }
    switch (message.type) {
      case 'hello':
        this.hello.value = { version: message.version, name: message.name ?? '', scopes: message.scopes ?? [], address: message.address ?? '' };
        this.build ||= message.build ?? '';
        this.outdated.value = !!message.build && message.build !== this.build;
        break;
      case 'runs': this.onRuns(message.runs ?? [], message.gone ?? []); break;
      case 'run': this.kept.get(message.id)?.update?.(message); break;
      case 'answer': this.answer(message.id, message.command, message.error); break;
      case 'error': this.failed(message.id ?? 0, message.error); break;
    }
  }

  private answer(id: number, command?: Command, error?: ErrorBody): void {
    const waiting = this.answers.get(id);
    if (!waiting) return;
    if (!error && command?.state === 'asked') return; // the effect is still to come
    this.answers.delete(id);
    if (error) waiting.reject(new CommandError(error));
    else if (command?.state === 'refused' || command?.state === 'expired')
      waiting.reject(new CommandError(command.reason ?? { code: command.state, message: command.state }));
    else waiting.resolve(command!);
  }

  private failed(id: number, error: ErrorBody): void {
    if (this.answers.has(id)) return this.answer(id, undefined, error);
    const query = this.queries.get(id), pushed = this.pushes.get(id);
    this.queries.delete(id);
    this.pushes.delete(id);
    if (pushed) pushed(null, error);
    else if (query) query.done(null, error);
    else this.kept.get(id)?.error?.(error);
  }
}

export function liveAddress(page: string): string {
  const address = new URL('api/v1/live', page);
  address.protocol = address.protocol.replace('http', 'ws');
  address.search = address.hash = '';
  return address.href;
}
