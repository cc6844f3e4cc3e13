import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { GreenModel } from '../model';
import { CellsSection } from '../sections/CellsSection';

import { FakeKernel, FakeView, ScriptedApi } from './fakes';
import { cellState, notebook, record, trans } from './made';

/** A notebook's cells with their sources. */
class FakeCells {
  readonly changed = new Signal<this, void>(this);
  readonly sources = new Map<string, string>();

  *[Symbol.iterator](): Generator {
    for (const [id, source] of this.sources) {
      yield { id, sharedModel: { getSource: () => source } };
    }
  }

  delete(id: string): void {
    this.sources.delete(id);
    this.changed.emit();
  }
}

let api: ScriptedApi;
let model: GreenModel;
let section: CellsSection;
let cells: FakeCells;

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false); // the section is drawn when React likes
  api = new ScriptedApi();
  model = new GreenModel(api);
  cells = new FakeCells();
  cells.sources.set('a', 'import time\nfit(x)').set('b', 'plot()');
  const panel = { content: { model: { cells } } } as unknown as NotebookPanel;
  const opened = model.add(new FakeView(new FakeKernel('k'), 'churn.ipynb', panel));
  model.show(opened);
  section = new CellsSection(model, trans, () => undefined);
  section.hide();
  Widget.attach(section, document.body);
  const of = (cell_id: string, execution_count: number | null) =>
    cellState(record(1, { cell_id, execution_count }));
  api.state = notebook({ cells: [of('a', 4), of('b', null)] });
  await opened.refresh();
});

afterEach(() => {
  section.dispose();
  model.dispose();
});

function titles(): string[] {
  return Array.from(section.node.querySelectorAll('.jp-green-cell-title'), one => one.textContent);
}

it('names cells by number and telling line, and by what is known of these', async () => {
  section.show();
  await vi.waitFor(() => expect(titles()).toEqual(['[4] fit(x)', 'plot()']));
});

it('keeps the text of a cell that is deleted, also of one that nobody had looked at', async () => {
  cells.delete('a');
  section.show();
  await vi.waitFor(() => expect(titles()).toEqual(['plot()', '[4] fit(x)']));
});
