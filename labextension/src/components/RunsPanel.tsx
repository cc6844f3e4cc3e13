import type { TranslationBundle } from '@jupyterlab/translation';

import { energyBrief } from '../amounts';
import { metricText } from '../recordText';
import { inTree, isWebAddress, lookedUp, metricsOf } from '../runs';
import type { Found, Run, Runs } from '../wire';

import { Problem, Quiet } from './Quiet';

export interface IRunsPanelProps {
  readonly state: Runs | null;
  /** Why the server cannot be reached, in a sentence. */
  readonly problem: string | null;
  /** What MLflow itself said of a run; null: it has it no longer; absent: it was not asked. */
  readonly looked: Readonly<Record<string, Found | null>>;
  readonly ticked: ReadonlySet<string>;
  readonly isLooking: boolean;
  readonly isSending: boolean;
  readonly onTick: (runId: string, on: boolean) => void;
  readonly onCompare: () => void;
  readonly onLook: () => void;
  readonly onSend: () => void;
  readonly trans: TranslationBundle;
}

/** The runs in MLflow that hold records of a notebook. */
export function RunsPanel(props: IRunsPanelProps) {
  const { state, problem, looked, ticked, onTick, trans } = props;
  const runs = inTree(state?.runs ?? []);
  const commands = [...new Set(runs.flatMap(({ run }) => commandOf(run)))];
  return (
    <div className="jp-green-panel">
      <Problem>{problem}</Problem>
      {state !== null && <Problem>{state.problem}</Problem>}
      <Actions {...props} />
      {state !== null && runs.length === 0 && (
        <Quiet>{trans.__('No run yet. %1 makes a run.', '%%track_energy -n NAME')}</Quiet>
      )}
      {runs.length > 0 && (
        <ul className="jp-green-list">
          {runs.map(({ run, depth }) => (
            <RunItem
              key={run.run_id}
              run={run}
              depth={depth}
              looked={looked}
              isTicked={ticked.has(run.run_id)}
              onTick={onTick}
              trans={trans}
            />
          ))}
        </ul>
      )}
      {commands.length > 0 && (
        <>
          <Quiet>{trans.__('To see them in MLflow, type in a terminal:')}</Quiet>
          {commands.map(command => (
            <code key={command} className="jp-green-code">
              {command}
            </code>
          ))}
        </>
      )}
    </div>
  );
}

/** What to type to see a run that has no address on the web. */
function commandOf({ link, command }: Run): string[] {
  return isWebAddress(link) || command === null ? [] : [command];
}

function Actions({
  state,
  ticked,
  isLooking,
  isSending,
  onCompare,
  onLook,
  onSend,
  trans
}: IRunsPanelProps) {
  if (state === null || (state.runs.length === 0 && state.waiting === 0)) {
    return null;
  }
  const count = state.runs.filter(run => ticked.has(run.run_id)).length;
  return (
    <div className="jp-green-actions">
      {state.runs.length > 0 && (
        <>
          <button
            type="button"
            className="jp-green-button jp-green-accept"
            disabled={count < 2}
            title={count < 2 ? trans.__('Tick two runs or more') : undefined}
            onClick={onCompare}
          >
            {count < 2 ? trans.__('Compare') : trans.__('Compare %1', count)}
          </button>
          <button type="button" className="jp-green-button" disabled={isLooking} onClick={onLook}>
            {isLooking ? trans.__('Asking MLflow…') : trans.__('Ask MLflow')}
          </button>
        </>
      )}
      {state.waiting > 0 && (
        <button type="button" className="jp-green-button" disabled={isSending} onClick={onSend}>
          {isSending
            ? trans.__('Sending…')
            : trans._n(
                'Send %1 waiting record to MLflow',
                'Send %1 waiting records to MLflow',
                state.waiting
              )}
        </button>
      )}
    </div>
  );
}

interface IRunItemProps {
  readonly run: Run;
  readonly depth: number;
  readonly looked: Readonly<Record<string, Found | null>>;
  readonly isTicked: boolean;
  readonly onTick: (runId: string, on: boolean) => void;
  readonly trans: TranslationBundle;
}

const DEEPEST = 3; // steps of indenting that a narrow sidebar has room for

function RunItem({ run, depth, looked, isTicked, onTick, trans }: IRunItemProps) {
  const { attributed_j, low_j, high_j } = run.total.energy;
  const { amount, beside } = energyBrief(attributed_j, low_j, high_j, trans);
  const said = lookedUp(run, looked);
  const metrics = [...metricsOf(run, looked)].map(
    ([name, value]) => `${name} ${metricText(value, trans)}`
  );
  const name = run.name === '' ? trans.__('unnamed') : run.name;
  return (
    <li
      className="jp-green-item jp-green-run"
      style={{ paddingInlineStart: `${String(Math.min(depth, DEEPEST) * 16)}px` }}
    >
      <label className="jp-green-run-label">
        <input
          type="checkbox"
          className="jp-green-tick"
          checked={isTicked}
          onChange={event => onTick(run.run_id, event.target.checked)}
        />
        <span className="jp-green-cell-title" title={name}>
          {name}
        </span>
        <span className={attributed_j === null ? 'jp-green-unknown' : 'jp-green-amount'}>
          {amount}
        </span>
      </label>
      <div className="jp-green-run-more">
        <span>
          <time dateTime={run.started_at} title={run.started_at}>
            {momentText(run.started_at)}
          </time>
          {beside !== null && ` · ${beside}`}
        </span>
        {metrics.length > 0 && <span className="jp-green-run-metrics">{metrics.join(' · ')}</span>}
        {said === null && <span>{trans.__('MLflow has this run no longer.')}</span>}
        {said != null && <Said said={said} trans={trans} />}
        <OpenInMlflow link={run.link} name={name} trans={trans} />
      </div>
    </li>
  );
}

function Said({ said, trans }: { readonly said: Found; readonly trans: TranslationBundle }) {
  const parameters = Object.entries(said.parameters);
  return (
    <>
      {said.status !== null && <span>{trans.__('MLflow: %1', said.status)}</span>}
      {parameters.length > 0 && (
        <details className="jp-green-details">
          <summary>{trans._n('%1 parameter', '%1 parameters', parameters.length)}</summary>
          <dl className="jp-green-pairs">
            {parameters.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

interface IOpenInMlflowProps {
  readonly link: string | null;
  readonly name: string;
  readonly trans: TranslationBundle;
}

function OpenInMlflow({ link, name, trans }: IOpenInMlflowProps) {
  return isWebAddress(link) ? (
    <a
      className="jp-green-anchor"
      href={link}
      target="_blank"
      rel="noopener noreferrer"
      aria-label={trans.__('Open %1 in MLflow', name)}
    >
      {trans.__('Open in MLflow')}
    </a>
  ) : null;
}

const MOMENT = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
const THIS_YEAR = new Intl.DateTimeFormat(undefined, MOMENT);
const ANOTHER_YEAR = new Intl.DateTimeFormat(undefined, { year: 'numeric', ...MOMENT });

function momentText(at: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) {
    return at;
  }
  const isOfThisYear = moment.getFullYear() === new Date().getFullYear();
  return (isOfThisYear ? THIS_YEAR : ANOTHER_YEAR).format(moment);
}
