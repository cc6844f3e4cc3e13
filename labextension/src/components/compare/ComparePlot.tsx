import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useState } from 'react';

import { beaten, isLowerBetter } from '../../pareto';
import { metricsOf } from '../../runs';
import type { Found, Run } from '../../wire';
import { Quiet } from '../Quiet';

import { EnergyBars } from './EnergyBars';
import { metricNames, pointOf } from './points';
import { Scatter } from './Scatter';
import { CompareTable, Sentences } from './Verdicts';

export interface IComparePlotProps {
  readonly runs: readonly Run[];
  /** What MLflow itself said of a run. */
  readonly looked: Readonly<Record<string, Found | null>>;
  readonly trans: TranslationBundle;
}

/** Energy against a metric of the chosen runs, and which of them no other beats. */
export function ComparePlot({ runs, looked, trans }: IComparePlotProps) {
  const id = useId();
  const [chosen, setChosen] = useState<string | null>(null);
  const [directions, setDirections] = useState<ReadonlyMap<string, boolean>>(new Map());
  if (runs.length === 0) {
    return (
      <div className="jp-green-compare">
        <Quiet>{trans.__('Tick two runs or more in the sidebar, then Compare.')}</Quiet>
      </div>
    );
  }
  const numbered = runs.map((run, index) => ({
    run,
    number: index + 1,
    name: run.name === '' ? trans.__('unnamed') : run.name,
    metrics: metricsOf(run, looked)
  }));
  const names = metricNames(numbered);
  const metric = chosen !== null && names.includes(chosen) ? chosen : names[0];
  if (metric === undefined) {
    return (
      <div className="jp-green-compare">
        <Quiet>{trans.__('These runs have no metric. Their energy alone, the least first:')}</Quiet>
        <EnergyBars runs={numbered} trans={trans} />
      </div>
    );
  }
  const lowerIsBetter = directions.get(metric) ?? isLowerBetter(metric);
  const points = numbered.flatMap(one => pointOf(one, metric));
  const losers = beaten(points, lowerIsBetter);
  const without = numbered.filter(one => !points.some(point => point.of === one));
  return (
    <div className="jp-green-compare">
      <div className="jp-green-choices">
        <label className="jp-green-field" htmlFor={id}>
          {trans.__('Metric')}
        </label>
        <select
          id={id}
          className="jp-green-input"
          value={metric}
          onChange={event => setChosen(event.target.value)}
        >
          {names.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <label className="jp-green-check">
          <input
            type="checkbox"
            className="jp-green-tick"
            checked={lowerIsBetter}
            onChange={event => setDirections(new Map(directions).set(metric, event.target.checked))}
          />
          {trans.__('Less is better')}
        </label>
      </div>
      {points.length > 0 && (
        <Scatter
          points={points}
          losers={losers}
          metric={metric}
          lowerIsBetter={lowerIsBetter}
          trans={trans}
        />
      )}
      <Sentences points={points} losers={losers} metric={metric} trans={trans} />
      {without.length > 0 && (
        <Quiet>
          {trans.__(
            'Not in the plot, because %1 or the energy is not known: %2',
            metric,
            without.map(one => one.name).join(', ')
          )}
        </Quiet>
      )}
      <CompareTable runs={numbered} points={points} losers={losers} metric={metric} trans={trans} />
    </div>
  );
}
