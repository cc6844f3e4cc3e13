import type { Found, Run } from './wire';

/** A run, and how deep it stands below others. */
export interface IPlacedRun {
  readonly run: Run;
  readonly depth: number;
}

/** The runs, the newest first, each followed by those it holds. */
export function inTree(runs: readonly Run[]): IPlacedRun[] {
  const ids = new Set(runs.map(run => run.run_id));
  const newest = [...runs].sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
  const placed: IPlacedRun[] = [];
  const seen = new Set<string>();
  const place = (run: Run, depth: number): void => {
    if (seen.has(run.run_id)) {
      return;
    }
    seen.add(run.run_id);
    placed.push({ run, depth });
    for (const child of newest) {
      if (child.parent_run_id === run.run_id) {
        place(child, depth + 1);
      }
    }
  };
  for (const run of newest) {
    if (run.parent_run_id === null || !ids.has(run.parent_run_id)) {
      place(run, 0);
    }
  }
  // Runs that name each other as parents have no root, and are runs all the same.
  newest.forEach(run => place(run, 0));
  return placed;
}

// Figures that this extension sends to MLflow, which are shown with their units already. As in track/mlflow_run.py.
const OURS: ReadonlySet<string> = new Set([
  'cell_energy_j',
  'cell_co2e_mg',
  'energy_j',
  'energy_low_j',
  'energy_high_j',
  'co2e_mg',
  'co2e_low_mg',
  'co2e_high_mg',
  'cpu_s',
  'cost'
]);

/** The metrics of a run: those recorded, and those that MLflow has besides. */
export function metricsOf(
  run: Run,
  looked: Readonly<Record<string, Found | null>>
): ReadonlyMap<string, number | null> {
  const found = new Map<string, number | null>(Object.entries(run.metrics));
  for (const [name, value] of Object.entries(lookedUp(run, looked)?.metrics ?? {})) {
    if (!OURS.has(name) && (found.get(name) ?? null) === null) {
      found.set(name, value);
    }
  }
  return found;
}

/** What MLflow itself said of a run; undefined: it was not asked. */
export function lookedUp(
  run: Run,
  looked: Readonly<Record<string, Found | null>>
): Found | null | undefined {
  return Object.hasOwn(looked, run.run_id) ? looked[run.run_id] : undefined;
}

/** Whether a browser may be sent there: what a store calls its address is not ours to trust. */
export function isWebAddress(link: string | null): link is string {
  return link !== null && /^https?:\/\//i.test(link);
}
