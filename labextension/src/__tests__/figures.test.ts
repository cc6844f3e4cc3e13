import { nullTranslator } from '@jupyterlab/translation/lib/base';
import { describe, expect, it } from 'vitest';

import {
  durationText,
  energyBrief,
  energyText,
  massText,
  powerRangeText,
  powerText
} from '../amounts';
import { general, percentText, threeFigures } from '../numbers';
import {
  changeText,
  co2ePart,
  energyPart,
  gridText,
  intensityText,
  metricText,
  recordBrief,
  recordParts,
  totalCo2eText
} from '../recordText';
import type { CellRecord } from '../wire';

import figures from './figures.json';
import { record, total } from './made';

const trans = nullTranslator.load('jupyter_green');

interface IWritten {
  readonly record: CellRecord;
  readonly energy: string;
  readonly co2e: string;
  readonly line: string;
  readonly grid: string | null;
  readonly intensity: string | null;
}

type Triple = readonly [number | null, number | null, number | null];
const numbers = figures.numbers as unknown as readonly (readonly [number, string, string])[];
const ranges = figures.ranges as unknown as readonly (readonly [Triple, string, string])[];
const records = figures.records as unknown as readonly IWritten[];

describe('figures are those that Python writes', () => {
  it('writes numbers with three figures, and metrics with four', () => {
    expect(numbers.length).toBeGreaterThan(100);
    for (const [value, three, metric] of numbers) {
      expect([value, threeFigures(value), metricText(value, trans)]).toEqual([
        value,
        three,
        metric
      ]);
    }
  });

  it('writes energies and masses with their ranges', () => {
    expect(ranges.length).toBeGreaterThan(300);
    for (const [triple, energy, mass] of ranges) {
      expect([triple, energyText(...triple, trans), massText(...triple, trans)]).toEqual([
        triple,
        energy,
        mass
      ]);
    }
  });

  it.each(records)('writes a record: $line', written => {
    const { intensity, name } = written.record;
    expect(energyPart(written.record, trans)).toBe(written.energy);
    expect(co2ePart(written.record, trans)).toBe(written.co2e);
    const before = name === null || name === '' ? '' : `${name}: `;
    expect(`⚡ ${before}${recordParts(written.record, trans).join(' · ')}`).toBe(written.line);
    expect(intensity && gridText(intensity, trans)).toBe(written.grid);
    expect(intensity && intensityText(intensity, trans)).toBe(written.intensity);
  });

  it('rounds a tie to the even figure', () => {
    expect([general(0.5, 1), general(2.5, 1), general(3.5, 1), general(0.125, 2)]).toEqual([
      '0.5',
      '2',
      '4',
      '0.12'
    ]);
    expect([general(1.25e-4, 2), general(1.125, 3), general(-1.125, 3)]).toEqual([
      '0.00013', // the nearest double lies above the tie
      '1.12',
      '-1.12'
    ]);
  });

  it('keeps the sign of a metric that came to nothing from below', () => {
    expect([metricText(-0, trans), threeFigures(-0)]).toEqual(['-0', '0']);
  });

  it('writes what is no number as Python does', () => {
    expect([general(NaN, 3), general(Infinity, 3), threeFigures(-Infinity)]).toEqual([
      'nan',
      'inf',
      '-inf'
    ]);
  });
});

describe('what the browser alone writes', () => {
  it('writes a power in a unit that fits', () => {
    expect([0, 0.0123, 0.5, 12.34, 999, 1234].map(powerText)).toEqual([
      '0 mW',
      '12.3 mW',
      '0.5 W',
      '12.3 W',
      '999 W',
      '1.23 kW'
    ]);
  });

  it('writes a power with its range in two figures, and says when there is none', () => {
    expect(powerRangeText(12.34, 6.17, 24.68, trans)).toBe('12 W (6.2 to 25)');
    expect(powerRangeText(12.34, 12.3, 12.4, trans)).toBe('12.3 W (12.3 to 12.4)');
    expect(powerRangeText(null, null, null, trans)).toBe('not measured');
  });

  it('names a change of energy only where there is one', () => {
    expect(changeText(null, trans)).toBe('');
    expect(
      changeText({ verdict: 'same', percent: null, runs: 3, text_changed: false }, trans)
    ).toBe('about as before');
    expect(
      changeText({ verdict: 'less', percent: -38.2, runs: 3, text_changed: false }, trans)
    ).toBe('−38 % vs the last runs');
    expect(
      changeText({ verdict: 'more', percent: 12.4, runs: 3, text_changed: false }, trans)
    ).toBe('+12 % vs the last runs');
    expect(
      changeText({ verdict: 'more', percent: null, runs: 3, text_changed: false }, trans)
    ).toBe('');
    expect(
      changeText({ verdict: 'less', percent: -38.2, runs: 3, text_changed: true }, trans)
    ).toBe('−38 % since the text changed');
  });

  it('never writes a change that there was as 0', () => {
    expect([0.04, 0.4, 1.4, 999.6, 12345].map(percentText)).toEqual([
      '0.04',
      '0.4',
      '1',
      '1000',
      '12300'
    ]);
  });

  it('writes durations in the units of people', () => {
    const texts = [null, 0.0421, 1.5, 59.4, 59.7, 60, 200, 3600, 7500].map(one =>
      durationText(one, trans)
    );
    expect(texts).toEqual([
      'not measured',
      '42.1 ms',
      '1.5 s',
      '59.4 s',
      '1 min',
      '1 min',
      '3 min 20 s',
      '1 h',
      '2 h 5 min'
    ]);
  });

  it('puts a range apart where a line is narrow, with the figures of the long form', () => {
    expect(energyBrief(41.2, 20.6, 82.4, trans)).toEqual({ amount: '41 J', beside: '21 to 82 J' });
    expect(energyBrief(null, null, null, trans)).toEqual({
      amount: 'not measured',
      beside: null
    });
    expect(recordBrief(record(0.0004), trans)).toEqual({
      amount: 'under 1 mJ',
      beside: 'below resolution'
    });
    expect(recordBrief(record(null), trans).amount).toBe('not measured');
  });

  it('never writes an unknown total as 0', () => {
    expect(totalCo2eText(total(null), trans)).toBe('CO₂e not known for 1 of 1 parts');
    expect(totalCo2eText(total(null, { without_co2e: 0 }), trans)).toBe(
      'CO₂e not known between cells'
    );
    expect(totalCo2eText(total(41.2), trans)).toContain(', grid not set)');
    expect(totalCo2eText(total(41.2, { intensities: [] }), trans)).toMatch(/ CO₂e$/);
  });
});
