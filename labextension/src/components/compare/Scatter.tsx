import type { TranslationBundle } from '@jupyterlab/translation';
import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

import { energyText } from '../../amounts';
import { general } from '../../numbers';
import { front } from '../../pareto';
import { metricText } from '../../recordText';

import { type IBox, placeLabels } from './labels';
import type { IJudged, IPoint } from './points';
import { energyScale, type IScale, metricScale } from './scales';

const WIDTH_PX = 640; // until the place is known
const LARGEST_PX = 900;
const LONGEST = 22; // letters of a label

interface IScatterProps extends IJudged {
  readonly lowerIsBetter: boolean;
}

/** Energy against the metric: a circle on the front, a triangle where another run beats it. */
export function Scatter({ points, losers, metric, lowerIsBetter, trans }: IScatterProps) {
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
