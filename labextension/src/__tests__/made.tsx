import type { TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation/lib/base';
import { act, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, expect, vi } from 'vitest';

import type {
  CellRecord,
  CellState,
  DoctorState,
  Energy,
  Intensity,
  LiveState,
  NotebookState,
  Run,
  Sample,
  SettingsState,
  Total
} from '../wire';

export const trans = nullTranslator.load('jupyter_green');

/** A language of capitals: what it does not say was never translated. */
export const inCapitals: TranslationBundle = {
  ...trans,
  __: (text, ...values: unknown[]) => trans.__(text, ...values).toUpperCase()
};

/** Names as somebody could give them. */
export const HOSTILE = ['<img src=x onerror=alert(1)>', '🚀👩‍💻', 'x'.repeat(5000), '%1 %% &amp; "'];

export const WORLD: Intensity = {
  zone: 'world',
  g_per_kwh: 475,
  low: 20,
  high: 900,
  at: '2019',
  kind: 'average',
  scope: 'direct',
  source: 'table',
  label: 'grid not set, world average'
};

function half(value: number | null): number | null {
  return value === null ? null : value / 2;
}

function double(value: number | null): number | null {
  return value === null ? null : value * 2;
}

function grams(energyJ: number | null, gPerKwh: number): number | null {
  return energyJ === null ? null : (energyJ / 3.6e6) * gPerKwh;
}

export function energy(valueJ: number | null): Energy {
  return {
    machine_j: {},
    attributed_j: valueJ,
    low_j: half(valueJ),
    high_j: double(valueJ),
    duration_s: 2,
    cpu_s: 1,
    others_cpu_s: null,
    source: { cpu: 'model' },
    quality: 'modelled',
    covers: ['cpu'],
    notes: []
  };
}

export function record(valueJ: number | null, changes: Partial<CellRecord> = {}): CellRecord {
  return {
    record_id: 's-1',
    session_id: 's',
    kind: 'cell',
    part_of: null,
    notebook: null,
    kernel_id: null,
    cell_id: 'c',
    execution_count: 1,
    code: null,
    name: null,
    phase: null,
    started_at: '2026-05-04T12:00:00+00:00',
    status: 'ok',
    energy: energy(valueJ),
    intensity: WORLD,
    pue: 1,
    co2e_g: grams(valueJ, 475),
    co2e_low_g: grams(half(valueJ), 20),
    co2e_high_g: grams(double(valueJ), 900),
    price_per_kwh: null,
    cost: null,
    currency: null,
    metrics: {},
    parameters: {},
    tags: {},
    mlflow: null,
    between_j: null,
    steps: [],
    meter_cpu_s: null,
    stays: false,
    notes: [],
    ...changes
  };
}

/** A cell that ran once, or as often as the changes say. */
export function cellState(of: CellRecord, changes: Partial<CellState> = {}): CellState {
  const { attributed_j, low_j, high_j } = of.energy;
  return {
    cell_id: of.cell_id ?? 'c',
    record: of,
    runs: 1,
    all_j: attributed_j,
    all_low_j: low_j,
    all_high_j: high_j,
    change: null,
    ...changes
  };
}

export function total(valueJ: number | null, changes: Partial<Total> = {}): Total {
  return {
    energy: energy(valueJ),
    between_j: null,
    co2e_g: grams(valueJ, 475),
    co2e_low_g: grams(half(valueJ), 20),
    co2e_high_g: grams(double(valueJ), 900),
    cost: null,
    currency: null,
    intensities: [WORLD],
    parts: 1,
    without_energy: valueJ === null ? 1 : 0,
    without_co2e: valueJ === null ? 1 : 0,
    ...changes
  };
}

export function sample(atS: number, powerW: number | null): Sample {
  return {
    at_s: atS,
    energy_j: 0,
    low_j: 0,
    high_j: 0,
    power_w: powerW,
    low_w: half(powerW),
    high_w: double(powerW)
  };
}

export function live(changes: Partial<LiveState> = {}): LiveState {
  return {
    now_s: 100,
    samples: [sample(98, null), sample(99, 12), sample(100, 8)],
    quality: 'modelled',
    method: 'made up',
    problem: null,
    journal_bytes: null,
    ...changes
  };
}

export function notebook(changes: Partial<NotebookState> = {}): NotebookState {
  return {
    epoch: 'e',
    revision: 1,
    cells: [cellState(record(41.2))],
    total: total(812, { between_j: { value: 41, low: 20, high: 82, cpu_s: null, quality: null } }),
    session: total(152),
    sessions: 4,
    session_id: 's',
    logical_cpus: 2,
    method: 'attributed = 4 W x CPU seconds',
    covers: ['cpu'],
    unreadable: 0,
    problem: null,
    journal_bytes: 1,
    ...changes
  };
}

export function run(
  id: string,
  energyJ: number | null,
  metrics: Readonly<Record<string, number | null>> = {},
  changes: Partial<Run> = {}
): Run {
  return {
    run_id: id,
    parent_run_id: null,
    session_id: 's',
    name: id,
    started_at: '2026-05-04T12:00:00+00:00',
    tracking_uri: 'http://127.0.0.1:5000',
    experiment_id: '0',
    link: `http://127.0.0.1:5000/#/experiments/0/runs/${id}`,
    command: null,
    cells: 1,
    total: total(energyJ),
    metrics,
    ...changes
  };
}

export const DOCTOR: DoctorState = {
  quality: 'modelled',
  sensors: [
    {
      name: 'rapl',
      domains: [],
      quality: 'apportioned',
      available: false,
      reason: 'only root may read the counters',
      hint: 'sudo groupadd --system energy\nsudo udevadm trigger'
    },
    {
      name: 'model',
      domains: ['cpu'],
      quality: 'modelled',
      available: true,
      reason: 'attributed = 4 W x CPU seconds; range x/÷ 2',
      hint: null
    }
  ],
  intensity: WORLD,
  own_cost: { cell_cpu_ms: 0.214, after_pause_cpu_ms: 0.61, method: 'median of 200' },
  journal: { folder: '/home/ann/jupyter_green', sessions: 12 }
};

export function settings(isLocked = false): SettingsState {
  return {
    settings: [
      { name: 'intensity', value: null, source: 'default', is_locked: isLocked },
      { name: 'pue', value: 1.5, source: 'pyproject.toml', is_locked: false }
    ],
    intensity: WORLD,
    problem: null
  };
}

const shown: (() => void)[] = [];

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);

// React's warnings go there and nowhere else: doubled keys, updates outside of act, attributes that are none.
const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined);

afterEach(() => {
  shown.splice(0).forEach(remove => remove());
  const said = complaints.mock.calls.splice(0);
  expect(said).toEqual([]);
});

/** What a reader of the page finds. */
export interface IShown {
  readonly node: HTMLElement;
  readonly text: () => string;
  readonly show: (next: ReactNode) => void;
  /** The element of this kind with this name, as a screen reader would say it. */
  readonly find: <K extends keyof HTMLElementTagNameMap>(
    kind: K,
    name?: string
  ) => HTMLElementTagNameMap[K];
  readonly all: (selector: string) => HTMLElement[];
}

/** Show an element in the page until the test ends. */
export function show(element: ReactNode): IShown {
  const node = document.createElement('div');
  document.body.append(node);
  const root = createRoot(node);
  act(() => root.render(element));
  shown.push(() => {
    act(() => root.unmount());
    node.remove();
  });
  return {
    node,
    text: () => node.textContent,
    show: next => act(() => root.render(next)),
    all: selector => Array.from(node.querySelectorAll<HTMLElement>(selector)),
    find: (kind, name) => {
      const found = Array.from(node.querySelectorAll(kind)).find(
        one => name === undefined || nameOf(one).includes(name)
      );
      if (found === undefined) {
        throw new Error(`no ${kind} ${name ?? ''} in: ${node.innerHTML.slice(0, 2000)}`);
      }
      return found;
    }
  };
}

function nameOf(element: HTMLElement): string {
  const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined;
  return element.getAttribute('aria-label') ?? label ?? element.textContent;
}

export function click(element: HTMLElement): void {
  act(() => element.click());
}

export function focus(element: HTMLElement): void {
  act(() => element.focus());
}

export function press(element: HTMLElement, key: string): void {
  act(() => {
    element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  });
}

/** Type or choose a value as a user does: React hears of it. */
export function enter(element: HTMLInputElement | HTMLSelectElement, value: string): void {
  const prototype = Object.getPrototypeOf(element) as object;
  act(() => {
    // React overrides the element's own setter to know what it has set itself.
    Object.getOwnPropertyDescriptor(prototype, 'value')?.set?.call(element, value);
    const type = element instanceof HTMLSelectElement ? 'change' : 'input';
    element.dispatchEvent(new Event(type, { bubbles: true }));
  });
}
