// The network of a run as somebody looks at it: `look` over the live link while it is used, captures gathered into one live
// state, details of units that are looked at closely, their history, and the snapshots. What is shown is live or a moment.
//
//     captures --> live --+--> shown --> picture, layer strip, inspector
//     snapshots --> past -+
import { batch, computed, signal, type Signal } from '@preact/signals';
import { CAPTURE_KIND, decodeCapture, type Capture } from '../link/capture';
import type { LookAsk, LookWord } from '../link/messages';
import type { NetworkState } from '../network/model';
import { emptyState, numberOf, ofWeights, placesOf, sameLayers, takeCapture } from '../network/take';
import { link } from './link';
import { askModel, type RunModel } from './model';
import type { NetworkView, Place } from './network-view';
import { inPicture, pushedValues } from './push';
import { isOver, runs } from './runs';
import { nearest, Snapshots } from './snapshots';
import { takeDetails, unitKey, type UnitDetail } from './unit-detail';
import { UnitHistory } from './unit-history';
import { view } from './view';

const LINKS_RATE = 2, ASK_AGAIN_MS = 3000, INPUT_MOST = 1 << 20, VALUES_MOST = 1 << 16;

const product = (shape: readonly number[]): number => shape.reduce((n, side) => n * side, 1);

// Whether the inputs of a batch are small enough to be seen with every capture: then the input layer has an activation, units have
// their strongest samples.
function smallInputs(model: RunModel): boolean {
  const inputs = model.tensors.filter(t => t.role === 'input'), values = model.layers.reduce((n, l) => n + product(l.shape), 0);
  return inputs.length > 0 && values <= VALUES_MOST && inputs.reduce((n, t) => n + product(t.shape), 0) <= INPUT_MOST;
}

export interface UnitPlace { layer: number; unit: number } // the layer by its place

export class Network {
  readonly live = signal<NetworkState | null>(null);
  readonly details = signal<ReadonlyMap<string, UnitDetail>>(new Map());
  readonly time = signal(0);               // wall time of the newest capture, in ms; 0: none has come
  readonly error = signal('');             // why nothing is seen
  readonly past = signal<{ step: number; state: NetworkState } | null>(null); // the moment that is shown, once it has come
  readonly hovered = signal<UnitPlace | null>(null);
  readonly history: UnitHistory;
  readonly snapshots: Snapshots;
  inputs: boolean;                         // seen with every capture
  private readonly numbers: ReadonlyMap<number, number>;
  private stopLook: (() => void) | null = null;
  private asked = '';
  private askedModel = 0;
  private wanted = -1;                     // step of the moment that is wanted
  private readonly described: Signal<RunModel>;

  constructor(readonly run: string, model: RunModel) {
    this.described = signal(model);
    this.history = new UnitHistory(model);
    this.snapshots = new Snapshots(run, model);
    this.numbers = placesOf(model);
    this.inputs = smallInputs(model);
  }

  get model(): RunModel { return this.described.value; }

  // The program has registered more tensors of the same layers: all that is shown stays. False: it is another network.
  adopt(model: RunModel): boolean {
    if (!sameLayers(model, this.model)) return false;
    this.described.value = this.snapshots.model = model;
    this.inputs = smallInputs(model);
    const live = this.live.peek();
    if (live) this.live.value = ofWeights(model, live);
    if (this.stopLook) this.look();
    return true;
  }

  // What is shown now: null while nothing has come.
  readonly shown = computed<NetworkState | null>(() => {
    const { moment, compare } = view.value.network;
    if (moment === null) return this.withPushed(this.live.value);
    if (compare && this.live.value) return this.live.value;
    return this.past.value?.state ?? null;
  });
  readonly compared = computed<NetworkState | null>(() => {
    const { moment, compare } = view.value.network;
    return moment !== null && compare && this.live.value ? this.past.value?.state ?? null : null;
  });

  // What is shown was recorded, and what it lacks does not come: an earlier moment, or a run that is over.
  readonly recorded = computed<boolean>(() => {
    const run = runs.value.get(this.run);
    return (view.value.network.moment !== null && !this.compared.value) || this.time.value === 0 || (run !== undefined && isOver(run));
  });

  // The activations of the sample that was pushed by hand (Try), where they are to be seen here.
  private withPushed(live: NetworkState | null): NetworkState | null {
    const pushed = pushedValues(this.run);
    return pushed ? { ...takeCapture(this.model, live ?? emptyState(this.model), pushed), step: live?.step ?? pushed.step } : live;
  }

  placeOf(place: Place | null): number {
    return place ? this.model.layers.findIndex(l => l.name === place.layer) : -1;
  }

  detailOf(at: UnitPlace): UnitDetail | null {
    return this.details.value.get(unitKey(numberOf(this.model, at.layer), at.unit)) ?? null;
  }

  // The units whose weights and samples are wanted: the one selected, the one under the pointer.
  private close(network: NetworkView): UnitPlace[] {
    const layer = this.placeOf(network.place), found: UnitPlace[] = [], hovered = this.hovered.value;
    if (layer >= 0 && network.place!.unit >= 0) found.push({ layer, unit: network.place!.unit });
    if (hovered && !found.some(u => u.layer === hovered.layer && u.unit === hovered.unit)) found.push(hovered);
    return found;
  }

  private ask(network: NetworkView): LookAsk {
    const close = this.close(network), what: LookWord[] = ['units', 'weights'];
    if (network.quantity === 'gradient') what.push('gradients');
    if (network.quantity === 'update') what.push('updates');
    if (this.inputs || (network.quantity === 'value' && inPicture.value !== this.run)) what.push('values');
    if (network.links === 'matrices' || network.quantity === 'update' || network.place || network.compare) what.push('matrices');
    if (close.length) what.push('classes');
    return {
      what, rate: network.rate, links_rate: Math.min(LINKS_RATE, network.rate), strongest: network.strongest,
      units: close.map(u => [this.model.layers[u.layer]!.name, u.unit]),
    };
  }

  // Looks as the view wants it; the old look ends after the new one has begun, so that nothing stops in between.
  look(): void {
    const run = runs.peek().get(this.run), ask = this.ask(view.value.network), key = JSON.stringify(ask);
    if ((run && isOver(run)) || key === this.asked) return;
    const before = this.stopLook;
    this.asked = key;
    this.stopLook = link.look(this.run, ask, bytes => this.take(bytes), e => (this.error.value = e.message));
    before?.();
  }

  unlook(): void {
    this.stopLook?.();
    this.stopLook = null;
    this.asked = '';
  }

  // The number of the layer that feeds another.
  private feeder(number: number): number {
    const { layers } = this.model, from = layers[this.numbers.get(number) ?? -1]?.inputs[0], place = layers.findIndex(l => l.name === from);
    return place < 0 ? 0 : numberOf(this.model, place);
  }

  private take(bytes: ArrayBuffer): void {
    const capture = decodeCapture(bytes);
    if (!capture || capture.kind === CAPTURE_KIND.prune) return;
    this.unknownLayers(capture);
    const keep = new Set(this.close(view.peek().network).map(u => unitKey(numberOf(this.model, u.layer), u.unit)));
    batch(() => {
      const state = takeCapture(this.model, this.live.peek() ?? emptyState(this.model), capture);
      // One sample's values are shown when they are asked for: what else is shown is of the whole batch.
      if (view.peek().network.quantity !== 'value' || inPicture.peek() === this.run) for (const layer of state.layers) delete layer.value;
      this.history.add(state);
      const details = takeDetails(this.details.peek(), capture, keep, layer => this.feeder(layer));
      if (details) this.details.value = details;
      this.live.value = state;
      this.time.value = capture.time;
      this.error.value = '';
    });
  }

  // The program has described more since the model was asked for.
  private unknownLayers(capture: Capture): void {
    if (!capture.sections.some(s => s.layer > 0 && !this.numbers.has(s.layer)) || Date.now() - this.askedModel < ASK_AGAIN_MS) return;
    this.askedModel = Date.now();
    askModel(this.run);
  }

  // Until a capture comes (of a run that is over none does) the last snapshot stands for what is now.
  async rest(step: number): Promise<void> {
    if (this.live.peek()) return;
    const state = await this.snapshots.load(step);
    if (state && !this.live.peek()) this.live.value = state;
  }

  // Brings the moment that the view names: the snapshot at or before it. What was shown stays until it is there.
  async seek(moment: number | null): Promise<void> {
    const { snapshots } = this.snapshots.list.peek(), at = moment === null ? -1 : nearest(snapshots, moment), step = snapshots[at]?.step;
    this.wanted = step ?? -1;
    if (step === undefined) return void (moment === null && (this.past.value = null));
    if (this.past.peek()?.step === step) return;
    const state = await this.snapshots.load(step);
    if (state && this.wanted === step) this.past.value = { step, state };
    if (this.wanted === step) void this.snapshots.ahead(at);
  }
}

// Of each run one, for as long as its layers are the same.
const networks = new Map<string, Network>();

export function networkOf(run: string, model: RunModel): Network {
  const known = networks.get(run);
  if (known && (known.model === model || known.adopt(model))) return known;
  known?.unlook();
  const made = new Network(run, model);
  networks.set(run, made);
  return made;
}
