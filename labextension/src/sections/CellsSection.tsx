import type { CellList, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import { CellsPanel, type ICellRow } from '../components/CellsPanel';
import type { GreenModel } from '../model';
import { tellingLine } from '../tellingLine';
import type { CellState } from '../wire';

import { Section } from './Section';

/** The cells, the heaviest first. */
export class CellsSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onShow: (panel: NotebookPanel) => void
  ) {
    super(model, trans);
  }

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
    this._noteLines();
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
    const { cell_id: cellId, record } = state;
    const isHere = source !== undefined;
    const count = record.execution_count;
    const number = count === null ? null : `[${String(count)}]`;
    const title = record.name ?? this._line(cellId, source);
    const known = this._known.get(cellId);
    if (known?.cell === state && known.title === title && known.isHere === isHere) {
      return known;
    }
    const row = { cellId, number, title, cell: state, isHere };
    this._known.set(cellId, row);
    return row;
  }

  /** Note the text of measured cells, so that one that is deleted before it is looked at keeps it, too. */
  private _noteLines(): void {
    const notebook = this.notebook;
    for (const cell of notebook?.view.panel.content.model?.cells ?? []) {
      if (notebook?.cells.has(cell.id) === true && !this._lines.has(cell.id)) {
        this._line(cell.id, cell.sharedModel.getSource());
      }
    }
  }

  /** A cell's telling line; that of a deleted cell as it was last. */
  private _line(cellId: string, source: string | undefined): string | null {
    const line = source === undefined ? null : tellingLine(source);
    if (line !== null) {
      this._lines.set(cellId, line);
    }
    return line ?? (source === undefined ? (this._lines.get(cellId) ?? null) : null);
  }

  private _jump(cellId: string): void {
    const panel = this.notebook?.view.panel;
    const index = panel?.content.widgets.findIndex(cell => cell.model.id === cellId) ?? -1;
    if (panel !== undefined && index >= 0) {
      const { content } = panel;
      this._onShow(panel); // another tab may hide it
      content.activeCellIndex = index;
      content.deselectAll();
      void content.scrollToItem(index, 'smart');
      content.activate();
    }
  }

  private readonly _known = new Map<string, ICellRow>();
  private readonly _lines = new Map<string, string>(); // of the cells of all notebooks: an id is in one
  private _list: CellList | null = null;
}
