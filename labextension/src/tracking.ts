import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { chooseIntensity, type ISwitchState, KernelError, switchTracking } from './kernelSwitch';

/** Why a notebook cannot be tracked; the words are the components'. */
export type TrackingProblem =
  | { readonly kind: 'no kernel' }
  | { readonly kind: 'language'; readonly language: string }
  | { readonly kind: 'not installed' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'settings'; readonly message: string };

/**
 * Whether a notebook's cells are tracked: what its user wants, and what its kernel says.
 *
 * All views of a notebook share it, as they share the session.
 */
export class Tracking implements IDisposable {
  constructor(private readonly _context: ISessionContext) {
    _context.kernelChanged.connect(this._onKernel, this);
    _context.statusChanged.connect(this._onStatus, this);
    _context.connectionStatusChanged.connect(this._onConnection, this);
  }

  /** Its kernel measures every cell. */
  get isOn(): boolean {
    return this._isOn;
  }

  /** What the user chose, also while a kernel that is busy or starting has not answered yet. */
  get isChosen(): boolean {
    return this._pending ?? (this._isOn || (this._isWanted && this._problem === null));
  }

  /** The user wants this notebook tracked, in this kernel and in those that follow it. */
  get isWanted(): boolean {
    return this._isWanted;
  }

  get problem(): TrackingProblem | null {
    return this._problem;
  }

  /** Records come with the cells' outputs: the server cannot read this kernel's journal. */
  get carries(): boolean {
    return this._carries;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Turn tracking on or off, in this kernel and in those that follow it. */
  async set(on: boolean): Promise<void> {
    this._isWanted = this._pending = on;
    const switching = this._switch(on);
    this._changed.emit();
    await switching;
    if (this._pending === on) {
      this._pending = null;
      this._changed.emit();
    }
  }

  /** Ask the kernel how tracking stands, after a cell that may have changed it. */
  async ask(): Promise<void> {
    // A kernel that does not answer says nothing of what the user wants, nor does what it says of a time before a click.
    if ((await this._switch(null)) && this._pending === null) {
      this._isWanted = this._isOn;
      this._changed.emit();
    }
  }

  /** Remember that the notebook was tracked before the page was loaded. */
  async resume(): Promise<void> {
    this._isWanted = true;
    await this._follow();
  }

  /** Use another carbon intensity from the next cell on. */
  async chooseIntensity(said: string | null): Promise<void> {
    const kernel = this._kernel;
    if (kernel !== null) {
      await chooseIntensity(kernel, said);
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private get _kernel(): Kernel.IKernelConnection | null {
    return this._context.session?.kernel ?? null;
  }

  private _onKernel(): void {
    this._lose();
    void this._follow();
  }

  private _onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (isRestart(status)) {
      this._hasRestarted = true;
      this._lose();
    } else if (status === 'idle' || status === 'starting') {
      this._afterRestart();
    }
  }

  private _onConnection(_: ISessionContext, status: Kernel.ConnectionStatus): void {
    // JupyterLab may miss the first words of a kernel that died and came back, and not know its status for long.
    if (status === 'connected') {
      this._afterRestart();
    }
  }

  private _afterRestart(): void {
    if (this._hasRestarted) {
      this._hasRestarted = false;
      void this._follow();
    }
  }

  /** The kernel is gone, or another one. */
  private _lose(): void {
    this._life += 1;
    this._carries = false;
    this._set(false, null);
  }

  /** Turn it on in a kernel that came back or took the place of another, if the user wants that. */
  private async _follow(): Promise<void> {
    if (this._isWanted && this._kernel !== null) {
      await this._switch(true);
    }
  }

  /** Ask the kernel; true if it answered. */
  private async _switch(on: boolean | null): Promise<boolean> {
    const kernel = this._kernel;
    if (kernel === null) {
      // One that has no kernel yet, but will have one, is no problem.
      this._set(false, this._context.isReady ? { kind: 'no kernel' } : null);
      return false;
    }
    const life = this._life;
    const answer = await this._answer(kernel, on);
    if (life !== this._life) {
      return false;
    }
    if ('kind' in answer) {
      if (answer.kind === 'language') {
        this._isWanted = false; // it cannot be had here
      }
      this._set(false, answer);
      return false;
    }
    this._carries = answer.carries;
    this._set(
      answer.on,
      answer.problem === null ? null : { kind: 'settings', message: answer.problem }
    );
    return true;
  }

  /** What a kernel answers, or why there is no answer. */
  private async _answer(
    kernel: Kernel.IKernelConnection,
    on: boolean | null
  ): Promise<ISwitchState | TrackingProblem> {
    try {
      // Without waiting, so that a cell that is run right after the click finds tracking on.
      const language = this._languageOf(kernel) ?? (await kernel.info).language_info.name;
      return language === 'python'
        ? await switchTracking(kernel, on)
        : { kind: 'language', language };
    } catch (error) {
      return problemOf(error);
    }
  }

  /** A kernel's language, if that is known without asking the kernel. */
  private _languageOf(kernel: Kernel.IKernelConnection): string | null {
    return this._context.specsManager.specs?.kernelspecs[kernel.name]?.language ?? null;
  }

  private _set(on: boolean, problem: TrackingProblem | null): void {
    if (!this._isDisposed) {
      this._isOn = on;
      this._problem = problem;
      this._changed.emit();
    }
  }

  private _isOn = false;
  private _isWanted = false;
  private _pending: boolean | null = null; // what was chosen last, until the kernel answers
  private _problem: TrackingProblem | null = null;
  private _carries = false;
  private _hasRestarted = false;
  private _life = 0; // of the kernel: what an earlier one says counts no more
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}

/** A kernel with this status has forgotten all, or will have. */
export function isRestart(status: Kernel.Status): boolean {
  return status === 'restarting' || status === 'autorestarting' || status === 'dead';
}

function problemOf(error: unknown): TrackingProblem {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof KernelError && message === 'not installed'
    ? { kind: 'not installed' }
    : { kind: 'failed', message };
}
