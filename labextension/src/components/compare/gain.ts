import type { TranslationBundle } from '@jupyterlab/translation';

import { general, percentText } from '../../numbers';
import type { IBeaten } from '../../pareto';

/** Say by how much one run beats another, as in `+0.3 points, −76 % energy`. */
export function gainText(
  { point, by }: IBeaten<{ readonly energyJ: number; readonly metric: number }>,
  metric: string,
  inPoints: boolean,
  trans: TranslationBundle
): string {
  const gain = by.metric - point.metric;
  const size = general(Math.abs(inPoints ? 100 * gain : gain), 2);
  const sign = gain < 0 ? '−' : '+';
  const metricGain =
    gain === 0
      ? trans.__('the same %1', metric)
      : inPoints
        ? trans.__('%1 points', sign + size)
        : `${metric} ${sign}${size}`;
  const energyGain =
    by.energyJ === point.energyJ
      ? trans.__('the same energy')
      : trans.__('−%1 %% energy', lessText((100 * (point.energyJ - by.energyJ)) / point.energyJ));
  return `${metricGain}, ${energyGain}`;
}

/** What is left is something: a saving is never written as 100 %. */
function lessText(percent: number): string {
  return percent < 99.5 || percent >= 100
    ? percentText(percent)
    : general(Math.floor(percent * 10) / 10, 3);
}
