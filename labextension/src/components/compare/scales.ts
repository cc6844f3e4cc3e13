import { roundTop } from '../../series';

import type { IPoint } from './points';

/** A scale from values to pixels, and the values worth a mark. */
export interface IScale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From 0 on, or by powers of ten where the least would vanish beside the most. */
export function energyScale(
  points: readonly Pick<IPoint, 'energyJ' | 'lowJ' | 'highJ'>[],
  widthPx: number
): IScale {
  const least = Math.min(...points.map(point => point.energyJ));
  const high = Math.max(...points.map(point => Math.max(point.highJ, point.energyJ)));
  if (least > 0 && high / least > 50) {
    const lows = points.map(point => point.lowJ).filter(low => low > least / 20);
    const from = Math.log10(Math.min(least, ...lows)) - 0.05;
    const to = Math.log10(high) + 0.05;
    const decades = Array.from(
      { length: Math.floor(to) - Math.floor(from) + 1 },
      (_, index) => Math.floor(from) + index
    );
    const steps = to - from < 2 ? [1, 2, 5] : [1];
    const ticks = decades
      .flatMap(decade => steps.map(step => Number(`${String(step)}e${String(decade)}`)))
      .filter(tick => Math.log10(tick) >= from && Math.log10(tick) <= to);
    return {
      at: value => (widthPx * (Math.log10(Math.max(value, 10 ** from)) - from)) / (to - from),
      ticks: thinned(ticks, widthPx / 70)
    };
  }
  const top = high > 0 ? high * 1.02 : 1;
  return {
    at: value => (widthPx * Math.max(0, value)) / top,
    ticks: roundTicks(0, top, Math.max(2, widthPx / 90))
  };
}

function thinned(ticks: readonly number[], most: number): number[] {
  const every = Math.max(1, Math.ceil(ticks.length / Math.max(1, most)));
  return ticks.filter((_, index) => index % every === 0);
}

function roundTicks(from: number, to: number, most: number): number[] {
  const step = roundTop((to - from) / most);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from(
    { length: Math.max(0, last - first + 1) },
    (_, index) => (first + index) * step
  );
}

export function metricScale(points: readonly IPoint[], heightPx: number): IScale {
  const values = points.map(point => point.metric);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? (high - low) * 0.15 : Math.abs(high) * 0.05 || 1;
  const [from, to] = [low - room, high + room];
  return {
    at: value => heightPx * (1 - (value - from) / (to - from)),
    ticks: roundTicks(from, to, Math.max(2, heightPx / 50))
  };
}
