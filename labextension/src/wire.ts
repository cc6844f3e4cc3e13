// Made from jupyter_green/server/wire.py by tests/server/test_wire.py (GOLDEN=write).

export interface Between {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly cpu_s: number | null;
  readonly quality: 'measured' | 'apportioned' | 'modelled' | null;
}

export interface CellRecord {
  readonly record_id: string;
  readonly session_id: string;
  readonly kind: 'cell' | 'scoring' | 'block';
  readonly part_of: string | null;
  readonly notebook: string | null;
  readonly kernel_id: string | null;
  readonly cell_id: string | null;
  readonly execution_count: number | null;
  readonly code: string | null;
  readonly name: string | null;
  readonly phase: string | null;
  readonly started_at: string;
  readonly status: 'ok' | 'error' | 'interrupted' | 'unknown';
  readonly energy: Energy;
  readonly intensity: Intensity | null;
  readonly pue: number;
  readonly co2e_g: number | null;
  readonly co2e_low_g: number | null;
  readonly co2e_high_g: number | null;
  readonly price_per_kwh: number | null;
  readonly cost: number | null;
  readonly currency: string | null;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly mlflow: Target | null;
  readonly between_j: Between | null;
  readonly steps: readonly Step[];
  readonly meter_cpu_s: number | null;
  readonly stays: boolean;
  readonly notes: readonly string[];
}

export interface CellState {
  readonly cell_id: string;
  readonly record: CellRecord;
  readonly runs: number;
  readonly all_j: number | null;
  readonly all_low_j: number | null;
  readonly all_high_j: number | null;
  readonly change: Change | null;
}

export interface Change {
  readonly verdict: 'less' | 'more' | 'same';
  readonly percent: number | null;
  readonly runs: number;
  readonly text_changed: boolean;
}

export interface DoctorState {
  readonly quality: 'measured' | 'apportioned' | 'modelled';
  readonly sensors: readonly SensorState[];
  readonly intensity: Intensity;
  readonly own_cost: OwnCost;
  readonly journal: JournalState;
}

export interface Energy {
  readonly machine_j: Readonly<Record<string, number | null>>;
  readonly attributed_j: number | null;
  readonly low_j: number | null;
  readonly high_j: number | null;
  readonly duration_s: number;
  readonly cpu_s: number | null;
  readonly others_cpu_s: number | null;
  readonly source: Readonly<Record<string, string>>;
  readonly quality: 'measured' | 'apportioned' | 'modelled' | null;
  readonly covers: readonly string[];
  readonly notes: readonly string[];
}

export interface Found {
  readonly status: string | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface Intensity {
  readonly zone: string;
  readonly g_per_kwh: number;
  readonly low: number;
  readonly high: number;
  readonly at: string | null;
  readonly kind: 'average' | 'marginal';
  readonly scope: 'lifecycle' | 'direct' | null;
  readonly source: 'measured' | 'forecast' | 'table' | 'user';
  readonly label: string;
}

export interface JournalState {
  readonly folder: string;
  readonly sessions: number;
}

export interface LiveState {
  readonly now_s: number;
  readonly samples: readonly Sample[];
  readonly quality: 'measured' | 'apportioned' | 'modelled' | null;
  readonly method: string | null;
  readonly problem: string | null;
  readonly journal_bytes: number | null;
}

export interface NotebookState {
  readonly epoch: string;
  readonly revision: number;
  readonly cells: readonly CellState[];
  readonly total: Total | null;
  readonly session: Total | null;
  readonly sessions: number;
  readonly session_id: string | null;
  readonly method: string | null;
  readonly covers: readonly string[];
  readonly unreadable: number;
  readonly problem: string | null;
  readonly journal_bytes: number;
  readonly logical_cpus: number;
}

export interface OwnCost {
  readonly cell_cpu_ms: number | null;
  readonly after_pause_cpu_ms: number | null;
  readonly method: string;
}

export interface Run {
  readonly run_id: string;
  readonly parent_run_id: string | null;
  readonly session_id: string;
  readonly name: string;
  readonly started_at: string;
  readonly tracking_uri: string;
  readonly experiment_id: string;
  readonly link: string | null;
  readonly command: string | null;
  readonly cells: number;
  readonly total: Total;
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface Runs {
  readonly runs: readonly Run[];
  readonly waiting: number;
  readonly problem: string | null;
}

export interface Sample {
  readonly at_s: number;
  readonly energy_j: number;
  readonly low_j: number;
  readonly high_j: number;
  readonly power_w: number | null;
  readonly low_w: number | null;
  readonly high_w: number | null;
}

export interface SensorState {
  readonly name: string;
  readonly domains: readonly string[];
  readonly quality: 'measured' | 'apportioned' | 'modelled';
  readonly available: boolean;
  readonly reason: string | null;
  readonly hint: string | null;
}

export interface SettingState {
  readonly name: string;
  readonly value: string | number | boolean | null;
  readonly source: string;
  readonly is_locked: boolean;
}

export interface SettingsState {
  readonly settings: readonly SettingState[];
  readonly intensity: Intensity | null;
  readonly problem: string | null;
}

export interface Step {
  readonly step: number;
  readonly at: string;
  readonly energy_j: number;
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface Target {
  readonly tracking_uri: string | null;
  readonly experiment: string | null;
  readonly run_ids: readonly string[];
}

export interface Total {
  readonly energy: Energy;
  readonly between_j: Between | null;
  readonly co2e_g: number | null;
  readonly co2e_low_g: number | null;
  readonly co2e_high_g: number | null;
  readonly cost: number | null;
  readonly currency: string | null;
  readonly intensities: readonly Intensity[];
  readonly parts: number;
  readonly without_energy: number;
  readonly without_co2e: number;
}

export interface Zone {
  readonly code: string;
  readonly name: string;
  readonly g_per_kwh: number;
}
