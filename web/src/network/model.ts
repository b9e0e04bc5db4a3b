// The border of the picture: what it is given and what it answers. It knows nothing of runs, links or time: the same input
// always gives the same picture.
//
//     NetworkModel      the layers, as GET runs/ID/model tells them
//     NetworkState      what was seen inside at one moment (take.ts makes it of captures)
//     Look              which quantity, on what scale, how many links
//     Picture           picture.ts: constructor, setModel, setState, setLook, select, draw, hit, exportSvg, exportPng
//
// Layers are named by their place in `layers` (from 0). A unit of a dense layer is a neuron, of a (channels, height, width)
// layer a channel, of an input a pixel.
import type { Mode } from '../look/ramps';

export interface NetworkLayer {
  name: string;
  kind: string;                  // input dense conv pool norm flatten ...
  activation?: string | null;
  shape: number[];               // of its output for one sample
  parameters: number;
  inputs: string[];              // names of the layers that feed it
  number?: number;               // as captures name it; not given: its place + 1
}

export interface NetworkModel {
  layers: NetworkLayer[];
  classes?: string[];            // words of the output's units
  tensors?: { number?: number; layer: string | null; role: string }[];
}

export interface LayerState {
  activation?: Float32Array;     // per unit, as quantity.def says
  gradient?: Float32Array;
  mean?: Float32Array;
  active?: Float32Array;
  selectivity?: Float32Array;
  weightIn?: Float32Array;
  bias?: Float32Array;
  marks?: Uint8Array;            // MARK bits per unit
  statistics?: Float32Array;     // in the order of `statistics` of link/tables.ts
  classMean?: { classes: number; units: number; data: Float32Array };
  value?: { shape: number[]; data: Float32Array }; // for one sample, in the layer's shape; input: its pixels
}

export type LinkQuantity = 'weight' | 'gradient' | 'update';

// A weight tensor, (rows = units, columns = inputs of a unit), as it came: F16 halves as u16, I8 codes, or F32.
export interface Matrix {
  data: Uint16Array | Int8Array | Float32Array;
  rows: number;
  cols: number;
  full: [number, number] | null; // rows and columns before folding: each cell is the value of largest |value| in its block
  shape: number[];               // (U, I) or (U, C, H, W)
  scale: number;                 // value = code * scale for halves and I8
  nonfinite: number;
}

export interface Strongest { index: Uint32Array; value: Float32Array } // of the flat, unfolded weight, largest |value| first

export interface LinkState {
  layer: number;                 // whose weights they are: from its inputs to it
  tensor: number;                // number of the tensor (0 unknown): a layer may have several
  matrix: Partial<Record<LinkQuantity, Matrix>>;
  strongest: Partial<Record<LinkQuantity, Strongest>>;
}

export interface NetworkState {
  step: number;
  layers: LayerState[];          // by place; {} where nothing is known
  links: LinkState[];
  units?: UnitDetail[];          // those that were looked at on their own
}

// One unit's weights, exact: its row in, and what goes out of it.
export interface UnitDetail {
  layer: number;
  unit: number;
  weight?: Float32Array;         // (I) or (C, H, W)
  gradient?: Float32Array;
  update?: Float32Array;
  out?: Float32Array;            // (units of the next layer)
}

// activation | gradient | weight (norm of a unit's incoming weights) | update (root mean square of a unit's row) | value (for one sample).
export type Quantity = 'activation' | 'gradient' | 'weight' | 'update' | 'value';
export type ScaleKind = 'layer' | 'network';
export type CurveKind = 'auto' | 'linear' | 'log'; // auto: log for gradients and updates
export type LinkForm = 'lines' | 'matrices' | 'none';

export interface Look {
  quantity: Quantity;
  scale: ScaleKind;
  curve: CurveKind;
  links: LinkForm;
  strongest: number;             // lines per pair of layers; fewer are drawn where drawing is slow (Drawn says how many)
  compare: NetworkState | null;  // an earlier one: drawn is the state (now) minus it; null: the state itself
}

export const PLAIN: Look = { quantity: 'activation', scale: 'layer', curve: 'auto', links: 'lines', strongest: 3000, compare: null };

export type RampName = 'magnitude' | 'signed' | 'pixels';

// A scale, as the legend shows it: 256 steps from low to high. log: in log10 |value|; signed: -high .. high.
export interface Scale { ramp: RampName; low: number; high: number; log: boolean }

export interface DrawnLayer {
  layer: number;
  quantity: string;              // what its units show; '' nothing is known
  scale: Scale;
  lowest: number;                // true extremes of the finite values; NaN: there are none
  highest: number;
  nonfinite: number;
  dead: number;
  saturated: number;
  young: number;
  judged: number;                // units of which dead and saturated are known; 0: nothing is
  fold: string;                  // "512 as 16 x 32"; '' not folded
}

export interface DrawnPair {
  layer: number;                 // from its inputs to it
  tensor: number;
  quantity: LinkQuantity | '';   // what the lines or the matrix show (the weight where the one asked for is not there)
  scale: Scale;
  lowest: number;
  highest: number;
  drawn: number;                 // lines drawn, or cells of the matrix
  total: number;                 // links there are
  nonfinite: number;
  fold: string;                  // of the matrix: "512 x 784 as 512 x 392"
}

export interface Drawn {
  layers: DrawnLayer[];
  pairs: DrawnPair[];
  filters: DrawnPair[];          // kernels shown as small pictures beside their maps
  strongest: number;             // lines per pair now: below Look.strongest where drawing is slow
  milliseconds: number;          // CPU of this draw
  how: 'webgl2' | 'canvas';
  why: string;                   // why not webgl2; '' it is
}

export type Target =
  | { kind: 'unit'; layer: number; unit: number; value: number }                   // value: as drawn; NaN unknown
  | { kind: 'link'; layer: number; tensor: number; index: number; from: { layer: number; unit: number }; to: { layer: number; unit: number }; value: number }
  | { kind: 'layer'; layer: number };

export interface UnitAt { layer: number; unit: number }

// What the host is told. hover: null when the pointer leaves. choose: by click or arrow keys; null: nothing is chosen now.
export interface PictureEvents {
  hover?(target: Target | null, x: number, y: number): void;
  choose?(target: Target | null): void;
  drawn?(drawn: Drawn): void;    // after each draw, also those that the picture made by itself (panning, a context restored)
}

export interface PictureTheme { mode: Mode }

// What a picture can do: class Picture of picture.ts, got by openPicture (open.ts), which loads it when it is first wanted.
export interface NetworkPicture {
  setModel(model: NetworkModel): void;
  setState(state: NetworkState): void;          // drawn with the next frame
  setLook(look: Look): void;
  setTheme(theme: PictureTheme): void;
  resize(): void;                               // also by itself, when the host changes its size
  select(at: UnitAt | null): void;              // draws its strongest links in and out
  selectTarget(target: Target | null): void;    // a unit, or one link (drawn bold)
  draw(): Drawn;                                // at once
  hit(x: number, y: number): Target | null;     // in CSS pixels from the host's left top
  where(at: UnitAt): { x: number; y: number; radius: number } | null; // its middle, in the same pixels
  colourAt(at: UnitAt): [number, number, number] | null;  // RGB of the unit as drawn
  show(layer: number): void;                    // pans to it
  fit(): void;                                  // the whole network in sight
  pan(dx: number, dy: number): void;            // as far as there is anything
  exportSvg(): string;
  exportPng(scale?: number): Promise<Blob>;
  close(): void;
}
