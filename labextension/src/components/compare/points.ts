import type { TranslationBundle } from '@jupyterlab/translation';

import { type IBeaten, isShare } from '../../pareto';
import type { Run } from '../../wire';

/** A run that is compared, with its number in the table. */
export interface INumbered {
  readonly run: Run;
  readonly number: number;
  readonly name: string;
  readonly metrics: ReadonlyMap<string, number | null>;
}

/** A run whose energy, J, and metric are both known. */
export interface IPoint {
  readonly energyJ: number;
  readonly metric: number;
  readonly lowJ: number;
  readonly highJ: number;
  readonly of: INumbered;
}

/** The point of a run; none where its energy or its metric is not known. */
export function pointOf(of: INumbered, metric: string): IPoint[] {
  const { attributed_j: energyJ, low_j, high_j } = of.run.total.energy;
  const value = of.metrics.get(metric) ?? null;
  return energyJ === null || value === null
    ? []
    : [{ energyJ, metric: value, lowJ: low_j ?? energyJ, highJ: high_j ?? energyJ, of }];
}

/** The names of all known metrics; those that most runs have come first. */
export function metricNames(runs: readonly INumbered[]): string[] {
  const counts = new Map<string, number>();
  for (const { metrics } of runs) {
    for (const [name, value] of metrics) {
      if (value !== null) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

/** The points, and those of them that another one beats. */
export interface IJudged {
  readonly points: readonly IPoint[];
  readonly losers: readonly IBeaten<IPoint>[];
  readonly metric: string;
  readonly trans: TranslationBundle;
}

/** Whether differences of the metric are told in points of a hundred. */
export function inPointsOf(points: readonly IPoint[], metric: string): boolean {
  return isShare(
    metric,
    points.map(point => point.metric)
  );
}
