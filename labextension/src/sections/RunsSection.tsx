import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import { Asked } from '../asked';
import { RunsPanel } from '../components/RunsPanel';
import type { GreenModel } from '../model';
import type { Found, Run, Runs } from '../wire';

import { Section } from './Section';

const NO_RUNS: Runs = { runs: [], waiting: 0, problem: null }; // of a notebook of which nothing is recorded

/** The runs in MLflow that hold this notebook's records. */
export class RunsSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onCompare: (
      runs: readonly Run[],
      looked: Readonly<Record<string, Found | null>>
    ) => void
  ) {
    super(model, trans);
  }

  get label(): string {
    const count = this._runs.value?.runs.length ?? 0;
    return count === 0 ? this.trans.__('Runs') : this.trans.__('Runs (%1)', count);
  }

  protected override onNotebook(): void {
    this._ticked = new Set();
    this._looked.forget();
    this._runs.forget();
    this._isSending = false;
    super.onNotebook();
  }

  protected override onChanged(): void {
    if (this.model.isLookedAt) {
      void this._read(); // its heading counts them, open or not
    }
    super.onChanged();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._read();
  }

  protected override render(): ReactElement {
    return (
      <RunsPanel
        state={this._runs.value ?? (this.notebook?.isInUse === false ? NO_RUNS : null)}
        problem={this._looked.problem ?? this._runs.problem}
        looked={this._looked.value ?? {}}
        ticked={this._ticked}
        isLooking={this._looked.isAsking}
        isSending={this._isSending}
        onTick={(runId, on) => this._tick(runId, on)}
        onCompare={() => this._compare()}
        onLook={() => void this._look()}
        onSend={() => void this._send()}
        trans={this.trans}
      />
    );
  }

  private async _read(): Promise<void> {
    const notebook = this.notebook;
    // The answer to a sending tells the runs as they are then, and no question may overtake it.
    if (notebook !== null && notebook.isInUse && !this._isSending) {
      await this._runs.ask(() => this.model.api.runs(notebook.key));
    }
    this.title.label = this.label;
    this.updateIfSeen();
  }

  private _tick(runId: string, on: boolean): void {
    const ticked = new Set(this._ticked);
    if (on) {
      ticked.add(runId);
    } else {
      ticked.delete(runId);
    }
    this._ticked = ticked;
    this.update();
  }

  private _compare(): void {
    const runs = this._runs.value?.runs.filter(run => this._ticked.has(run.run_id)) ?? [];
    this._onCompare(runs, this._looked.value ?? {});
  }

  private async _look(): Promise<void> {
    const notebook = this.notebook;
    const runs = this._runs.value?.runs ?? [];
    if (notebook === null || runs.length === 0) {
      return;
    }
    const ids = runs.map(run => run.run_id);
    const looking = this._looked.ask(() => this.model.api.look(notebook.key, ids));
    this.update();
    await looking;
    this.updateIfSeen();
  }

  private async _send(): Promise<void> {
    const notebook = this.notebook;
    if (notebook === null) {
      return;
    }
    this._isSending = true;
    this.update();
    await this._runs.ask(() => this.model.api.send(notebook.key));
    if (notebook === this.notebook) {
      this._isSending = false;
      this.title.label = this.label;
      this.updateIfSeen();
    }
  }

  private readonly _runs = new Asked<Runs>();
  private readonly _looked = new Asked<Readonly<Record<string, Found | null>>>();
  private _ticked: ReadonlySet<string> = new Set();
  private _isSending = false;
}
