import type { TranslationBundle } from '@jupyterlab/translation';

import { threeFigures, twoFigures } from './numbers';

// What is here is written as `units.py` writes it, to the letter: figures.json tells.

type Maybe = number | null | undefined;

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

/** An amount with its unit, and its bounds in the same unit, if it has any. */
export interface IFigures {
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

/** Write a mass and its bounds, each for itself, in one unit. */
export function massRange(valueG: number, lowG: Maybe, highG: Maybe): IFigures {
  return figures(valueG, lowG, highG, MASS);
}

/** Write a power that has no range. */
export function powerText(valueW: number): string {
  return figures(valueW, null, null, POWER).amount;
}

/** Write a power with as many figures as its range allows, and leave the range to another place. */
export function powerBrief(valueW: number, lowW: Maybe, highW: Maybe): string {
  return figures(valueW, lowW, highW, POWER).amount;
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
