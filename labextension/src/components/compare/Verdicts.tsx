import { energyText, massText } from '../../amounts';
import { metricText } from '../../recordText';
import { Quiet } from '../Quiet';

import { gainText } from './gain';
import { type IJudged, type INumbered, inPointsOf } from './points';

const SAID = 2; // sentences; the table has the others

/** Which run is beaten by which, and how far one run each can tell. */
export function Sentences({ points, losers, metric, trans }: IJudged) {
  if (points.length < 2) {
    return null;
  }
  const inPoints = inPointsOf(points, metric);
  return (
    <div className="jp-green-sentences">
      {losers.slice(0, SAID).map(({ point, by }) => (
        <p key={point.of.run.run_id}>
          {trans.__(
            'In these runs %1 is beaten by %2: %3',
            point.of.name,
            by.of.name,
            gainText({ point, by }, metric, inPoints, trans)
          )}
        </p>
      ))}
      {losers.length > SAID && (
        <p>
          {trans._n(
            '%1 more is beaten: see the table.',
            '%1 more are beaten: see the table.',
            losers.length - SAID
          )}
        </p>
      )}
      {losers.length === 0 && (
        <p>
          {trans.__(
            'None of these runs beats another: a better %1 takes more energy here.',
            metric
          )}
        </p>
      )}
      <Quiet>
        {trans.__(
          'Bars show the range of each energy, most of which is shared by runs on the same computer. A point is one run: how much runs vary, it cannot tell.'
        )}
      </Quiet>
    </div>
  );
}

interface ICompareTableProps extends IJudged {
  readonly runs: readonly INumbered[];
}

/** All figures of the plot, with a verdict for each run. */
export function CompareTable({ runs, points, losers, metric, trans }: ICompareTableProps) {
  const inPoints = inPointsOf(points, metric);
  const verdict = (one: INumbered): string => {
    const lost = losers.find(({ point }) => point.of === one);
    if (lost !== undefined) {
      return trans.__('beaten by %1: %2', lost.by.of.name, gainText(lost, metric, inPoints, trans));
    }
    if (!points.some(point => point.of === one)) {
      return trans.__('cannot tell');
    }
    return points.length === 1 ? trans.__('nothing to compare with') : trans.__('on the front');
  };
  return (
    <div className="jp-green-scroll" tabIndex={0} role="region" aria-label={trans.__('Runs')}>
      <table className="jp-green-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('No.')}</th>
            <th scope="col">{trans.__('Run')}</th>
            <th scope="col">{metric}</th>
            <th scope="col">{trans.__('Energy (low to high)')}</th>
            <th scope="col">{trans.__('CO₂e (low to high)')}</th>
            <th scope="col">{trans.__('Verdict')}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map(one => {
            const { energy, co2e_g, co2e_low_g, co2e_high_g } = one.run.total;
            return (
              <tr key={one.run.run_id}>
                <td className="jp-green-number">{one.number}</td>
                <th scope="row">{one.name}</th>
                <td className="jp-green-number">
                  {metricText(one.metrics.get(metric) ?? null, trans)}
                </td>
                <td className="jp-green-number">
                  {energyText(energy.attributed_j, energy.low_j, energy.high_j, trans)}
                </td>
                <td className="jp-green-number">
                  {massText(co2e_g, co2e_low_g, co2e_high_g, trans)}
                </td>
                <td>{verdict(one)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
