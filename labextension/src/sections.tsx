import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CellList } from '@jupyterlab/notebook';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import { CellsPanel, type ICellRow } from './components/CellsPanel';
import { MeasuredPanel } from './components/MeasuredPanel';
import { NowPanel } from './components/NowPanel';
import { RunsPanel } from './components/RunsPanel';
import type { GreenModel } from './model';
import type { NotebookModel } from './notebookModel';
import { Asked } from './asked';
import type {
  CellState,
  DoctorState,
  LookedUp,
  RunState,
  RunsState,
  SettingsState,
  Zone
} from './wire';
import { serverSentence, trackingSentence } from './words';

/** A part of the sidebar; it follows the current notebook and is drawn only while it can be seen. */
abstract class Section extends ReactWidget {
  constructor(
    protected readonly model: GreenModel,
    protected readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-green-part');
  }

  protected get notebook(): NotebookModel | null {
    return this.model.current;
  }

  /** The current notebook is another one. */
  protected onNotebook(): void {
    this.onChanged();
  }

  /** Records or totals changed. */
  protected onChanged(): void {
    this.updateIfSeen();
  }

  /** The kernel's power was seen. */
  protected onLive(): void {
    // Only one section shows it.
  }

  protected updateIfSeen(): void {
    if (this.isVisible) {
      this.update();
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.currentChanged.connect(this._follow, this);
    this._follow();
  }

  protected override onBeforeDetach(message: Message): void {
    this._leave();
    this.model.currentChanged.disconnect(this._follow, this);
    super.onBeforeDetach(message);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  private _follow(): void {
    this._leave();
    const notebook = this.model.current;
    this._followed = notebook;
    notebook?.changed.connect(this.onChanged, this);
    notebook?.liveChanged.connect(this.onLive, this);
    this.onNotebook();
  }

  private _leave(): void {
    this._followed?.changed.disconnect(this.onChanged, this);
    this._followed?.liveChanged.disconnect(this.onLive, this);
    this._followed = null;
  }

  private _followed: NotebookModel | null = null;
}

/** Power now, and the totals. */
export class NowSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onChooseGrid: () => void,
    private readonly _gridIsSet: () => boolean,
    private readonly _memory: IFirstLines
  ) {
    super(model, trans);
    void _memory.wasRead().then(wasRead => {
      this._isWelcome = !wasRead;
      this.updateIfSeen();
    });
  }

  protected override onLive(): void {
    this.updateIfSeen();
  }

  protected override render(): ReactElement {
    const { notebook, trans } = this;
    const problem = notebook === null ? null : noticeOf(notebook, trans);
    const reason = notebook?.trackingProblem ?? null;
    const state = notebook?.state ?? null;
    const method =
      notebook?.live?.quality === 'modelled'
        ? trans.__(
            'This computer has no energy counter that we may read, so energy is modelled from CPU time (range about a factor of 2).'
          )
        : (state?.method ?? notebook?.live?.method ?? null);
    return (
      <NowPanel
        live={
          notebook === null || notebook.live === null
            ? null
            : { ...notebook.live, samples: notebook.samples }
        }
        state={state}
        problem={problem}
        notebook={notebook === null ? null : PathExt.basename(notebook.view.path)}
        isTracking={reason?.kind === 'language' ? null : (notebook?.isTracking ?? false)}
        trackingProblem={reason === null ? null : trackingSentence(reason, trans)}
        firstRun={
          this._isWelcome && notebook !== null && notebook.isTracking
            ? { method, gridIsSet: this._gridIsSet() }
            : null
        }
        onFirstRead={() => {
          this._isWelcome = false;
          this._memory.read();
          this.update();
        }}
        onTrack={on => void notebook?.track(on)}
        onChooseGrid={this._onChooseGrid}
        trans={trans}
      />
    );
  }

  private _isWelcome = false;
}

/** Say what the server cannot tell of a notebook; null if it can tell all. */
function noticeOf(notebook: NotebookModel, trans: TranslationBundle): string | null {
  if (notebook.problem !== null) {
    return serverSentence(notebook.problem, trans);
  }
  return notebook.carries
    ? trans.__(
        'This server cannot read what this kernel records. It comes with the output of each cell.'
      )
    : null;
}

/** Whether somebody read the first lines: how it is measured, that no grid is set, that data stay. */
export interface IFirstLines {
  wasRead(): Promise<boolean>;
  read(): void;
}

/** The cells, the heaviest first. */
export class CellsSection extends Section {
  protected override onNotebook(): void {
    // A cell that is deleted or added changes what the list says of it.
    this._list?.changed.disconnect(this.updateIfSeen, this);
    this._list = this.notebook?.view.panel.content.model?.cells ?? null;
    this._list?.changed.connect(this.updateIfSeen, this);
    this._known.clear();
    super.onNotebook();
  }

  protected override onBeforeDetach(message: Message): void {
    this._list?.changed.disconnect(this.updateIfSeen, this);
    super.onBeforeDetach(message);
  }

  protected override onChanged(): void {
    this.title.label = this.label;
    super.onChanged();
  }

  get label(): string {
    const count = this.notebook?.cells.size ?? 0;
    return count === 0 ? this.trans.__('Cells') : this.trans.__('Cells (%1)', count);
  }

  protected override render(): ReactElement {
    return (
      <CellsPanel rows={this._rows()} onJump={cellId => this._jump(cellId)} trans={this.trans} />
    );
  }

  private _rows(): readonly ICellRow[] {
    const notebook = this.notebook;
    if (notebook === null) {
      return [];
    }
    const sources = new Map<string, string>();
    for (const cell of notebook.view.panel.content.model?.cells ?? []) {
      sources.set(cell.id, cell.sharedModel.getSource());
    }
    return [...notebook.cells.values()].map(cell => this._row(cell, sources.get(cell.cell_id)));
  }

  /** The same row object as before if nothing in it changed, so that its line is not drawn again. */
  private _row(state: CellState, source: string | undefined): ICellRow {
    const { cell_id: cellId, record, runs, change } = state;
    const isHere = source !== undefined;
    const number = `[${String(record.execution_count ?? ' ')}]`;
    const title = record.name ?? firstLine(source) ?? number;
    const known = this._known.get(cellId);
    if (known?.record === record && known.title === title && known.isHere === isHere) {
      return known;
    }
    const row = { cellId, title, record, runs, change, isHere };
    this._known.set(cellId, row);
    return row;
  }

  private _jump(cellId: string): void {
    const content = this.notebook?.view.panel.content;
    const index = content?.widgets.findIndex(cell => cell.model.id === cellId) ?? -1;
    if (content !== undefined && index >= 0) {
      content.activeCellIndex = index;
      content.deselectAll();
      void content.scrollToItem(index, 'smart');
      content.activate();
    }
  }

  private readonly _known = new Map<string, ICellRow>();
  private _list: CellList | null = null;
}

/** The first line of code that tells cells apart: magics of ours and blank lines are not. */
function firstLine(source: string | undefined): string | null {
  const lines = (source ?? '').split('\n').map(line => line.trim());
  const found = lines.find(line => line !== '' && !line.startsWith('%%track_energy'));
  return found ?? null;
}

/** The runs in MLflow that hold this notebook's records. */
export class RunsSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onCompare: (
      runs: readonly RunState[],
      looked: Readonly<Record<string, LookedUp | null>>
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
    this._looked = {};
    this._runs.forget();
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
        state={this._runs.value}
        problem={this._problem ?? this._runs.problem}
        looked={this._looked}
        ticked={this._ticked}
        isLooking={this._isLooking}
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
    if (notebook !== null && notebook.isInUse) {
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
    this._onCompare(runs, this._looked);
  }

  private async _look(): Promise<void> {
    const notebook = this.notebook;
    const runs = this._runs.value?.runs ?? [];
    if (notebook === null || runs.length === 0) {
      return;
    }
    this._isLooking = true;
    this.update();
    try {
      this._looked = await this.model.api.look(
        notebook.key,
        runs.map(run => run.run_id)
      );
      this._problem = null;
    } catch (error) {
      this._problem = error instanceof Error ? error.message : String(error);
    }
    this._isLooking = false;
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
    this._isSending = false;
    this.title.label = this.label;
    this.updateIfSeen();
  }

  private readonly _runs = new Asked<RunsState>();
  private _ticked: ReadonlySet<string> = new Set();
  private _looked: Readonly<Record<string, LookedUp | null>> = {};
  private _problem: string | null = null;
  private _isLooking = false;
  private _isSending = false;
}

/** Sensors, range, intensity and what the measuring itself takes. */
export class MeasuredSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onOpenSettings: () => void
  ) {
    super(model, trans);
  }

  /** Whether somebody said which grid it is; true as long as that is not known. */
  get gridIsSet(): boolean {
    const intensity = this._settings.value?.intensity;
    return intensity === undefined || intensity === null || intensity.zone !== 'world';
  }

  /** Ask for the settings; the first click that tracks does this. */
  async readSettings(): Promise<void> {
    await this._settings.ask(() => this.model.api.settings());
    this.updateIfSeen();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._read();
  }

  protected override render(): ReactElement {
    return (
      <MeasuredPanel
        doctor={this._doctor.value}
        problem={this._doctor.problem ?? this._settings.problem}
        isAsking={this._doctor.isAsking}
        onAsk={() => void this._ask()}
        settings={this._settings.value}
        zones={this._zones.value}
        onChooseZone={code => void this._choose(code)}
        onOpenSettings={this._onOpenSettings}
        message={this._message}
        trans={this.trans}
      />
    );
  }

  private async _read(): Promise<void> {
    await Promise.all([
      this._settings.ask(() => this.model.api.settings()),
      this._zones.value === null ? this._zones.ask(() => this.model.api.zones()) : null
    ]);
    this.updateIfSeen();
  }

  private async _ask(): Promise<void> {
    const asking = this._doctor.ask(() => this.model.api.doctor());
    this.update();
    await asking;
    this.updateIfSeen();
  }

  private async _choose(code: string): Promise<void> {
    const said = code === '' ? null : code;
    this._message = null;
    await this._settings.ask(() => this.model.api.set('intensity', said));
    if (this._settings.problem === null) {
      try {
        for (const notebook of this.model.notebooks) {
          await notebook.chooseIntensity(said);
        }
        this._message = this.trans.__(
          'It holds from the next cell on. Earlier records keep theirs.'
        );
      } catch (error) {
        this._message = error instanceof Error ? error.message : String(error);
      }
    }
    this.updateIfSeen();
  }

  private readonly _doctor = new Asked<DoctorState>();
  private readonly _settings = new Asked<SettingsState>();
  private readonly _zones = new Asked<readonly Zone[]>();
  private _message: string | null = null;
}
