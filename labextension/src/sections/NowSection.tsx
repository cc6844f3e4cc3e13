import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import { NowPanel } from '../components/NowPanel';
import type { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { serverSentence, trackingSentence } from '../words';

import { Section } from './Section';

/** Power now, and the totals. */
export class NowSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onChooseGrid: () => void,
    private readonly _grid: IGrid,
    private readonly _memory: IFirstLines
  ) {
    super(model, trans);
    void _memory.wasRead().then(wasRead => {
      this._isWelcome = !wasRead;
      this.updateIfSeen();
    });
  }

  protected override onNotebook(): void {
    this._told = null;
    super.onNotebook();
  }

  protected override onLive(): void {
    this.updateIfSeen();
  }

  protected override updateIfSeen(): void {
    if (this._showsFirstLines && !this._hasAskedForGrid) {
      this._hasAskedForGrid = true;
      void this._grid.readSettings().then(() => this.updateIfSeen());
    }
    super.updateIfSeen();
  }

  private get _showsFirstLines(): boolean {
    return this._isWelcome && this.notebook?.tracking.isOn === true;
  }

  protected override render(): ReactElement {
    const { notebook, trans } = this;
    const problem = notebook === null ? null : noticeOf(notebook, trans);
    const reason = notebook?.tracking.problem ?? null;
    const state = notebook?.state ?? null;
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
        isTracking={reason?.kind === 'language' ? null : (notebook?.tracking.isChosen ?? false)}
        trackingProblem={reason === null ? null : trackingSentence(reason, trans)}
        firstRun={
          this._showsFirstLines ? { method: this._method(), gridIsSet: this._grid.gridIsSet } : null
        }
        onFirstRead={() => {
          this._isWelcome = false;
          this._memory.read();
          this.update();
        }}
        onTrack={on => void notebook?.tracking.set(on)}
        onChooseGrid={this._onChooseGrid}
        trans={trans}
      />
    );
  }

  /** How it is measured here, in the same words also while a notebook is hidden and its power is not seen. */
  private _method(): string | null {
    const { live, state } = this.notebook ?? { live: null, state: null };
    const quality = live?.quality ?? state?.session?.energy.quality ?? null;
    const found =
      quality === 'modelled'
        ? this.trans.__(
            'No energy counter can be read here: energy is modelled from CPU time (range about a factor of 2).'
          )
        : (state?.method ?? live?.method ?? null);
    if (quality !== null || this._told === null) {
      this._told = found;
    }
    return this._told;
  }

  private _told: string | null = null;
  private _isWelcome = false;
  private _hasAskedForGrid = false;
}

/** Say what the server cannot tell of a notebook; null if it can tell all. */
function noticeOf(notebook: NotebookModel, trans: TranslationBundle): string | null {
  if (notebook.problem !== null) {
    return serverSentence(notebook.problem, trans);
  }
  return notebook.tracking.carries
    ? trans.__(
        'This server cannot read what this kernel records. It comes with the output of each cell.'
      )
    : null;
}

/** Whether somebody said which grid it is, once the settings are read. */
export interface IGrid {
  readonly gridIsSet: boolean;
  readSettings(): Promise<void>;
}

/** Whether somebody read the first lines: how it is measured, that no grid is set, that data stay. */
export interface IFirstLines {
  wasRead(): Promise<boolean>;
  read(): void;
}
