import type { TranslationBundle } from '@jupyterlab/translation';

import { energyBrief } from '../../amounts';

import type { INumbered } from './points';

interface IEnergyBarsProps {
  readonly runs: readonly INumbered[];
  readonly trans: TranslationBundle;
}

/** The energy of runs that have no metric, the least first. */
export function EnergyBars({ runs, trans }: IEnergyBarsProps) {
  const most = Math.max(0, ...runs.map(({ run }) => run.total.energy.attributed_j ?? 0));
  const sorted = [...runs].sort(
    (a, b) =>
      (a.run.total.energy.attributed_j ?? Infinity) - (b.run.total.energy.attributed_j ?? Infinity)
  );
  return (
    <ul className="jp-green-list">
      {sorted.map(({ run, name }) => {
        const { attributed_j, low_j, high_j } = run.total.energy;
        const { amount, beside } = energyBrief(attributed_j, low_j, high_j, trans);
        const width = most === 0 ? 0 : (100 * (attributed_j ?? 0)) / most;
        return (
          <li key={run.run_id} className="jp-green-item jp-green-cell">
            <span className="jp-green-cell-head">
              <span className="jp-green-cell-title" title={name}>
                {name}
              </span>
              <span className={attributed_j === null ? 'jp-green-unknown' : 'jp-green-amount'}>
                {amount}
              </span>
            </span>
            <span className="jp-green-bar" aria-hidden="true">
              {attributed_j !== null && (
                <span className="jp-green-bar-value" style={{ width: `${width.toFixed(2)}%` }} />
              )}
            </span>
            {beside !== null && <span className="jp-green-cell-more">{beside}</span>}
          </li>
        );
      })}
    </ul>
  );
}
