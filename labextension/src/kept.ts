import type { CellRecord } from './wire';

/** The key of our metadata in cells and notebooks. */
export const METADATA = 'jupyter_green';

/** What a notebook file keeps of a cell's record, if the user wants that: three figures, no times, hosts or paths. */
export interface IKept {
  /** The cell that it is about: a cell that is split or copied takes its metadata along. */
  readonly cell: string;
  readonly energy_j: number | null;
  readonly low_j: number | null;
  readonly high_j: number | null;
  readonly quality: string | null;
}

/** Read what a notebook file keeps of a cell; null if that is of another cell, or malformed. */
export function readKept(metadata: unknown, cellId: string): IKept | null {
  if (typeof metadata !== 'object' || metadata === null) {
    return null;
  }
  const data = metadata as Readonly<Record<string, unknown>>;
  if (data['cell'] !== cellId) {
    return null;
  }
  const quality = data['quality'];
  return {
    cell: cellId,
    energy_j: number(data['energy_j']),
    low_j: number(data['low_j']),
    high_j: number(data['high_j']),
    quality:
      quality === 'measured' || quality === 'apportioned' || quality === 'modelled' ? quality : null
  };
}

/**
 * What to keep of a record; null if what is kept already is as good.
 *
 * A figure that lies within the range of the one before is not written again, so that a re-run gives no diff.
 */
export function kept(record: CellRecord, cellId: string, before: IKept | null): IKept | null {
  const { attributed_j: value, low_j, high_j, quality } = record.energy;
  if (
    before !== null &&
    before.quality === quality &&
    (value === before.energy_j ||
      (value !== null &&
        before.low_j !== null &&
        before.high_j !== null &&
        value >= before.low_j &&
        value <= before.high_j))
  ) {
    return null;
  }
  return {
    cell: cellId,
    energy_j: rounded(value),
    low_j: rounded(low_j),
    high_j: rounded(high_j),
    quality
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(3));
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
