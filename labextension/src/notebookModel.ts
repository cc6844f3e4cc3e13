import type { ISessionContext } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type Api, ApiError, type INotebookKey } from './api';
import { type IRunning, RunningCells } from './runningCells';
import { extend } from './series';
import { isRestart, type Tracking } from './tracking';
import type { CellState, LiveState, NotebookState, Sample } from './wire';

const MAGIC = /^%%track_energy\b/m; // measures its own cell, tracked or not
const STALE_MS = 5000; // what the kernel drew longer ago is not what it draws now

/** What a model must know of the notebook that is shown. */
export interface INotebookView {
  readonly panel: NotebookPanel;
  readonly sessionContext: ISessionContext;
  /** The notebook's path from the server's root. */
  readonly path: string;
  readonly isVisible: boolean;
  /** The cell that a request came from; null if it was not this page's. */
  cellOfRequest(messageId: string): string | null;
}

/** The energy of one open notebook: its records, its kernel's power, and whether its cells are tracked. */
export class NotebookModel implements IDisposable {
  constructor(
    private readonly _api: Api,
    readonly view: INotebookView,
    /** Whether its cells are tracked; other views of the notebook may share it. */
    readonly tracking: Tracking,
    private readonly _onUse: () => void
  ) {
    const context = view.sessionContext;
    tracking.changed.connect(this._onTracking, this);
    context.iopubMessage.connect(this._onMessage, this);
    context.kernelChanged.connect(this._onKernel, this);
    context.statusChanged.connect(this._onStatus, this);
  }

  /** The newest record of each cell. */
  readonly cells = new Map<string, CellState>();

  /** The totals; null before the first answer. */
  get state(): NotebookState | null {
    return this._state;
  }

  /** What the kernel draws now; null if it was not seen within the last seconds. */
  get live(): LiveState | null {
    return this._live;
  }

  get samples(): readonly Sample[] {
    return this._samples;
  }

  /** Why the server did not answer; null if it did. */
  get problem(): ApiError | null {
    return this._readProblem ?? this._problem;
  }

  /** Cells of this page that run now. */
  get running(): ReadonlySet<string> {
    return this._running.ids;
  }

  /** Something is recorded of this notebook, or is to be. */
  get isInUse(): boolean {
    return this.tracking.isWanted || this.tracking.isOn || (this._state?.revision ?? 0) > 0;
  }

  /** Records of these cells arrived, or these cells began or ended to run. */
  get cellsChanged(): ISignal<this, ReadonlySet<string>> {
    return this._cellsChanged;
  }

  /** The kernel's power was seen, or is not known any more. */
  get liveChanged(): ISignal<this, void> {
    return this._liveChanged;
  }

  /** Anything but the power changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get key(): INotebookKey {
    return { path: this.view.path, kernel: this._kernel?.id ?? null };
  }

  /** What a cell draws and used so far; null if it neither runs nor waits for its record. */
  runningCell(cellId: string): IRunning | null {
    return this._running.of(cellId, this._samples[this._samples.length - 1]);
  }

  /** The cell's last run is measured, as far as is known: it began in a kernel that tracks, or asks for it itself. */
  isMeasured(cellId: string): boolean {
    return this._measured.has(cellId);
  }

  /** The kernel ended while the cell ran, and it was measured until then; so until it runs again. */
  hasLostKernel(cellId: string): boolean {
    return this._lost.has(cellId);
  }

  /** The cell ran again since the record that is known of it. */
  isOutdated(cellId: string): boolean {
    const record = this.cells.get(cellId)?.record;
    // Both by the kernel's clock: a slow page may read the record before it hears that the cell began.
    return record !== undefined && Date.parse(record.started_at) < (this._begunMs.get(cellId) ?? 0);
  }

  /** Read the records that are new. */
  async refresh(): Promise<void> {
    if (this._reading !== null) {
      this._isReadingAgain = true;
      return this._reading;
    }
    this._reading = this._read();
    try {
      await this._reading;
    } finally {
      this._reading = null;
      if (this._isReadingAgain && !this._isDisposed) {
        this._isReadingAgain = false;
        void this.refresh();
      }
    }
  }

  /**
   * See what the kernel draws, and read records if there are new ones.
   *
   * @throws ApiError if the server does not answer; the problem is kept, too.
   */
  async poll(): Promise<void> {
    const kernel = this._kernel?.id ?? null;
    const newest = this._samples[this._samples.length - 1];
    const asked = performance.now();
    let live: LiveState;
    try {
      live = await this._api.live(this.key, newest?.at_s ?? 0);
    } catch (error) {
      this._fail(error);
      throw error;
    }
    if (this._isDisposed || kernel !== (this._kernel?.id ?? null)) {
      return;
    }
    this._samples = live.problem === null ? extend(this._samples, live.samples) : [];
    this._live = live;
    clearTimeout(this._expiry);
    this._expiry = setTimeout(() => this._forgetPower(), STALE_MS);
    this._running.sampled(this._samples, live.now_s - (asked + performance.now()) / 2e3);
    const isNew = live.journal_bytes !== null && live.journal_bytes !== this._state?.journal_bytes;
    this._recover();
    this._liveChanged.emit();
    if (isNew || this._readProblem !== null) {
      await this.refresh();
    }
    if (this._readProblem !== null) {
      throw this._readProblem; // so that records that cannot be read are not asked for at every look
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._expiry);
    Signal.clearData(this);
  }

  private get _kernel(): Kernel.IKernelConnection | null {
    return this.view.sessionContext.session?.kernel ?? null;
  }

  private async _read(): Promise<void> {
    const known = this._state;
    const ended = this._running.ended; // what is read now has their records, or there are none
    let state: NotebookState;
    try {
      state = await this._api.notebook(this.key, known?.epoch ?? '', known?.revision ?? 0);
    } catch (error) {
      if (this._isDisposed) {
        return;
      }
      const before = this.problem?.message;
      this._readProblem = error instanceof ApiError ? error : new ApiError(String(error), 0);
      if (before !== this.problem?.message) {
        this._changed.emit();
      }
      this._running.settle(ended);
      if (ended.size > 0) {
        this._cellsChanged.emit(ended);
      }
      return;
    }
    if (this._isDisposed) {
      return;
    }
    this._running.settle(ended);
    const changed = new Set([...ended, ...state.cells.map(cell => cell.cell_id)]);
    if (known !== null && known.epoch !== state.epoch) {
      for (const cellId of this.cells.keys()) {
        changed.add(cellId);
      }
      this.cells.clear();
    }
    for (const cell of state.cells) {
      this.cells.set(cell.cell_id, cell);
    }
    const isFirst = (known?.revision ?? 0) === 0 && state.revision > 0;
    this._state = state;
    this._readProblem = null;
    this._recover();
    if (changed.size > 0) {
      this._cellsChanged.emit(changed);
    }
    this._changed.emit();
    if (isFirst) {
      this._onUse();
    }
  }

  private _fail(error: unknown): void {
    if (this._isDisposed) {
      return;
    }
    const before = this._problem?.message;
    this._problem = error instanceof ApiError ? error : new ApiError(String(error), 0);
    if (before !== this._problem.message) {
      this._changed.emit();
    }
  }

  private _recover(): void {
    if (this._problem !== null) {
      this._problem = null;
      this._changed.emit();
    }
  }

  private _onTracking(): void {
    // A kernel answers between two cells: one that runs at its yes began after the switch.
    const begun = this.tracking.isOn ? [...this._doubtful].filter(id => this.running.has(id)) : [];
    if (begun.length > 0) {
      begun.forEach(cellId => this._measured.add(cellId));
      this._doubtful.clear();
      this._cellsChanged.emit(new Set(begun));
    }
    this._changed.emit();
    this._onUse();
  }

  private _forgetPower(): void {
    clearTimeout(this._expiry);
    this._samples = [];
    this._live = null;
    this._liveChanged.emit();
  }

  private _onKernel(): void {
    this._forgetPower();
    this._endAll();
    if (this.isInUse) {
      void this.refresh();
    }
  }

  private _onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (isRestart(status)) {
      this._forgetPower();
      this._endAll();
    }
  }

  private _onMessage(_: ISessionContext, message: KernelMessage.IMessage): void {
    const parent = 'msg_id' in message.parent_header ? message.parent_header.msg_id : null;
    if (parent === null) {
      return;
    }
    if (message.header.msg_type === 'execute_input') {
      const cellId = this.view.cellOfRequest(parent);
      if (cellId !== null) {
        this._running.begin(parent, cellId, performance.now());
        this._begunMs.set(cellId, Date.parse(message.header.date));
        this._noteMeasured(cellId, 'code' in message.content ? String(message.content.code) : '');
        this._cellsChanged.emit(new Set([cellId]));
        this._onUse();
      }
    } else if (message.header.msg_type === 'status') {
      const state = 'execution_state' in message.content ? message.content.execution_state : null;
      const newest = this._samples[this._samples.length - 1];
      const cellId = state === 'idle' ? this._running.end(parent, newest) : null;
      if (cellId !== null) {
        if (!this.isInUse) {
          this._running.settle([cellId]); // nobody reads records of it
        }
        this._cellsChanged.emit(new Set([cellId]));
        this._onUse();
        this._ended.emit(cellId);
      }
    }
  }

  private _noteMeasured(cellId: string, code: string): void {
    this._lost.delete(cellId);
    this._measured.delete(cellId);
    this._doubtful.delete(cellId);
    if (this.tracking.isOn || MAGIC.test(code)) {
      this._measured.add(cellId);
    } else if (this.tracking.isChosen) {
      this._doubtful.add(cellId); // it came before the switch, or the kernel's answer is on its way
    }
  }

  /** A cell of this page came to its end. */
  get ended(): ISignal<this, string> {
    return this._ended;
  }

  private _endAll(): void {
    const ended = this._running.clear();
    for (const cellId of ended) {
      if (this._measured.has(cellId)) {
        this._lost.add(cellId);
      }
    }
    if (ended.size > 0) {
      this._cellsChanged.emit(ended);
    }
  }

  private _state: NotebookState | null = null;
  private _live: LiveState | null = null;
  private _samples: readonly Sample[] = [];
  private _expiry: ReturnType<typeof setTimeout> | undefined;
  private _problem: ApiError | null = null;
  private _readProblem: ApiError | null = null;
  private _reading: Promise<void> | null = null;
  private _isReadingAgain = false;
  private _isDisposed = false;
  private readonly _running = new RunningCells();
  private readonly _begunMs = new Map<string, number>(); // when each cell ran last, by the kernel's clock
  private readonly _measured = new Set<string>(); // cells whose last run is measured
  private readonly _lost = new Set<string>(); // cells whose kernel ended while they ran
  private readonly _doubtful = new Set<string>(); // cells that began while the kernel was being switched
  private readonly _cellsChanged = new Signal<this, ReadonlySet<string>>(this);
  private readonly _liveChanged = new Signal<this, void>(this);
  private readonly _changed = new Signal<this, void>(this);
  private readonly _ended = new Signal<this, string>(this);
}
