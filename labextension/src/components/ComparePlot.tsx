import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useLayoutEffect, useRef, useState, type RefObject } from 'react';

import { energyBrief, energyText, general, massText, metricText, percentText } from '../format';
import { beaten, front, isLowerBetter, isShare, type IBeaten } from '../pareto';
import type { LookedUp, RunState } from '../wire';

import { roundTop } from './PowerChart';
import { Quiet } from './Quiet';
import { metricsOf } from './RunsPanel';

export interface IComparePlotProps {
  readonly runs: readonly RunState[];
  /** What MLflow itself said of a run. */
  readonly looked: Readonly<Record<string, LookedUp | null>>;
  readonly trans: TranslationBundle;
}

interface INumbered {
  readonly run: RunState;
  readonly number: number;
  readonly name: string;
  readonly metrics: ReadonlyMap<string, number | null>;
}

interface IPoint {
  readonly energyJ: number;
  readonly metric: number;
  readonly lowJ: number;
  readonly highJ: number;
  readonly of: INumbered;
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

function pointOf(of: INumbered, metric: string): IPoint[] {
  const { attributed_j: energyJ, low_j, high_j } = of.run.total.energy;
  const value = of.metrics.get(metric) ?? null;
  return energyJ === null || value === null
    ? []
    : [{ energyJ, metric: value, lowJ: low_j ?? energyJ, highJ: high_j ?? energyJ, of }];
}

/** The names of all known metrics; those that most runs have come first. */
function metricNames(runs: readonly INumbered[]): string[] {
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

interface IJudged {
  readonly points: readonly IPoint[];
  readonly losers: readonly IBeaten<IPoint>[];
  readonly metric: string;
  readonly trans: TranslationBundle;
}

function inPointsOf(points: readonly IPoint[], metric: string): boolean {
  return isShare(
    metric,
    points.map(point => point.metric)
  );
}

const SAID = 2; // sentences; the table has the others

function Sentences({ points, losers, metric, trans }: IJudged) {
  if (points.length < 2) {
    return null;
  }
  const inPoints = inPointsOf(points, metric);
  return (
    <div className="jp-green-sentences">
      {losers.slice(0, SAID).map(({ point, by }) => (
        <p key={point.of.run.run_id}>
          {trans.__(
            '%1 is beaten by %2: %3',
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
        <p>{trans.__('No run beats another: a better %1 takes more energy here.', metric)}</p>
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

function CompareTable({ runs, points, losers, metric, trans }: ICompareTableProps) {
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

interface IEnergyBarsProps {
  readonly runs: readonly INumbered[];
  readonly trans: TranslationBundle;
}

function EnergyBars({ runs, trans }: IEnergyBarsProps) {
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

/** A scale from values to pixels, and the values worth a mark. */
interface IScale {
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

function metricScale(points: readonly IPoint[], heightPx: number): IScale {
  const values = points.map(point => point.metric);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? (high - low) * 0.15 : Math.abs(high) * 0.05 || 1;
  const [from, to] = [low - room, high + room];
  return {
    at: value => heightPx * (1 - (value - from) / (to - from)),
    ticks: roundTicks(from, to, Math.max(2, heightPx / 50))
  };
}

const WIDTH_PX = 640; // until the place is known
const LARGEST_PX = 900;
const LETTER_PX = 6.7; // of 12 px text, on the average
const LONGEST = 22; // letters of a label

interface IScatterProps extends IJudged {
  readonly lowerIsBetter: boolean;
}

function Scatter({ points, losers, metric, lowerIsBetter, trans }: IScatterProps) {
  const box = useRef<HTMLDivElement>(null);
  const widthPx = useWidth(box);
  const heightPx = Math.round(Math.min(420, Math.max(240, widthPx * 0.5)));
  const inside = { left: 58, right: 14, top: 26, bottom: 44 };
  const plot = {
    widthPx: Math.max(60, widthPx - inside.left - inside.right),
    heightPx: heightPx - inside.top - inside.bottom
  };
  const x = energyScale(points, plot.widthPx);
  const y = metricScale(points, plot.heightPx);
  const best = front(points, lowerIsBetter);
  const lost = new Set(losers.map(({ point }) => point));
  const placed = placeLabels(
    points.map(point => ({
      x: x.at(point.energyJ),
      y: y.at(point.metric),
      left: x.at(point.lowJ),
      right: x.at(point.highJ),
      names: [shortened(point.of.name), String(point.of.number)]
    })),
    risers(best, x, y),
    plot.widthPx,
    plot.heightPx
  );
  const label = trans.__(
    'Energy against %1 of %2 runs. On the front: %3. The table below has all figures.',
    metric,
    points.length,
    best.map(point => point.of.name).join(', ')
  );
  return (
    <div className="jp-green-scatter" ref={box}>
      <svg width={widthPx} height={heightPx} role="img" aria-label={label}>
        <text className="jp-green-axis-name" x={inside.left} y={14}>
          {lowerIsBetter
            ? trans.__('%1 (less is better)', shortened(metric))
            : trans.__('%1 (more is better)', shortened(metric))}
        </text>
        <g transform={`translate(${String(inside.left)} ${String(inside.top)})`}>
          {y.ticks.map(tick => (
            <g key={tick} transform={`translate(0 ${y.at(tick).toFixed(1)})`}>
              <path className="jp-green-grid" d={`M0 0H${String(plot.widthPx)}`} />
              <text className="jp-green-tick-text" x={-8} y={4} textAnchor="end">
                {general(tick, 4)}
              </text>
            </g>
          ))}
          <path
            className="jp-green-axis"
            d={`M0 0V${String(plot.heightPx)}H${String(plot.widthPx)}`}
          />
          {x.ticks.map(tick => (
            <g
              key={tick}
              transform={`translate(${x.at(tick).toFixed(1)} ${String(plot.heightPx)})`}
            >
              <path className="jp-green-axis" d="M0 0V4" />
              <text className="jp-green-tick-text" y={17} textAnchor="middle">
                {tick === 0 ? '0' : energyText(tick, null, null, trans)}
              </text>
            </g>
          ))}
          <text
            className="jp-green-axis-name"
            x={plot.widthPx}
            y={plot.heightPx + 36}
            textAnchor="end"
          >
            {trans.__('energy (less is better)')}
          </text>
          <path className="jp-green-front" d={stepLine(best, x, y, plot.widthPx)} />
          {points.map(point => (
            <path
              key={point.of.number}
              className="jp-green-error"
              d={errorBar(x.at(point.lowJ), x.at(point.highJ), y.at(point.metric))}
            />
          ))}
          {points.map(point => (
            <g
              key={point.of.number}
              transform={`translate(${x.at(point.energyJ).toFixed(1)} ${y.at(point.metric).toFixed(1)})`}
            >
              <title>{pointText(point, metric, trans)}</title>
              {lost.has(point) ? (
                <path className="jp-green-loser" d="M0 -5.5L5.5 4.5H-5.5Z" />
              ) : (
                <circle className="jp-green-winner" r={5} />
              )}
            </g>
          ))}
          {placed.map((one, index) => (
            <text
              key={index}
              className="jp-green-point-name"
              x={one.x.toFixed(1)}
              y={one.y.toFixed(1)}
              textAnchor={one.anchor}
            >
              {one.text}
            </text>
          ))}
        </g>
      </svg>
      <p className="jp-green-legend" aria-hidden="true">
        <svg width={12} height={12} viewBox="-6 -6 12 12">
          <circle className="jp-green-winner" r={5} />
        </svg>
        {trans.__('on the front')}
        {losers.length > 0 && (
          <>
            <svg width={12} height={12} viewBox="-6 -6 12 12">
              <path className="jp-green-loser" d="M0 -5L5 4.5H-5Z" />
            </svg>
            {trans.__('beaten by another')}
          </>
        )}
      </p>
    </div>
  );
}

function useWidth(box: RefObject<HTMLElement>): number {
  const [widthPx, setWidthPx] = useState(WIDTH_PX);
  useLayoutEffect(() => {
    const node = box.current;
    if (node === null || typeof ResizeObserver === 'undefined') {
      return;
    }
    const observer = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width > 0) {
        setWidthPx(Math.min(LARGEST_PX, Math.floor(width)));
      }
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [box]);
  return widthPx;
}

function shortened(name: string): string {
  const letters = Array.from(name);
  return letters.length <= LONGEST ? name : `${letters.slice(0, LONGEST - 1).join('')}…`;
}

function pointText(point: IPoint, metric: string, trans: TranslationBundle): string {
  const energy = energyText(point.energyJ, point.lowJ, point.highJ, trans);
  return `${point.of.name}: ${metric} ${metricText(point.metric, trans)} · ${energy}`;
}

function errorBar(left: number, right: number, middle: number): string {
  const [from, to, at] = [left.toFixed(1), right.toFixed(1), middle.toFixed(1)];
  return `M${from} ${at}H${to}M${from} ${at}m0 -4v8M${to} ${at}m0 -4v8`;
}

/** What can be had for an energy: it stays until the next run on the front adds to it. */
function stepLine(best: readonly IPoint[], x: IScale, y: IScale, widthPx: number): string {
  const [first, ...others] = best;
  if (first === undefined) {
    return '';
  }
  const start = `M${x.at(first.energyJ).toFixed(1)} ${y.at(first.metric).toFixed(1)}`;
  const steps = others.map(
    point => `H${x.at(point.energyJ).toFixed(1)}V${y.at(point.metric).toFixed(1)}`
  );
  return `${start}${steps.join('')}H${widthPx.toFixed(1)}`;
}

/** Where the front goes up: no name is to stand there. */
function risers(best: readonly IPoint[], x: IScale, y: IScale): IBox[] {
  return best.flatMap((point, index) => {
    const before = best[index - 1];
    if (before === undefined) {
      return [];
    }
    const [at, from, to] = [x.at(point.energyJ), y.at(before.metric), y.at(point.metric)];
    return [{ left: at - 1, right: at + 1, top: Math.min(from, to), bottom: Math.max(from, to) }];
  });
}

interface IMark {
  readonly x: number;
  readonly y: number;
  readonly left: number;
  readonly right: number;
  /** What to call it, the best first. */
  readonly names: readonly string[];
}

export interface IBox {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface IPlacedLabel {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** Put each name where it hides nothing, or a shorter one, or none. */
export function placeLabels(
  marks: readonly IMark[],
  others: readonly IBox[],
  widthPx: number,
  heightPx: number
): IPlacedLabel[] {
  const taken = [
    ...others,
    ...marks.flatMap(mark => [
      { left: mark.x - 6, right: mark.x + 6, top: mark.y - 6, bottom: mark.y + 6 },
      { left: mark.left, right: mark.right, top: mark.y - 1, bottom: mark.y + 1 }
    ])
  ];
  const placed: IPlacedLabel[] = [];
  for (const mark of marks) {
    const free = mark.names
      .flatMap(text => candidates(mark, text))
      .find(
        ({ box }) =>
          box.left >= 0 &&
          box.right <= widthPx &&
          box.top >= -12 &&
          box.bottom <= heightPx &&
          !taken.some(other => touches(box, other))
      );
    if (free !== undefined) {
      taken.push(free.box);
      placed.push(free.label);
    }
  }
  return placed;
}

function candidates(mark: IMark, text: string): { label: IPlacedLabel; box: IBox }[] {
  const width = text.length * LETTER_PX;
  const spots = [
    ['middle', 0, -10],
    ['middle', 0, 18],
    ['start', 6, -7],
    ['end', -6, -7],
    ['start', 6, 16],
    ['end', -6, 16],
    ['start', 10, 4],
    ['end', -10, 4]
  ] as const;
  return spots.map(([anchor, dx, dy]) => {
    const [x, y] = [mark.x + dx, mark.y + dy];
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return {
      label: { text, x, y, anchor },
      box: { left, right: left + width, top: y - 10, bottom: y + 3 }
    };
  });
}

function touches(a: IBox, b: IBox): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
