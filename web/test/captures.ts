// Captures for tests, written as src/journal/capture.h draws them.
import { CODING, CAPTURE_MAGIC } from '../src/link/capture';

export interface SectionPlan {
  quantity: number; coding: number; shape: number[]; bytes: Uint8Array;
  layer?: number; tensor?: number; item?: number; full?: [number, number]; scale?: number; nonfinite?: number;
}

export interface CapturePlan { kind?: number; number?: number; step?: number; flags?: number; time?: number; observed?: number }

export const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
export const f32 = (values: ArrayLike<number>): Uint8Array => bytesOf(Float32Array.from(values));

export function pairBytes(list: [number, number][]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * list.length));
  list.forEach(([index, value], i) => { view.setUint32(8 * i, index, true); view.setFloat32(8 * i + 4, value, true); });
  return bytesOf(view);
}

const pad8 = (n: number) => (n + 7) & ~7;

export function captureOf(plan: CapturePlan, sections: SectionPlan[]): ArrayBuffer {
  const buffer = new ArrayBuffer(64 + sections.reduce((n, s) => n + 64 + pad8(s.bytes.length), 0)), view = new DataView(buffer);
  view.setUint32(0, CAPTURE_MAGIC, true);
  view.setUint16(4, 1, true);
  view.setUint16(6, plan.kind ?? 1, true);
  view.setBigUint64(8, BigInt(plan.number ?? 0), true);
  for (const at of [16, 24, 40]) view.setBigInt64(at, BigInt(plan.step ?? 0), true);
  view.setUint32(32, sections.length, true);
  view.setUint32(36, plan.flags ?? 0, true);
  view.setFloat64(48, plan.time ?? 0, true);
  view.setBigUint64(56, BigInt(plan.observed ?? 0), true);
  let at = 64;
  for (const s of sections) {
    const bytes = 64 + pad8(s.bytes.length);
    view.setUint32(at, bytes, true);
    view.setUint16(at + 4, s.quantity, true);
    view.setUint8(at + 6, s.coding);
    view.setUint8(at + 7, s.shape.length);
    view.setUint32(at + 8, s.layer ?? 0, true);
    view.setUint32(at + 12, s.tensor ?? 0, true);
    for (let d = 0; d < 4; d++) view.setUint32(at + 16 + 4 * d, s.shape[d] ?? 1, true);
    view.setUint32(at + 32, s.full?.[0] ?? 0, true);
    view.setUint32(at + 36, s.full?.[1] ?? 0, true);
    view.setFloat32(at + 40, s.scale ?? 1, true);
    view.setUint32(at + 44, s.item ?? 0, true);
    view.setBigUint64(at + 48, BigInt(s.nonfinite ?? 0), true);
    view.setUint32(at + 56, s.bytes.length, true);
    new Uint8Array(buffer, at + 64).set(s.bytes);
    at += bytes;
  }
  return buffer;
}

export { CODING };
