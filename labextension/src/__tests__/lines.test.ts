import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { expect, it } from 'vitest';

import { GreenModel } from '../model';
import { linesPlugin } from '../plugins/lines';

import { FakeKernel, FakeView, ScriptedApi, settle } from './fakes';

/** The cells of a view, as far as lines are drawn there. */
class FakeContent {
  readonly cells = { changed: new Signal<this, void>(this) };
  readonly model = { cells: this.cells };
  readonly modelChanged = new Signal<this, void>(this);
  readonly modelContentChanged = new Signal<this, void>(this);
  readonly disposed = new Signal<this, void>(this);
  readonly isDisposed = false;
  scans = 0;

  get widgets(): never[] {
    this.scans += 1;
    return [];
  }
}

it('looks no more for lines in a view that was closed, though its cells live on in another', async () => {
  const model = new GreenModel(new ScriptedApi());
  await linesPlugin.activate({} as unknown as JupyterFrontEnd, model, null, null);
  const content = new FakeContent();
  const panel = { content, context: { ready: Promise.resolve() } } as unknown as NotebookPanel;
  model.add(new FakeView(new FakeKernel('k'), 'churn.ipynb', panel));
  await settle();
  content.scans = 0;
  content.cells.changed.emit();
  await settle();
  expect(content.scans).toBe(1);
  content.disposed.emit();
  content.cells.changed.emit();
  await settle();
  expect(content.scans).toBe(1);
  model.dispose();
});
