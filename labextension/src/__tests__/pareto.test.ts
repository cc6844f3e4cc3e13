import { describe, expect, it } from 'vitest';

import { beaten, beats, front, isLowerBetter, isShare, type ITradeOff } from '../pareto';

/** The same numbers each time: what fails once fails again. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Few values, so that many points are equal in one or in both. */
function clouds(): ITradeOff[][] {
  const roll = dice(20);
  return Array.from({ length: 400 }, () =>
    Array.from({ length: Math.floor(roll() * 12) }, () => ({
      energyJ: Math.floor(roll() * 6),
      metric: Math.floor(roll() * 6) - 2
    }))
  );
}

describe.each([false, true])('the front, where less of the metric is better: %s', lower => {
  it('holds exactly the points that no other beats', () => {
    for (const points of clouds()) {
      const best = new Set(front(points, lower));
      for (const point of points) {
        const isBeaten = points.some(other => beats(other, point, lower));
        expect(best.has(point)).toBe(!isBeaten);
      }
    }
  });

  it('goes from the least energy to the most, and with it from the worst metric to the best', () => {
    for (const points of clouds()) {
      const best = front(points, lower);
      best.slice(1).forEach((point, index) => {
        const before = best[index] ?? point;
        expect(point.energyJ).toBeGreaterThanOrEqual(before.energyJ);
        expect(lower ? before.metric - point.metric : point.metric - before.metric) //
          .toBeGreaterThanOrEqual(0);
      });
    }
  });

  it('is the same in whatever order the points come', () => {
    for (const points of clouds()) {
      expect(new Set(front([...points].reverse(), lower))).toEqual(new Set(front(points, lower)));
    }
  });

  it('leaves the points as they were', () => {
    for (const points of clouds()) {
      const before = [...points];
      front(points, lower);
      expect(points).toEqual(before);
    }
  });

  it('beats every point that is not on it, and names one that does', () => {
    for (const points of clouds()) {
      const best = new Set(front(points, lower));
      const losers = beaten(points, lower);
      expect(losers.map(one => one.point)).toEqual(points.filter(point => !best.has(point)));
      for (const { point, by } of losers) {
        expect(best.has(by) && beats(by, point, lower)).toBe(true);
      }
    }
  });
});

it('names the one with the least energy of those that beat a point', () => {
  const svm = { energyJ: 61, metric: 0.961 };
  const forest = { energyJ: 15, metric: 0.964 };
  const boosting = { energyJ: 33, metric: 0.971 };
  expect(beaten([boosting, svm, forest], false)).toEqual([{ point: svm, by: forest }]);
});

it('guesses from a name that less is better', () => {
  const lower = [
    'loss',
    'val_loss',
    'rmse',
    'test.MAE',
    'mse',
    'valError',
    'error rate',
    'logLoss'
  ];
  const higher = ['accuracy', 'f1', 'auc', 'r2', 'glossary', 'maestro', 'recall', '', '🚀'];
  expect(lower.filter(name => !isLowerBetter(name))).toEqual([]);
  expect(higher.filter(name => isLowerBetter(name))).toEqual([]);
});

it('tells differences in points only of shares', () => {
  expect(isShare('accuracy', [0.9, 1])).toBe(true);
  expect(isShare('test_f1', [0, 0.5])).toBe(true);
  expect(isShare('accuracy', [90, 95])).toBe(false);
  expect(isShare('rmse', [0.1, 0.2])).toBe(false);
});
