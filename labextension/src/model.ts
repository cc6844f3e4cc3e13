import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from './api';
import { type INotebookView, NotebookModel } from './notebookModel';
import { Tracking } from './tracking';

const RUNNING_MS = 1000;
const RESTING_MS = 2000;
const LONGEST_MS = 60_000; // between two tries while the server does not answer

/** The energy of all open notebooks; the one that is looked at is `current`. */
export class GreenModel implements IDisposable {
  constructor(readonly api: Api) {
    this._poll = new Poll({
      auto: false,
      factory: () => this._look(),
      frequency: { interval: RESTING_MS, backoff: true, max: LONGEST_MS },
      name: 'jupyter-green:power',
      standby: 'when-hidden'
    });
  }

  get current(): NotebookModel | null {
    return this._current;
  }

  get currentChanged(): ISignal<this, NotebookModel | null> {
    return this._currentChanged;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** The sidebar is open: the current notebook is watched even if nothing was recorded of it yet. */
  get isLookedAt(): boolean {
    return this._isLookedAt;
  }

  set isLookedAt(value: boolean) {
    if (this._isLookedAt !== value) {
      this._isLookedAt = value;
      if (value) {
        void this._current?.refresh();
      }
      this.wake();
    }
  }

  /** The open notebooks. */
  get notebooks(): ReadonlySet<NotebookModel> {
    return this._models;
  }

  /** A notebook was opened. */
  get opened(): ISignal<this, NotebookModel> {
    return this._opened;
  }

  /** Follow a view of a notebook that was opened; the caller disposes of the model when it is closed. */
  add(view: INotebookView): NotebookModel {
    const { sessionContext } = view;
    const other = [...this._models].find(one => one.view.sessionContext === sessionContext);
    const tracking = other?.tracking ?? new Tracking(sessionContext);
    const model = new NotebookModel(this.api, view, tracking, () => this.wake());
    this._models.add(model);
    this._opened.emit(model);
    return model;
  }

  remove(model: NotebookModel): void {
    this._models.delete(model);
    if (this._current === model) {
      this.show(null);
    }
    model.dispose();
    if (![...this._models].some(other => other.tracking === model.tracking)) {
      model.tracking.dispose();
    }
  }

  /** Tell which notebook is looked at. */
  show(model: NotebookModel | null): void {
    if (this._current !== model) {
      this._current = model;
      this._currentChanged.emit(model);
      if (model !== null && this._isLookedAt) {
        void model.refresh();
      }
      this.wake();
    }
  }

  /** Look soon: a cell began or ended, or somebody opened the sidebar. */
  wake(): void {
    if (this._poll.isDisposed) {
      return;
    }
    const watched = this._watched();
    if (watched.length === 0) {
      void this._poll.stop();
      return;
    }
    const isRunning = watched.some(model => model.running.size > 0);
    const interval = isRunning ? RUNNING_MS : RESTING_MS;
    if (this._poll.frequency.interval !== interval) {
      this._poll.frequency = { interval, backoff: true, max: LONGEST_MS };
    }
    if (this._poll.state.phase === 'stopped' || this._poll.state.phase === 'constructed') {
      void this._poll.start();
    } else if (isRunning) {
      void this._poll.refresh();
    }
  }

  dispose(): void {
    this._poll.dispose();
    for (const model of [...this._models]) {
      this.remove(model);
    }
    Signal.clearData(this);
  }

  private _watched(): readonly NotebookModel[] {
    return [...this._models].filter(
      model =>
        model.view.isVisible && (model.isInUse || (this._isLookedAt && model === this._current))
    );
  }

  private async _look(): Promise<void> {
    const watched = this._watched();
    if (watched.length === 0) {
      void this._poll.stop();
      return;
    }
    await Promise.all(watched.map(model => model.poll()));
  }

  private readonly _poll: Poll;
  private readonly _models = new Set<NotebookModel>();
  private _current: NotebookModel | null = null;
  private _isLookedAt = false;
  private readonly _opened = new Signal<this, NotebookModel>(this);
  private readonly _currentChanged = new Signal<this, NotebookModel | null>(this);
}
