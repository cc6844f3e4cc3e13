import { describe, expect, it } from 'vitest';

import { recordParts } from '../recordText';
import { readRecord } from '../readRecord';

import { HOSTILE, WORLD, record, trans } from './made';
import { seeded } from './fakes';

function plain(changes: object = {}): Record<string, unknown> {
  return { ...(JSON.parse(JSON.stringify(record(41.2))) as object), ...changes };
}

const JUNK: readonly unknown[] = [
  undefined,
  null,
  0,
  -1,
  NaN,
  Infinity,
  true,
  '',
  ...HOSTILE,
  [],
  [1],
  {},
  { x: 1 },
  () => 1
];

describe('a record that came with an output', () => {
  it('is read as it was written', () => {
    expect(readRecord(plain())).toEqual(record(41.2));
    expect(readRecord(plain({ intensity: null }))?.intensity).toBeNull();
  });

  it('may hold what is not known', () => {
    const data = JSON.parse(JSON.stringify(record(null))) as unknown;
    expect(readRecord(data)?.energy.attributed_j).toBeNull();
  });

  it('has no metrics where an older version wrote none', () => {
    const { metrics, ...rest } = plain();
    expect(metrics).toEqual({});
    expect(readRecord(rest)?.metrics).toEqual({});
  });

  it('is none where something else stands', () => {
    for (const data of JUNK) {
      expect(readRecord(data)).toBeNull();
    }
    expect(readRecord([plain()])).toBeNull();
    expect(readRecord(plain({ intensity: { ...WORLD, low: '20' } }))).toBeNull();
    expect(readRecord(plain({ metrics: { accuracy: '<b>1</b>' } }))).toBeNull();
    expect(readRecord(plain({ energy: [] }))).toBeNull();
  });

  it('has no method where the word is none of ours', () => {
    const data = plain();
    const energy = { ...(data['energy'] as object), quality: 'exact' };
    expect(readRecord({ ...data, energy })?.energy.quality).toBeNull();
  });

  it('can be drawn whatever was put into it, or is none', () => {
    const random = seeded(7);
    const pick = <T>(values: readonly T[]): T | undefined =>
      values[Math.floor(values.length * random())];
    let read = 0;
    for (let turn = 0; turn < 5000; turn++) {
      const data = plain({ metrics: { accuracy: 0.9 } });
      const places = [data, data['energy'], data['intensity'], data['metrics']] as object[];
      for (let change = 0; change < 2; change++) {
        const place = pick(places) as Record<string, unknown>;
        place[pick(Object.keys(place)) ?? ''] = pick(JUNK);
      }
      const found = readRecord(data);
      if (found !== null) {
        read += 1;
        const parts = recordParts(found, trans);
        expect(parts.every(part => typeof part === 'string')).toBe(true);
        expect(parts.join()).not.toMatch(/undefined|NaN|Infinity/);
      }
    }
    expect(read).toBeGreaterThan(500);
  });
});
