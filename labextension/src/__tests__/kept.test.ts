import { describe, expect, it } from 'vitest';

import { kept, readKept, type IKept } from '../kept';
import type { CellRecord } from '../wire';

import { seeded } from './fakes';
import { energy, record } from './made';

function of(valueJ: number | null, changes: Partial<CellRecord['energy']> = {}): CellRecord {
  return record(valueJ, { energy: { ...energy(valueJ), ...changes } });
}

function keep(valueJ: number | null, before: IKept | null = null): IKept | null {
  return kept(of(valueJ), 'c', before);
}

describe('what a notebook file keeps of a cell', () => {
  it('is three figures and a word, and no time, host or path', () => {
    expect(keep(41.23456)).toEqual({
      cell: 'c',
      energy_j: 41.2,
      low_j: 20.6,
      high_j: 82.5,
      quality: 'modelled'
    });
    expect(keep(0.000123456)?.energy_j).toBe(0.000123);
    expect(keep(98765)?.energy_j).toBe(98800);
  });

  it('is not written again while the figure lies within the range before', () => {
    const before = keep(40);
    expect([keep(40, before), keep(20, before), keep(80, before)]).toEqual([null, null, null]);
    expect(keep(19.9, before)?.energy_j).toBe(19.9);
    expect(keep(80.1, before)?.energy_j).toBe(80.1);
  });

  it('is written again where the figure became known or unknown, or comes about otherwise', () => {
    const before = keep(40);
    expect(keep(null, before)?.energy_j).toBeNull();
    expect(keep(40, keep(null))?.energy_j).toBe(40);
    expect(keep(null, keep(null))).toBeNull();
    expect(kept(of(40, { quality: 'measured' }), 'c', before)?.quality).toBe('measured');
  });

  it('reaches rest: keeping the same figure twice never writes twice', () => {
    const random = seeded(5);
    for (let turn = 0; turn < 300; turn++) {
      const value = 10 ** (12 * random() - 6);
      expect(keep(value, keep(value))).toBeNull();
    }
  });
});

describe('what is read from a notebook file', () => {
  it('is what was kept', () => {
    const written = keep(41.2);
    expect(readKept(JSON.parse(JSON.stringify(written)), 'c')).toEqual(written);
  });

  it('counts for the cell that it is about, and for no copy of it', () => {
    expect(readKept(keep(41.2), 'copy')).toBeNull();
  });

  it('is nothing where it is malformed', () => {
    for (const data of [null, undefined, 7, 'c', [], {}, { cell: 7 }, ['cell']]) {
      expect(readKept(data, 'c')).toBeNull();
    }
  });

  it('leaves out what is no figure and no known word', () => {
    const data = { cell: 'c', energy_j: '41', low_j: NaN, high_j: 82, quality: '<b>exact</b>' };
    expect(readKept(data, 'c')).toEqual({
      cell: 'c',
      energy_j: null,
      low_j: null,
      high_j: 82,
      quality: null
    });
  });
});
