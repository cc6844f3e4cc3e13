/** What is compared: less energy is better; of the metric the caller says. */
export interface ITradeOff {
  readonly energyJ: number;
  readonly metric: number;
}

/** Whether `one` is at least as good as `other` in both, and better in one of them. */
export function beats(one: ITradeOff, other: ITradeOff, lowerIsBetter: boolean): boolean {
  const sign = lowerIsBetter ? -1 : 1;
  const gain = sign * (one.metric - other.metric);
  return one.energyJ <= other.energyJ && gain >= 0 && (one.energyJ < other.energyJ || gain > 0);
}

/**
 * The points that no other beats, from the least energy to the most.
 *
 * Points that are equal in both beat each other not, and stay both.
 */
export function front<P extends ITradeOff>(points: readonly P[], lowerIsBetter: boolean): P[] {
  const sign = lowerIsBetter ? -1 : 1;
  const sorted = [...points].sort((a, b) => a.energyJ - b.energyJ || sign * (b.metric - a.metric));
  const kept: P[] = [];
  for (const point of sorted) {
    const best = kept[kept.length - 1];
    const isEqual =
      best !== undefined && best.energyJ === point.energyJ && best.metric === point.metric;
    if (best === undefined || isEqual || sign * (point.metric - best.metric) > 0) {
      kept.push(point);
    }
  }
  return kept;
}

/** A point, and the one with the least energy of those on the front that beat it. */
export interface IBeaten<P extends ITradeOff> {
  readonly point: P;
  readonly by: P;
}

/** The points that another one beats, in their order. */
export function beaten<P extends ITradeOff>(
  points: readonly P[],
  lowerIsBetter: boolean
): IBeaten<P>[] {
  const best = front(points, lowerIsBetter);
  return points.flatMap(point => {
    const by = best.find(one => beats(one, point, lowerIsBetter));
    return by === undefined ? [] : [{ point, by }];
  });
}

const LOWER =
  /(^|[^a-z])(loss|rmse|mae|mse|mape|msle|error|err|perplexity|brier|logloss|deviance)([^a-z]|$)/;

/** Guess from a metric's name whether less of it is better. */
export function isLowerBetter(name: string): boolean {
  // camelCase and snake_case both fall into words.
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return LOWER.test(words);
}

const SCORE = /(^|[^a-z])(acc|accuracy|f1|auc|precision|recall|score)([^a-z]|$)/;

/** Whether differences of a metric are told in points of a hundred. */
export function isShare(name: string, values: readonly number[]): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return SCORE.test(words) && values.every(value => value >= 0 && value <= 1);
}
