import { describe, expect, it } from 'vitest';

import { energySince, extend } from '../series';
import type { Sample } from '../wire';

import { seeded, steady } from './fakes';

const NAMES = ['energy_j', 'low_j', 'high_j'] as const;

function randomSeries(random: () => number): Sample[] {
  const samples: Sample[] = [];
  let [at, energy] = [100 * random(), 0];
  for (let n = 0; n < 1 + Math.floor(40 * random()); n++) {
    samples.push({
      at_s: at,
      energy_j: energy,
      low_j: energy * 0.4,
      high_j: energy * 3,
      power_w: n === 0 ? null : 1,
      low_w: null,
      high_w: null
    });
    at += 0.05 + 2 * random();
    energy += 20 * random();
  }
  return samples;
}

/** The curve through the samples, read off segment by segment. */
function valueAt(samples: readonly Sample[], atS: number, name: (typeof NAMES)[number]): number {
  for (const [n, right] of samples.entries()) {
    const left = samples[n - 1] ?? right;
    if (atS >= left.at_s && atS <= right.at_s) {
      const width = right.at_s - left.at_s;
      const share = width === 0 ? 1 : (atS - left.at_s) / width;
      return (1 - share) * left[name] + share * right[name];
    }
  }
  throw new Error('outside');
}

describe('the energy since a moment', () => {
  it('is that of the curve through the samples, wherever the moment lies', () => {
    const random = seeded(1);
    for (let turn = 0; turn < 500; turn++) {
      const samples = randomSeries(random);
      const [first, newest] = [samples[0], samples[samples.length - 1]];
      if (first === undefined || newest === undefined) {
        throw new Error('no samples');
      }
      const at = first.at_s + (newest.at_s - first.at_s) * random();
      const found = energySince(samples, at);
      const wanted = NAMES.map(name => newest[name] - valueAt(samples, at, name));
      expect(found?.value).toBeCloseTo(wanted[0] ?? NaN, 8);
      expect(found?.low).toBeCloseTo(wanted[1] ?? NaN, 8);
      expect(found?.high).toBeCloseTo(wanted[2] ?? NaN, 8);
    }
  });

  it('is not known before the first sample, and nothing after the newest', () => {
    const samples = steady(10, 20, 3);
    expect(energySince(samples, 9.999)).toBeNull();
    expect(energySince([], 10)).toBeNull();
    expect(energySince(samples, 10)).toEqual({ value: 30, low: 15, high: 60 });
    expect(energySince(samples, 20)).toEqual({ value: 0, low: 0, high: 0 });
    expect(energySince(samples, 21)).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('never falls while time goes on', () => {
    const random = seeded(2);
    const samples = randomSeries(random);
    const first = samples[0]?.at_s ?? 0;
    let before = Infinity;
    for (let at = first; at < first + 60; at += 0.1) {
      const value = energySince(samples, at)?.value ?? NaN;
      expect(value).toBeLessThanOrEqual(before);
      before = value;
    }
  });
});

describe('a series', () => {
  it('is the same whatever the parts in which it arrives, and however they overlap', () => {
    const random = seeded(3);
    const whole = steady(0, 120, 2, 0, true);
    for (let turn = 0; turn < 200; turn++) {
      let known: readonly Sample[] = [];
      let at = 0;
      while (at < whole.length) {
        const from = known.length === 0 ? 0 : Math.max(1, at - Math.floor(4 * random()));
        at = Math.max(at, from) + 1 + Math.floor(9 * random());
        known = extend(known, whole.slice(from, at));
      }
      expect(known).toEqual(whole);
    }
  });

  it('stays as it is where nothing is new', () => {
    const samples = steady(0, 5, 2);
    expect(extend(samples, [])).toBe(samples);
    expect(extend([], samples)).toBe(samples);
  });

  it('begins anew with another process', () => {
    const other = steady(50, 55, 1, 0, true);
    expect(extend(steady(0, 40, 2), other)).toEqual(other);
    const counterFell = steady(50, 55, 1, 3);
    expect(extend(steady(0, 40, 2), counterFell)).toEqual(counterFell);
  });

  it('keeps three minutes', () => {
    let known: readonly Sample[] = [];
    for (let at = 0; at < 1000; at += 7) {
      known = extend(known, steady(at, at + 6, 2, 2 * at));
    }
    const [first, newest] = [known[0], known[known.length - 1]];
    expect((newest?.at_s ?? 0) - (first?.at_s ?? 0)).toBe(180);
    expect(known.length).toBe(181);
  });
});
