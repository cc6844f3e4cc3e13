import { energySince, type IAmount } from './series';
import type { Sample } from './wire';

/** A running cell: what its kernel draws, W, and what the kernel used since the cell began, J; null: not known. */
export interface IRunning {
  readonly power: IAmount | null;
  readonly energy: IAmount | null;
}

/** The cells of a page that run now or wait for their record, and what their kernel used since each began. */
export class RunningCells {
  get ids(): ReadonlySet<string> {
    return new Set(this._startedMs.keys());
  }

  /** Those that came to their end, and whose record is not there yet. */
  get ended(): ReadonlySet<string> {
    return new Set(this._ended.keys());
  }

  /** A request of a cell began to run, at a moment of the page's clock. */
  begin(request: string, cellId: string, atMs: number): void {
    this._requests.set(request, cellId);
    this._startedMs.set(cellId, atMs);
    this._before.delete(cellId);
    this._ended.delete(cellId);
  }

  /** A request came to its end; return its cell, or null if it was none of ours. */
  end(request: string, newest: Sample | undefined): string | null {
    const cellId = this._requests.get(request);
    if (cellId === undefined) {
      return null;
    }
    const energy = this.of(cellId, newest)?.energy ?? null;
    this._requests.delete(request);
    this._startedMs.delete(cellId);
    this._ended.set(cellId, { power: null, energy });
    return cellId;
  }

  /** The records of these cells are there, or will not come. */
  settle(cellIds: Iterable<string>): void {
    for (const cellId of cellIds) {
      this._ended.delete(cellId);
    }
  }

  /** The kernel died: nothing runs any more. Return what ran. */
  clear(): ReadonlySet<string> {
    const ended = this.ids;
    this._requests.clear();
    this._startedMs.clear();
    return ended;
  }

  /** The kernel was sampled: find what it had used when each cell began. `offsetS`: its clock less the page's. */
  sampled(samples: readonly Sample[], offsetS: number): void {
    const newest = samples[samples.length - 1];
    if (newest === undefined) {
      return;
    }
    for (const [cellId, startedMs] of this._startedMs) {
      const since = energySince(samples, startedMs / 1e3 + offsetS);
      if (since !== null) {
        this._before.set(cellId, {
          value: newest.energy_j - since.value,
          low: newest.low_j - since.low,
          high: newest.high_j - since.high
        });
      } else if (samples[0]?.power_w === null) {
        // The kernel is watched since after the cell began: what it used before is not known any more.
        this._before.delete(cellId);
      }
    }
  }

  /** What a cell draws and used so far, by the newest sample; null if it neither runs nor waits for its record. */
  of(cellId: string, newest: Sample | undefined): IRunning | null {
    if (!this._startedMs.has(cellId)) {
      return this._ended.get(cellId) ?? null;
    }
    const before = this._before.get(cellId);
    return {
      power: newest === undefined ? null : powerOf(newest),
      energy:
        newest === undefined || before === undefined || newest.energy_j < before.value
          ? null
          : {
              value: newest.energy_j - before.value,
              low: newest.low_j - before.low,
              high: newest.high_j - before.high
            }
    };
  }

  private readonly _requests = new Map<string, string>(); // the cell of each request that runs
  private readonly _startedMs = new Map<string, number>();
  private readonly _ended = new Map<string, IRunning>(); // as they were seen last
  private readonly _before = new Map<string, IAmount>(); // what the kernel had used when the cell began
}

/** The power of a sample with its range; null for the first one of a process. */
export function powerOf({ power_w, low_w, high_w }: Sample): IAmount | null {
  return power_w === null
    ? null
    : { value: power_w, low: low_w ?? power_w, high: high_w ?? power_w };
}
