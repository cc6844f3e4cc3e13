import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { durationText, powerRangeText, powerText } from '../amounts';
import { roundTop } from '../series';
import type { Sample } from '../wire';

import { Quiet } from './Quiet';

const GAP_S = 5; // between two samples: what lay between was not seen

export interface IPowerChartProps {
  readonly samples: readonly Sample[];
  /** Now, on the clock of the samples. */
  readonly nowS: number;
  readonly spanS: number;
  readonly trans: TranslationBundle;
}

interface IPower {
  readonly atS: number;
  readonly powerW: number;
  readonly lowW: number;
  readonly highW: number;
}

/** The samples of a span that have a power, in stretches without a gap. */
export function stretches(samples: readonly Sample[], fromS: number, toS: number): IPower[][] {
  const found: IPower[][] = [];
  let lastS = -Infinity;
  for (const { at_s, power_w, low_w, high_w } of samples) {
    if (power_w === null) {
      // The first sample of a process: the one before it was another's.
      lastS = -Infinity;
    } else if (at_s >= fromS && at_s <= toS) {
      const power = {
        atS: at_s,
        powerW: power_w,
        lowW: low_w ?? power_w,
        highW: high_w ?? power_w
      };
      const current = found[found.length - 1];
      if (current === undefined || at_s - lastS > GAP_S) {
        found.push([power]);
      } else {
        current.push(power);
      }
      lastS = at_s;
    }
  }
  return found;
}

/** Power over the last seconds, its range as a band; what was not seen is a gap. */
export function PowerChart({ samples, nowS, spanS, trans }: IPowerChartProps) {
  const fromS = nowS - spanS;
  const parts = stretches(samples, fromS, nowS);
  const all = parts.flat();
  const latest = all[all.length - 1];
  if (latest === undefined) {
    return (
      <Quiet>{trans.__('No power was seen in the last %1.', durationText(spanS, trans))}</Quiet>
    );
  }
  const highest = all.reduce((a, b) => (b.powerW > a.powerW ? b : a));
  const topW = roundTop(Math.max(...all.map(one => one.highW)));
  const x = (atS: number): string => (atS - fromS).toFixed(2);
  const y = (powerW: number): string => (100 * (1 - Math.max(0, powerW) / topW)).toFixed(2);
  const text = (one: IPower): string => powerRangeText(one.powerW, one.lowW, one.highW, trans);
  const label = trans.__(
    'Power over the last %1. Latest: %2, %3. Highest: %4.',
    durationText(spanS, trans),
    text(latest),
    agoText(nowS - latest.atS, trans),
    text(highest)
  );
  return (
    <div className="jp-green-power">
      <div className="jp-green-power-plot" role="img" aria-label={label}>
        <div className="jp-green-power-scale" aria-hidden="true">
          <span>{powerText(topW)}</span>
          <span>{powerText(topW / 2)}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 0 ${String(spanS)} 100`} preserveAspectRatio="none" aria-hidden="true">
          <path className="jp-green-grid" d={`M0 0H${String(spanS)}M0 50H${String(spanS)}`} />
          <path className="jp-green-axis" d={`M0 100H${String(spanS)}`} />
          {parts.map((part, index) => (
            <g key={index}>
              <path
                className="jp-green-band"
                d={`M${[
                  ...part.map(one => `${x(one.atS)} ${y(one.highW)}`),
                  ...part.map(one => `${x(one.atS)} ${y(one.lowW)}`).reverse()
                ].join('L')}Z`}
              />
              <path
                className="jp-green-curve"
                d={`M${part.map(one => `${x(one.atS)} ${y(one.powerW)}`).join('L')}${
                  part.length === 1 ? 'h0' : ''
                }`}
              />
            </g>
          ))}
        </svg>
        <div className="jp-green-power-times" aria-hidden="true">
          <span>{agoText(spanS, trans)}</span>
          <span>{trans.__('now')}</span>
        </div>
      </div>
      <PowerTable powers={all} nowS={nowS} trans={trans} />
    </div>
  );
}

interface IPowerTableProps {
  readonly powers: readonly IPower[];
  readonly nowS: number;
  readonly trans: TranslationBundle;
}

function PowerTable({ powers, nowS, trans }: IPowerTableProps) {
  // A sample comes each second: rows that nobody looks at are not worth making.
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      className="jp-green-details"
      open={isOpen}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('As a table')}</summary>
      {isOpen && (
        <div className="jp-green-scroll" tabIndex={0} role="region" aria-label={trans.__('Power')}>
          <table className="jp-green-table">
            <thead>
              <tr>
                <th scope="col">{trans.__('Time')}</th>
                <th scope="col">{trans.__('Power (low to high)')}</th>
              </tr>
            </thead>
            <tbody>
              {[...powers].reverse().map(one => (
                <tr key={one.atS}>
                  <td>{agoText(nowS - one.atS, trans)}</td>
                  <td className="jp-green-number">
                    {powerRangeText(one.powerW, one.lowW, one.highW, trans)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function agoText(agoS: number, trans: TranslationBundle): string {
  const wholeS = Math.round(agoS);
  return wholeS < 1 ? trans.__('now') : trans.__('%1 ago', durationText(wholeS, trans));
}
