import type { TranslationBundle } from '@jupyterlab/translation';
import { useId } from 'react';

import { general, threeFigures } from '../numbers';
import { intensityText, qualityText } from '../recordText';
import type { DoctorState, SensorState, SettingState, SettingsState, Zone } from '../wire';

import { Breakable } from './Breakable';
import { Problem, Quiet, Told } from './Quiet';

export interface IMeasuredPanelProps {
  readonly doctor: DoctorState | null;
  /** Why the server cannot be reached, in a sentence. */
  readonly problem: string | null;
  readonly isAsking: boolean;
  readonly onAsk: () => void;
  readonly settings: SettingsState | null;
  readonly zones: readonly Zone[] | null;
  /** An empty code: no grid is set, so that the world's average counts. */
  readonly onChooseZone: (code: string) => void;
  readonly onOpenSettings: () => void;
  readonly message: string | null;
  readonly trans: TranslationBundle;
}

/** What is measured here, how, and how to measure better. */
export function MeasuredPanel(props: IMeasuredPanelProps) {
  const { doctor, problem, isAsking, onAsk, settings, onOpenSettings, message, trans } = props;
  return (
    <div className="jp-green-panel">
      <Problem>{problem}</Problem>
      {doctor === null ? (
        <Quiet>
          {trans.__('What can be measured on this computer takes a second or two to find out.')}
        </Quiet>
      ) : (
        <Found doctor={doctor} trans={trans} />
      )}
      <div className="jp-green-actions">
        <button
          type="button"
          className={doctor === null ? 'jp-green-button jp-green-accept' : 'jp-green-button'}
          disabled={isAsking}
          onClick={onAsk}
        >
          {isAsking
            ? trans.__('Finding out…')
            : doctor === null
              ? trans.__('Find out')
              : trans.__('Find out again')}
        </button>
      </div>
      <Grid {...props} />
      <Told>{message}</Told>
      {settings !== null && (
        <SettingsTable settings={settings} onOpenSettings={onOpenSettings} trans={trans} />
      )}
    </div>
  );
}

interface IFoundProps {
  readonly doctor: DoctorState;
  readonly trans: TranslationBundle;
}

function Found({ doctor, trans }: IFoundProps) {
  const { quality, sensors, own_cost: cost, journal } = doctor;
  return (
    <>
      <p className="jp-green-lead">
        {trans.__('Energy is %1 on this computer.', qualityText(quality, trans))}
      </p>
      <ul className="jp-green-list">
        {sensors.map(sensor => (
          <Sensor key={sensor.name} sensor={sensor} trans={trans} />
        ))}
      </ul>
      <dl className="jp-green-pairs">
        <div>
          <dt>{trans.__('A bare window and its journal line take')}</dt>
          <dd>
            {costText(cost.cell_cpu_ms, trans)}
            {cost.after_pause_cpu_ms !== null &&
              `; ${trans.__('%1 after a pause', costText(cost.after_pause_cpu_ms, trans))}`}
            <span className="jp-green-line-of">{cost.method}</span>
          </dd>
        </div>
        <div>
          <dt>{trans.__('Records are in')}</dt>
          <dd>
            <code className="jp-green-code">
              <Breakable text={journal.folder} />
            </code>
            <span className="jp-green-line-of">
              {trans._n('%1 session', '%1 sessions', journal.sessions)}
            </span>
          </dd>
        </div>
      </dl>
    </>
  );
}

function costText(ms: number | null, trans: TranslationBundle): string {
  return ms === null ? trans.__('not measured') : trans.__('%1 ms CPU time', general(ms, 2));
}

interface ISensorProps {
  readonly sensor: SensorState;
  readonly trans: TranslationBundle;
}

function Sensor({ sensor, trans }: ISensorProps) {
  const { name, domains, quality, available, reason, hint } = sensor;
  return (
    <li className="jp-green-item jp-green-sensor">
      <span className="jp-green-cell-head">
        <span className="jp-green-cell-title" title={sensorName(name, trans)}>
          {sensorName(name, trans)}
        </span>
        <span className={available ? 'jp-green-beside' : 'jp-green-unknown'}>
          {available ? qualityText(quality, trans) : trans.__('not here')}
        </span>
      </span>
      {domains.length > 0 && (
        <span className="jp-green-cell-more">{trans.__('Covers: %1', domains.join(', '))}</span>
      )}
      {reason !== null && <span className="jp-green-cell-more">{reason}</span>}
      {hint !== null && (
        <pre
          className="jp-green-pre"
          tabIndex={0}
          role="region"
          aria-label={trans.__('How to measure better')}
        >
          {hint}
        </pre>
      )}
    </li>
  );
}

function sensorName(name: string, trans: TranslationBundle): string {
  switch (name) {
    case 'rapl':
      return trans.__('Counters (RAPL)');
    case 'model':
      return trans.__('Model from CPU time');
    default:
      return name;
  }
}

const INTENSITY = 'intensity';

function Grid({ doctor, settings, zones, onChooseZone, trans }: IMeasuredPanelProps) {
  const id = useId();
  const intensity = settings?.intensity ?? doctor?.intensity ?? null;
  const setting = settings?.settings.find(one => one.name === INTENSITY) ?? null;
  if (intensity === null && setting === null) {
    return null;
  }
  const isLocked = setting?.is_locked ?? false;
  const current =
    intensity === null ? valueOf(setting) : intensity.zone === 'world' ? '' : intensity.zone;
  const isListed = current === '' || (zones ?? []).some(zone => zone.code === current);
  return (
    <section
      className="jp-green-section jp-green-grid-choice"
      tabIndex={-1}
      aria-label={trans.__('Grid')}
    >
      <label className="jp-green-field" htmlFor={id}>
        {trans.__('Grid')}
      </label>
      <select
        id={id}
        className="jp-green-input"
        value={current}
        disabled={isLocked || zones === null}
        aria-describedby={`${id}-more`}
        onChange={event => onChooseZone(event.target.value)}
      >
        <option value="">{trans.__('not set: world average')}</option>
        {!isListed && <option value={current}>{intensity?.label ?? current}</option>}
        {(zones ?? []).map(({ code, name, g_per_kwh }) => (
          <option key={code} value={code}>
            {trans.__('%1 (%2), %3 g/kWh', name, code, threeFigures(g_per_kwh))}
          </option>
        ))}
      </select>
      <div id={`${id}-more`} className="jp-green-cell-more">
        {intensity === null ? (
          <p>{trans.__('The carbon intensity is not known, so CO₂e is not measured.')}</p>
        ) : (
          <p>
            {intensityText(intensity, trans)}; {trans.__('source: %1', intensity.source)}
          </p>
        )}
        {isLocked && (
          <p>
            {trans.__('An admin chose this: %1. It cannot be changed here.', setting?.source ?? '')}
          </p>
        )}
        {settings?.problem != null && <p>{settings.problem}</p>}
      </div>
    </section>
  );
}

function valueOf(setting: SettingState | null): string {
  return typeof setting?.value === 'string' ? setting.value : '';
}

interface ISettingsTableProps {
  readonly settings: SettingsState;
  readonly onOpenSettings: () => void;
  readonly trans: TranslationBundle;
}

function SettingsTable({ settings, onOpenSettings, trans }: ISettingsTableProps) {
  return (
    <details className="jp-green-details">
      <summary>{trans.__('Settings')}</summary>
      <table className="jp-green-table jp-green-settings">
        <thead>
          <tr>
            <th scope="col">{trans.__('Name')}</th>
            <th scope="col">{trans.__('Value')}</th>
            <th scope="col">{trans.__('From')}</th>
          </tr>
        </thead>
        <tbody>
          {settings.settings.map(({ name, value, source, is_locked }) => (
            <tr key={name}>
              <th scope="row">
                <Breakable text={name} />
              </th>
              <td>{value === null ? trans.__('not set') : String(value)}</td>
              <td>
                <Breakable text={is_locked ? trans.__('%1, locked by an admin', source) : source} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" className="jp-green-button" onClick={onOpenSettings}>
        {trans.__('Open settings')}
      </button>
    </details>
  );
}
