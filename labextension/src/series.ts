import type { Sample } from './wire';

const KEPT_S = 180;

/** An energy, J, or a power, W, with its range. */
export interface IAmount {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Put new samples behind the known ones; a series that begins anew (another process) replaces them. */
export function extend(known: readonly Sample[], added: readonly Sample[]): readonly Sample[] {
  const first = added[0];
  if (known.length === 0 || first === undefined) {
    return known.length === 0 ? added : known;
  }
  // Two answers to questions that were asked at once overlap.
  const before = known.filter(one => one.at_s < first.at_s);
  const last = before[before.length - 1];
  // The first sample of a process has no power; its energy begins at 0 again.
  const isNew = first.power_w === null || last === undefined || first.energy_j < last.energy_j;
  const joined = isNew ? added : [...before, ...added];
  const newest = joined[joined.length - 1];
  return newest === undefined ? joined : joined.filter(one => newest.at_s - one.at_s <= KEPT_S);
}

/** The energy between a moment of the server's clock and the newest sample; null if the moment lies before the first. */
export function energySince(samples: readonly Sample[], atS: number): IAmount | null {
  const newest = samples[samples.length - 1];
  const first = samples[0];
  if (newest === undefined || first === undefined || atS < first.at_s) {
    return null;
  }
  const after = samples.findIndex(one => one.at_s >= atS);
  const later = samples[after];
  const earlier = samples[after - 1];
  if (later === undefined) {
    return { value: 0, low: 0, high: 0 };
  }
  const share = earlier === undefined ? 0 : (later.at_s - atS) / (later.at_s - earlier.at_s);
  const between = (name: 'energy_j' | 'low_j' | 'high_j'): number =>
    newest[name] -
    later[name] +
    (earlier === undefined ? 0 : share * (later[name] - earlier[name]));
  return { value: between('energy_j'), low: between('low_j'), high: between('high_j') };
}

/** The least of 1, 2 and 5 times a power of ten that is not below a value. */
export function roundTop(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) {
    return 1;
  }
  const decade = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find(one => one * decade >= value * (1 - 1e-9)) ?? 10;
  return Number((step * decade).toPrecision(1));
}
