import type { CellRecord } from './wire';

/** Read a record that came with a notebook's output, so from anywhere; null if it is none. */
export function readRecord(data: unknown): CellRecord | null {
  const record = object(data);
  const energy = object(record?.['energy']);
  const intensity = record?.['intensity'];
  if (
    record === null ||
    energy === null ||
    !['attributed_j', 'low_j', 'high_j', 'cpu_s', 'others_cpu_s'].every(name =>
      isKnown(energy[name])
    ) ||
    !['co2e_g', 'co2e_low_g', 'co2e_high_g'].every(name => isKnown(record[name])) ||
    !isText(record['name']) ||
    !isText(energy['quality']) ||
    !Object.values(object(record['metrics']) ?? {}).every(isKnown) ||
    !(intensity === null || isIntensity(intensity))
  ) {
    return null;
  }
  const quality = isQuality(energy['quality']) ? energy['quality'] : null;
  return {
    ...record,
    metrics: object(record['metrics']) ?? {},
    energy: { ...energy, quality }
  } as unknown as CellRecord;
}

function isIntensity(value: unknown): boolean {
  const intensity = object(value);
  return (
    intensity !== null &&
    ['g_per_kwh', 'low', 'high'].every(name => typeof intensity[name] === 'number') &&
    ['zone', 'label'].every(name => typeof intensity[name] === 'string')
  );
}

function object(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

function isKnown(value: unknown): boolean {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}

function isQuality(value: unknown): boolean {
  return value === 'measured' || value === 'apportioned' || value === 'modelled';
}

function isText(value: unknown): boolean {
  return value === null || typeof value === 'string';
}
