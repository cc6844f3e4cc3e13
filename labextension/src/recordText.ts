import type { TranslationBundle } from '@jupyterlab/translation';

import { type IBrief, energyBrief, energyText, massRange, massText } from './amounts';
import { general, percentText, threeFigures } from './numbers';
import type { CellRecord, Change, Intensity, Total } from './wire';

// What is here is written as `views/line.py` writes it, to the letter: figures.json tells.

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
  const { amount, low, high } = massRange(valueG, lowG, highG);
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
  const middle = threeFigures(g_per_kwh);
  const amount =
    low < high
      ? trans.__('%1 (%2 to %3) gCO₂e/kWh', middle, threeFigures(low), threeFigures(high))
      : trans.__('%1 gCO₂e/kWh', middle);
  const words = [kind === 'marginal' ? trans.__('marginal') : trans.__('average')];
  if (scope !== null) {
    words.push(scope === 'direct' ? trans.__('direct') : trans.__('lifecycle'));
  }
  return `${amount}, ${label}; ${words.join(', ')}`;
}

/** Write a metric with four figures. */
export function metricText(value: number | null | undefined, trans: TranslationBundle): string {
  return value == null ? trans.__('not measured') : general(value, 4);
}

/** Say how a figure came about, in one word. */
export function qualityText(quality: string, trans: TranslationBundle): string {
  switch (quality) {
    case 'measured':
      return trans.__('measured');
    case 'apportioned':
      return trans.__('apportioned');
    case 'modelled':
      return trans.__('modelled');
    default:
      return quality; // of a server that is newer than this page
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

/** Write the CO2e of a total with its range and its grids. */
export function totalCo2eText(total: Total, trans: TranslationBundle): string {
  const { co2e_g, co2e_low_g, co2e_high_g, intensities } = total;
  if (co2e_g === null) {
    return total.without_co2e > 0
      ? trans.__('CO₂e not known for %1 of %2 parts', total.without_co2e, total.parts)
      : trans.__('CO₂e not known between cells');
  }
  const grids = [...new Set(intensities.map(one => gridText(one, trans)))].join(', ');
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
  if (change.text_changed) {
    return change.verdict === 'less'
      ? trans.__('−%1 %% since the text changed', size)
      : trans.__('+%1 %% since the text changed', size);
  }
  return change.verdict === 'less'
    ? trans.__('−%1 %% vs the last runs', size)
    : trans.__('+%1 %% vs the last runs', size);
}
