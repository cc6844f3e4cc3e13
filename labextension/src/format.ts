import type { TranslationBundle } from '@jupyterlab/translation';

import type { CellRecord, Change, Intensity, Total } from './wire';

// What is here is written as `units.py` and `views/line.py` write it, to the letter: figures.json tells.

type Maybe = number | null | undefined;

interface IDigits {
  readonly digits: string;
  readonly exponent: number;
}

/** Round half to even on the exact binary value, as Python does; `toPrecision` rounds half up. */
function rounded(value: number, figures: number): IDigits {
  // 100 digits tell every tie: the double nearest to one, and not on it, differs in the first 40.
  const [mantissa = '0', exponent = '0'] = Math.abs(value).toExponential(100).split('e');
  const all = mantissa.replace('.', '');
  const kept = Number(all.slice(0, figures));
  const rest = all.slice(figures);
  const half = '5'.padEnd(rest.length, '0');
  const isUp = rest > half || (rest === half && kept % 2 === 1);
  const digits = String(isUp ? kept + 1 : kept);
  return {
    digits: digits.slice(0, figures),
    exponent: Number(exponent) + digits.length - figures
  };
}

function notFinite(value: number): string {
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** Write a number as Python's `format(value, '.{figures}g')`. */
export function general(value: number, figures: number): string {
  if (!Number.isFinite(value)) {
    return notFinite(value);
  }
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) {
    return `${sign}0`;
  }
  const { digits, exponent } = rounded(value, figures);
  if (exponent < -4 || exponent >= figures) {
    const fraction = digits.slice(1).replace(/0+$/, '');
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits.charAt(0)}${fraction && `.${fraction}`}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  return sign + fixed(digits, exponent);
}

function fixed(digits: string, exponent: number): string {
  if (exponent < 0) {
    return `0.${'0'.repeat(-exponent - 1)}${digits.replace(/0+$/, '')}`;
  }
  const fraction = digits.slice(exponent + 1).replace(/0+$/, '');
  return digits.slice(0, exponent + 1) + (fraction && `.${fraction}`);
}

/** Write a number with three significant figures and without exponent. */
export function threeFigures(value: number): string {
  return withoutExponent(value, 3);
}

function twoFigures(value: number): string {
  return withoutExponent(value, 2);
}

function withoutExponent(value: number, figures: number): string {
  if (!Number.isFinite(value)) {
    return notFinite(value);
  }
  if (value === 0) {
    return '0';
  }
  const { digits, exponent } = rounded(value, figures);
  const sign = value < 0 ? '-' : '';
  if (exponent < figures) {
    return sign + fixed(digits, exponent);
  }
  // Python writes the double nearest to the rounded number, which far up has other digits than zeros.
  return sign + BigInt(Number(`${digits}e${String(exponent - figures + 1)}`)).toString();
}

interface IUnit {
  readonly factor: number;
  readonly unit: string;
}

interface IUnits {
  readonly steps: readonly (IUnit & { readonly below: number })[];
  readonly largest: IUnit;
}

const ENERGY: IUnits = {
  steps: [
    { below: 0.1, factor: 1e3, unit: 'mJ' },
    { below: 1e3, factor: 1, unit: 'J' },
    { below: 3.6e6, factor: 1 / 1e3, unit: 'kJ' }
  ],
  largest: { factor: 1 / 3.6e6, unit: 'kWh' }
};
const MASS: IUnits = {
  steps: [
    { below: 1e-3, factor: 1e6, unit: 'µg' },
    { below: 1, factor: 1e3, unit: 'mg' },
    { below: 1e3, factor: 1, unit: 'g' }
  ],
  largest: { factor: 1e-3, unit: 'kg' }
};
const POWER: IUnits = {
  steps: [
    { below: 0.1, factor: 1e3, unit: 'mW' },
    { below: 1e3, factor: 1, unit: 'W' }
  ],
  largest: { factor: 1e-3, unit: 'kW' }
};

const SURE = 1.1; // with a wider range, high over low, a third figure says nothing

interface IFigures {
  readonly amount: string; // with its unit
  readonly low: string | null;
  readonly high: string | null;
  readonly unit: string;
}

function figures(value: number, low: Maybe, high: Maybe, units: IUnits): IFigures {
  const { factor, unit } = units.steps.find(step => Math.abs(value) < step.below) ?? units.largest;
  if (low == null || high == null || low === high) {
    return { amount: `${threeFigures(value * factor)} ${unit}`, low: null, high: null, unit };
  }
  const write = high > 0 && high < low * SURE ? threeFigures : twoFigures;
  return {
    amount: `${write(value * factor)} ${unit}`,
    low: write(low * factor),
    high: write(high * factor),
    unit
  };
}

function rangeText(
  value: Maybe,
  low: Maybe,
  high: Maybe,
  units: IUnits,
  trans: TranslationBundle
): string {
  if (value == null) {
    return trans.__('not measured');
  }
  const written = figures(value, low, high, units);
  return written.low === null || written.high === null
    ? written.amount
    : trans.__('%1 (%2 to %3)', written.amount, written.low, written.high);
}

/** Write an energy with its range in the same unit. */
export function energyText(
  valueJ: Maybe,
  lowJ: Maybe,
  highJ: Maybe,
  trans: TranslationBundle
): string {
  return rangeText(valueJ, lowJ, highJ, ENERGY, trans);
}

/** Write a mass of CO2e with its range in the same unit. */
export function massText(
  valueG: Maybe,
  lowG: Maybe,
  highG: Maybe,
  trans: TranslationBundle
): string {
  return rangeText(valueG, lowG, highG, MASS, trans);
}

/** Write a power alone. */
export function powerText(valueW: number): string {
  return figures(valueW, null, null, POWER).amount;
}

/** Write a power with its range in the same unit. */
export function powerRangeText(
  valueW: Maybe,
  lowW: Maybe,
  highW: Maybe,
  trans: TranslationBundle
): string {
  return rangeText(valueW, lowW, highW, POWER, trans);
}

/** A figure and what stands beside it in a smaller line, for where one line is too narrow. */
export interface IBrief {
  readonly amount: string;
  readonly beside: string | null;
}

/** Write an energy for a narrow place: the amount, and its range apart. */
export function energyBrief(
  valueJ: Maybe,
  lowJ: Maybe,
  highJ: Maybe,
  trans: TranslationBundle
): IBrief {
  if (valueJ == null) {
    return { amount: trans.__('not measured'), beside: null };
  }
  const { amount, low, high, unit } = figures(valueJ, lowJ, highJ, ENERGY);
  return {
    amount,
    beside: low === null || high === null ? null : trans.__('%1 to %2 %3', low, high, unit)
  };
}

/** Write a record's energy for a narrow place. */
export function recordBrief(record: CellRecord, trans: TranslationBundle): IBrief {
  if (isBelowResolution(record)) {
    return {
      amount: trans.__('under %1', energyText(bound(record), null, null, trans)),
      beside: trans.__('below resolution')
    };
  }
  const { attributed_j, low_j, high_j } = record.energy;
  return energyBrief(attributed_j, low_j, high_j, trans);
}

const RESOLUTION_J = 1e-3;

function isBelowResolution(record: CellRecord): boolean {
  const energyJ = record.energy.attributed_j;
  return energyJ !== null && energyJ < RESOLUTION_J;
}

function bound(record: CellRecord): number {
  return Math.max(record.energy.high_j ?? 0, RESOLUTION_J);
}

/** Write a record's energy with its range. */
export function energyPart(record: CellRecord, trans: TranslationBundle): string {
  const { attributed_j, low_j, high_j } = record.energy;
  if (attributed_j === null) {
    return trans.__('energy not measured');
  }
  if (isBelowResolution(record)) {
    return trans.__('under %1, below resolution', energyText(bound(record), null, null, trans));
  }
  return energyText(attributed_j, low_j, high_j, trans);
}

/** Write a record's CO2e with its range and where the intensity comes from. */
export function co2ePart(record: CellRecord, trans: TranslationBundle): string {
  const { co2e_g, co2e_low_g, co2e_high_g, intensity } = record;
  if (co2e_g === null || intensity === null) {
    return trans.__('CO₂e not measured');
  }
  if (isBelowResolution(record)) {
    return trans.__('CO₂e below resolution');
  }
  return massWithGrid(co2e_g, co2e_low_g, co2e_high_g, gridText(intensity, trans), trans);
}

function massWithGrid(
  valueG: number,
  lowG: number | null,
  highG: number | null,
  grid: string,
  trans: TranslationBundle
): string {
  const { amount, low, high } = figures(valueG, lowG, highG, MASS);
  return low === null || high === null
    ? trans.__('%1 CO₂e (%2)', amount, grid)
    : trans.__('%1 CO₂e (%2 to %3, %4)', amount, low, high, grid);
}

/** Name the grid in a word or two. */
export function gridText(intensity: Intensity, trans: TranslationBundle): string {
  switch (intensity.zone) {
    case 'world':
      return trans.__('grid not set');
    case 'user':
      return intensity.label;
    default:
      return intensity.zone;
  }
}

/** Write a carbon intensity with its range and where it comes from. */
export function intensityText(intensity: Intensity, trans: TranslationBundle): string {
  const { g_per_kwh, low, high, label, kind, scope } = intensity;
  const middle = general(g_per_kwh, 3);
  const amount =
    low < high
      ? trans.__('%1 (%2 to %3) gCO₂e/kWh', middle, general(low, 3), general(high, 3))
      : trans.__('%1 gCO₂e/kWh', middle);
  return `${amount}, ${label}; ${kind}${scope === null ? '' : `, ${scope}`}`;
}

/** Write a metric with four figures. */
export function metricText(value: Maybe, trans: TranslationBundle): string {
  return value == null ? trans.__('not measured') : general(value, 4);
}

/** Say how a figure came about, in one word. */
export function qualityText(
  quality: 'measured' | 'apportioned' | 'modelled',
  trans: TranslationBundle
): string {
  switch (quality) {
    case 'measured':
      return trans.__('measured');
    case 'apportioned':
      return trans.__('apportioned');
    case 'modelled':
      return trans.__('modelled');
  }
}

/** Write a record in the order of the cell line: energy, CO2e, metrics, CPU time, method. */
export function recordParts(record: CellRecord, trans: TranslationBundle): string[] {
  const { energy, metrics } = record;
  const parts = [energyPart(record, trans), co2ePart(record, trans)];
  for (const [name, value] of Object.entries(metrics)) {
    parts.push(`${name} ${metricText(value, trans)}`);
  }
  if (energy.cpu_s !== null) {
    parts.push(trans.__('%1 CPU-s', threeFigures(energy.cpu_s)));
  }
  if (energy.attributed_j !== null && energy.quality !== null) {
    parts.push(qualityText(energy.quality, trans));
  }
  return parts;
}

/** Write the CO2e of a total with its range; `grids` says of which grids. */
export function totalCo2eText(total: Total, grids: string, trans: TranslationBundle): string {
  const { co2e_g, co2e_low_g, co2e_high_g } = total;
  if (co2e_g === null) {
    return trans.__('CO₂e not measured');
  }
  return grids === ''
    ? trans.__('%1 CO₂e', massText(co2e_g, co2e_low_g, co2e_high_g, trans))
    : massWithGrid(co2e_g, co2e_low_g, co2e_high_g, grids, trans);
}

/** Say how a cell's energy compares with its earlier runs; nothing where that cannot be told. */
export function changeText(change: Change | null, trans: TranslationBundle): string {
  if (change === null) {
    return '';
  }
  if (change.verdict === 'same') {
    return trans.__('about as before');
  }
  if (change.percent === null) {
    return '';
  }
  const size = percentText(Math.abs(change.percent));
  return change.verdict === 'less'
    ? trans.__('−%1 %% vs the last runs', size)
    : trans.__('+%1 %% vs the last runs', size);
}

/** Write the size of a percentage; what is not nothing is not written as 0. */
export function percentText(size: number): string {
  return size < 1 ? general(size, 1) : size < 1000 ? String(Math.round(size)) : threeFigures(size);
}

/** Write a duration in the units that people use. */
export function durationText(durationS: Maybe, trans: TranslationBundle): string {
  if (durationS == null) {
    return trans.__('not measured');
  }
  if (durationS < 1) {
    return trans.__('%1 ms', threeFigures(durationS * 1e3));
  }
  const wholeS = Math.round(durationS);
  if (wholeS < 60) {
    return trans.__('%1 s', threeFigures(durationS));
  }
  const minutes = Math.floor(wholeS / 60);
  if (minutes < 60) {
    return wholeS % 60 === 0
      ? trans.__('%1 min', minutes)
      : trans.__('%1 min %2 s', minutes, wholeS % 60);
  }
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0
    ? trans.__('%1 h', hours)
    : trans.__('%1 h %2 min', hours, minutes % 60);
}
