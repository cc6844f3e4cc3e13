import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { Cell, CodeCell, ICellModel } from '@jupyterlab/cells';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import type { PanelLayout } from '@lumino/widgets';

import { CellLine, type LineContent } from '../cellLine';
import { kept, METADATA, readKept } from '../kept';
import type { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { Options, readShow } from '../options';
import { IGreenModel } from '../tokens';

/** A line under the input of each measured cell. */
export const linesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:plugin',
  description: 'Shows the energy of each cell under its input.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    model: GreenModel,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_green');
    const options = new Options();
    const draw = (notebook: NotebookModel): void => {
      new Lines(notebook, options, trans);
    };
    model.notebooks.forEach(draw);
    model.opened.connect((__, notebook) => draw(notebook));
    void registry?.load(linesPlugin.id).then(settings => options.follow(settings));
  }
};

/** The lines of one notebook. They live in the cells' layouts, which dispose of them. */
class Lines {
  constructor(
    private readonly _notebook: NotebookModel,
    private readonly _options: Options,
    private readonly _trans: TranslationBundle
  ) {
    const { content, context } = _notebook.view.panel;
    _notebook.cellsChanged.connect(this._onCells, this);
    _notebook.liveChanged.connect(this._onLive, this);
    _options.changed.connect(this._scan, this);
    content.modelChanged.connect(this._onModel, this);
    content.disposed.connect(() => Signal.clearData(this)); // another view may keep the cells
    this._onModel();
    void context.ready.then(() => this._scan());
  }

  private _onModel(): void {
    const model = this._notebook.view.panel.content.model;
    model?.cells.changed.connect(this._scanSoon, this);
    model?.metadataChanged.connect(this._scanSoon, this);
    this._scanSoon();
  }

  private _onMetadata(model: ICellModel): void {
    for (const cell of this._cells()) {
      if (cell.model === model) {
        this._draw(cell);
      }
    }
  }

  private _onCells(_: NotebookModel, changed: ReadonlySet<string>): void {
    for (const cell of this._cells()) {
      if (changed.has(cell.model.id)) {
        this._draw(cell);
        this._keep(cell);
      }
    }
  }

  private _onLive(): void {
    if (this._notebook.running.size > 0) {
      this._onCells(this._notebook, this._notebook.running);
    }
  }

  /** Cells were added, moved or replaced, or the notebook's own settings changed: once all of it is done. */
  private _scanSoon(): void {
    if (!this._isScanning) {
      this._isScanning = true;
      queueMicrotask(() => {
        this._isScanning = false;
        this._scan();
      });
    }
  }

  private _scan(): void {
    if (!this._notebook.isDisposed) {
      for (const cell of this._cells()) {
        cell.model.metadataChanged.connect(this._onMetadata, this); // once, however often it is said
        this._draw(cell);
      }
    }
  }

  private _cells(): CodeCell[] {
    const { content } = this._notebook.view.panel;
    return content.isDisposed
      ? []
      : content.widgets.filter((cell: Cell): cell is CodeCell => cell.model.type === 'code');
  }

  private _draw(cell: CodeCell): void {
    const content = this._content(cell);
    const line = this._lines.get(cell);
    if (line !== undefined) {
      line.content = content;
    } else if (content !== null && !this._waiting.has(cell)) {
      // A cell outside the view of a windowed notebook has no parts yet.
      this._waiting.add(cell);
      void cell.ready.then(() => this._insert(cell));
    }
  }

  private _insert(cell: CodeCell): void {
    this._waiting.delete(cell);
    if (cell.isDisposed || this._notebook.isDisposed) {
      return;
    }
    const layout = cell.layout as PanelLayout;
    const at = layout.widgets.findIndex(part => part.hasClass('jp-Cell-outputWrapper'));
    const line = new CellLine(this._trans);
    this._lines.set(cell, line);
    layout.insertWidget(at < 0 ? layout.widgets.length : at, line);
    line.content = this._content(cell);
  }

  private _content(cell: CodeCell): LineContent | null {
    const notebook = this._notebook;
    const own = notebook.view.panel.content.model?.getMetadata(METADATA) as unknown;
    const show = readShow(field(own, 'show')) ?? this._options.show;
    if (show === 'never') {
      return null;
    }
    const running = this._options.live ? notebook.runningCell(cell.model.id) : null;
    // What a cell uses that nobody measures would be shown and then be gone.
    if (running !== null && notebook.isMeasured(cell.model.id)) {
      return { kind: 'running', running, quality: notebook.live?.quality ?? null };
    }
    const known = notebook.cells.get(cell.model.id);
    const isOutdated = notebook.isOutdated(cell.model.id);
    if (notebook.hasLostKernel(cell.model.id) && (known === undefined || isOutdated)) {
      return { kind: 'lost' };
    }
    const found =
      known === undefined ? readKept(cell.model.getMetadata(METADATA), cell.model.id) : null;
    const energyJ = known?.record.energy.attributed_j ?? found?.energy_j ?? null;
    if (show === 'threshold' && energyJ !== null && energyJ < this._options.minimumJoules) {
      return null;
    }
    if (known !== undefined) {
      return { kind: 'recorded', cell: known, state: notebook.state, isOutdated };
    }
    return found === null ? null : { kind: 'elsewhere', kept: found };
  }

  private _keep(cell: CodeCell): void {
    const known = this._notebook.cells.get(cell.model.id);
    if (!this._options.saveInNotebook || known === undefined) {
      return;
    }
    const before = readKept(cell.model.getMetadata(METADATA), cell.model.id);
    const data = kept(known.record, cell.model.id, before);
    if (data !== null) {
      cell.model.setMetadata(METADATA, { ...data });
    }
  }

  private readonly _lines = new WeakMap<CodeCell, CellLine>();
  private readonly _waiting = new WeakSet<CodeCell>();
  private _isScanning = false;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
