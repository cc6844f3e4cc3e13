import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import type { ReactElement } from 'react';

import { energyText } from '../amounts';
import type { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { qualityText } from '../recordText';
import { powerOf } from '../runningCells';
import { IGreenModel } from '../tokens';
import { powerWord } from '../words';

/** Power and energy of the current notebook in the status bar. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:status',
  description: 'Shows power and energy of the current notebook in the status bar.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: GreenModel,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    if (statusBar === null) {
      return; // Notebook 7 has none
    }
    const trans = (translator ?? nullTranslator).load('jupyter_green');
    const item = new StatusItem(model, trans, () => app.shell.activateById('jp-green-panel'));
    statusBar.registerStatusItem(statusPlugin.id, {
      item,
      align: 'left',
      rank: 20,
      isActive: () => model.current?.isInUse === true,
      activeStateChanged: item.activeChanged
    });
  }
};

class StatusItem extends ReactWidget {
  constructor(
    private readonly _model: GreenModel,
    private readonly _trans: TranslationBundle,
    private readonly _onOpen: () => void
  ) {
    super();
    this.addClass('jp-green-status');
    _model.currentChanged.connect(this._follow, this);
    this._follow();
  }

  /** Emitted when there is something to show, or nothing any more. */
  get activeChanged(): Signal<this, void> {
    return this._activeChanged;
  }

  protected override render(): ReactElement | null {
    const notebook = this._model.current;
    const text = notebook === null ? '' : statusText(notebook, this._trans);
    return text === '' ? null : (
      <button
        type="button"
        className="jp-green-status-text"
        title={this._trans.__('Power of the kernel, and energy of this notebook. Click for more.')}
        onClick={this._onOpen}
      >
        {text}
      </button>
    );
  }

  private _follow(): void {
    this._followed?.changed.disconnect(this._onChanged, this);
    this._followed?.liveChanged.disconnect(this.update, this);
    this._followed = this._model.current;
    this._followed?.changed.connect(this._onChanged, this);
    this._followed?.liveChanged.connect(this.update, this);
    this._onChanged();
  }

  private _onChanged(): void {
    this._activeChanged.emit();
    this.update();
  }

  private _followed: NotebookModel | null = null;
  private readonly _activeChanged = new Signal<this, void>(this);
}

/** Write ``⚡ 12 W · 41 J (21 to 82) · modelled``; what is not known is left out. */
function statusText(notebook: NotebookModel, trans: TranslationBundle): string {
  const newest = notebook.samples[notebook.samples.length - 1];
  const power = newest === undefined ? null : powerOf(newest);
  const energy = notebook.state?.total?.energy ?? null;
  const parts = [];
  let quality = null;
  if (power !== null) {
    parts.push(powerWord(power, trans));
    quality = notebook.live?.quality ?? null;
  }
  if (energy !== null) {
    parts.push(energyText(energy.attributed_j, energy.low_j, energy.high_j, trans));
    quality = energy.attributed_j === null ? null : energy.quality;
  }
  if (quality !== null) {
    parts.push(qualityText(quality, trans));
  }
  return parts.length === 0 ? '' : `⚡ ${parts.join(' · ')}`;
}
