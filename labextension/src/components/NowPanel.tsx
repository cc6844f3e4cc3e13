import type { TranslationBundle } from '@jupyterlab/translation';

import { energyBrief, energyText, powerRangeText } from '../amounts';
import { threeFigures } from '../numbers';
import { qualityText, totalCo2eText } from '../recordText';
import type { LiveState, NotebookState, Total } from '../wire';

import { IDLE_W } from '../words';

import { PowerChart } from './PowerChart';
import { Problem, Quiet, Told } from './Quiet';

const SPAN_S = 120;
const WORLD_G_PER_KWH = 475; // IEA, world average 2019: as in jupyter_green's tables

/** What somebody is told who opens the sidebar for the first time. */
export interface IFirstRun {
  readonly method: string | null;
  readonly gridIsSet: boolean;
}

export interface INowPanelProps {
  readonly live: LiveState | null;
  readonly state: NotebookState | null;
  /** Whose carbon intensity the totals are of. */
  /** Why the server cannot be reached, in a sentence. */
  readonly problem: string | null;
  /** The notebook's path or name; null: none is open. */
  readonly notebook: string | null;
  /** null: this kernel cannot be tracked. */
  readonly isTracking: boolean | null;
  /** Why the notebook cannot be tracked, or not well, in a sentence. */
  readonly trackingProblem: string | null;
  readonly firstRun: IFirstRun | null;
  readonly onTrack: (on: boolean) => void;
  readonly onChooseGrid: () => void;
  /** The first lines were read. */
  readonly onFirstRead: () => void;
  readonly trans: TranslationBundle;
}

/** What the active notebook draws now, and what it took so far. */
export function NowPanel(props: INowPanelProps) {
  const { live, problem, notebook, firstRun, onChooseGrid, onFirstRead, trans } = props;
  return (
    <div className="jp-green-panel">
      <Problem>{problem}</Problem>
      {firstRun !== null && (
        <FirstRun
          firstRun={firstRun}
          onChooseGrid={onChooseGrid}
          onFirstRead={onFirstRead}
          trans={trans}
        />
      )}
      {notebook === null ? (
        <Quiet>{trans.__('Open a notebook to see what its cells take.')}</Quiet>
      ) : (
        <>
          <Tracking {...props} />
          <Told>{props.trackingProblem}</Told>
          <Live live={live} trans={trans} />
          <Totals {...props} />
        </>
      )}
    </div>
  );
}

interface IFirstRunProps {
  readonly firstRun: IFirstRun;
  readonly onChooseGrid: () => void;
  readonly onFirstRead: () => void;
  readonly trans: TranslationBundle;
}

function FirstRun({ firstRun, onChooseGrid, onFirstRead, trans }: IFirstRunProps) {
  return (
    <div className="jp-green-first">
      {firstRun.method !== null && <p>{firstRun.method}</p>}
      {!firstRun.gridIsSet && (
        <p>
          {trans.__('Your grid is not set: world average %1 g/kWh.', WORLD_G_PER_KWH)}{' '}
          <button
            type="button"
            className="jp-green-link"
            aria-label={trans.__('Choose your grid')}
            onClick={onChooseGrid}
          >
            {trans.__('Choose')}
          </button>
        </p>
      )}
      <p>
        {trans.__('Data stays on this computer.')}{' '}
        <button type="button" className="jp-green-link" onClick={onFirstRead}>
          {trans.__('Got it')}
        </button>
      </p>
    </div>
  );
}

function Live({
  live,
  trans
}: {
  readonly live: LiveState | null;
  readonly trans: TranslationBundle;
}) {
  if (live === null) {
    return null;
  }
  const newest = live.samples[live.samples.length - 1];
  return (
    <section className="jp-green-section" aria-label={trans.__('Power of the kernel')}>
      {newest !== undefined && newest.power_w !== null && (
        <p className="jp-green-now" title={live.method ?? undefined}>
          <span className="jp-green-big">
            {newest.power_w < IDLE_W
              ? trans.__('idle')
              : powerRangeText(newest.power_w, newest.low_w, newest.high_w, trans)}
          </span>
          {live.quality !== null && (
            <span className="jp-green-beside">{qualityText(live.quality, trans)}</span>
          )}
        </p>
      )}
      {live.problem !== null && <Quiet>{live.problem}</Quiet>}
      {live.samples.some(one => one.power_w !== null) && (
        <PowerChart samples={live.samples} nowS={live.now_s} spanS={SPAN_S} trans={trans} />
      )}
    </section>
  );
}

function Tracking({ isTracking, onTrack, trans }: INowPanelProps) {
  if (isTracking === null) {
    return null;
  }
  return (
    <p className="jp-green-actions">
      {isTracking ? (
        <>
          <span className="jp-green-beside">{trans.__('This notebook is tracked.')}</span>
          <button type="button" className="jp-green-link" onClick={() => onTrack(false)}>
            {trans.__('Stop')}
          </button>
        </>
      ) : (
        <button
          type="button"
          className="jp-green-button jp-green-accept"
          onClick={() => onTrack(true)}
        >
          {trans.__('Track this notebook')}
        </button>
      )}
    </p>
  );
}

function Totals({ state, isTracking, trans }: INowPanelProps) {
  if (state === null || (state.total === null && state.session === null)) {
    const text = state?.problem ?? firstStep(isTracking, trans);
    return text === null ? null : <Quiet>{text}</Quiet>;
  }
  const isOnlyOne = state.sessions === 1 && state.session !== null; // the sums are the same
  return (
    <section className="jp-green-section" aria-label={trans.__('Totals')}>
      <dl className="jp-green-totals">
        {state.total !== null && (
          <TotalRow
            name={
              state.sessions > 1
                ? trans._n(
                    'This notebook, %1 session',
                    'This notebook, %1 sessions',
                    state.sessions
                  )
                : isOnlyOne
                  ? trans.__('This notebook, in this session')
                  : trans.__('This notebook')
            }
            total={state.total}
            trans={trans}
          />
        )}
        {state.session !== null && !isOnlyOne && (
          <TotalRow name={trans.__('This session')} total={state.session} trans={trans} />
        )}
      </dl>
      {state.method !== null && (
        <details className="jp-green-details">
          <summary>{trans.__('Method')}</summary>
          <p>{state.method}</p>
          {state.covers.length > 0 && <p>{trans.__('It covers: %1', state.covers.join(', '))}</p>}
        </details>
      )}
      {state.problem !== null && <Quiet>{state.problem}</Quiet>}
      {state.unreadable > 0 && (
        <Quiet>
          {trans._n(
            '%1 line of the records could not be read and is left out.',
            '%1 lines of the records could not be read and are left out.',
            state.unreadable
          )}
        </Quiet>
      )}
    </section>
  );
}

/** Say what brings the first number; nothing where the kernel's cells cannot be tracked, as is said above. */
function firstStep(isTracking: boolean | null, trans: TranslationBundle): string | null {
  if (isTracking === null) {
    return null;
  }
  return isTracking
    ? trans.__('Run a cell. Its energy appears here. Nothing leaves this computer.')
    : trans.__(
        'Track this notebook, then run a cell: its energy appears here. Nothing leaves this computer.'
      );
}

interface ITotalRowProps {
  readonly name: string;
  readonly total: Total;
  readonly trans: TranslationBundle;
}

function TotalRow({ name, total, trans }: ITotalRowProps) {
  const { energy, between_j: between } = total;
  const { amount, beside } = energyBrief(energy.attributed_j, energy.low_j, energy.high_j, trans);
  return (
    <div className="jp-green-total">
      <dt>{name}</dt>
      <dd>
        <span className={energy.attributed_j === null ? 'jp-green-unknown' : 'jp-green-amount'}>
          {amount}
        </span>
        <span className="jp-green-beside">
          {[beside, qualityOf(total, trans)].filter(isText).join(' · ')}
        </span>
        <span className="jp-green-line-of">{totalCo2eText(total, trans)}</span>
        {between !== null && (
          <span className="jp-green-line-of">
            {trans.__(
              'of which between cells: %1',
              energyText(between.value, between.low, between.high, trans)
            )}
          </span>
        )}
        {total.cost !== null && (
          <span className="jp-green-line-of">
            {trans.__(
              '%1 at your price',
              `${threeFigures(total.cost)} ${total.currency ?? ''}`.trim()
            )}
          </span>
        )}
      </dd>
    </div>
  );
}

function qualityOf(
  { energy, without_energy, parts }: Total,
  trans: TranslationBundle
): string | null {
  if (energy.quality === null) {
    return null;
  }
  if (energy.attributed_j !== null) {
    return qualityText(energy.quality, trans);
  }
  return without_energy > 0
    ? trans.__('not known for %1 of %2 parts', without_energy, parts)
    : trans.__('not known between cells');
}

function isText(text: string | null): text is string {
  return text !== null;
}
