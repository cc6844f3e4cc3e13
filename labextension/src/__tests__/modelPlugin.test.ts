import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ServerConnection } from '@jupyterlab/services';
import { type IStateDB, StateDB } from '@jupyterlab/statedb';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, it } from 'vitest';

import type { GreenModel } from '../model';
import { modelPlugin } from '../plugins/model';
import type { NotebookState } from '../wire';

import { door, FakeContext, FakeKernel, settle } from './fakes';
import { live, notebook } from './made';

const NAME = 'churn.ipynb';
const TRACKED = 'jupyter-green:tracked';

let panels: FakePanel[];
let state: IStateDB;
let model: GreenModel;
/** The questions that the server was asked, and what it answers. */
let asked: URL[];
let answer: (question: URL) => NotebookState;

/** A view of a notebook, as far as JupyterLab's tracker tells of it. */
class FakePanel {
  constructor(
    readonly context = new FakeDocument(),
    readonly sessionContext = new FakeContext()
  ) {}

  readonly content = { widgets: [], model: null };
  readonly isVisible = false;
  readonly disposed = new Signal<this, void>(this);
}

class FakeDocument {
  path = NAME;
  readonly ready = Promise.resolve();
  readonly pathChanged = new Signal<this, string>(this);

  rename(path: string): void {
    this.path = path;
    this.pathChanged.emit(path);
  }
}

async function start(): Promise<void> {
  const none = new Signal<object, never>({});
  const tracker = {
    forEach: (what: (panel: NotebookPanel) => void) =>
      panels.forEach(panel => what(panel as unknown as NotebookPanel)),
    widgetAdded: none,
    currentChanged: none,
    currentWidget: null
  } as unknown as INotebookTracker;
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://127.0.0.1/',
    fetch: question => {
      const url = new URL((question as Request).url);
      asked.push(url);
      return Promise.resolve(
        Response.json(url.pathname.endsWith('/notebook') ? answer(url) : live())
      );
    }
  });
  const app = { serviceManager: { serverSettings } } as unknown as JupyterFrontEnd;
  model = await modelPlugin.activate(app, tracker, state);
}

beforeEach(() => {
  panels = [];
  asked = [];
  answer = () => notebook({ revision: 0, cells: [], total: null, session: null });
  state = new StateDB();
});

afterEach(() => {
  model.dispose();
});

it('reads a notebook again once its kernel is there, which alone may tell what it is', async () => {
  const panel = new FakePanel();
  const { gate, open } = door();
  panel.sessionContext.ready = gate;
  panels = [panel];
  answer = url =>
    url.searchParams.has('kernel') ? notebook() : notebook({ revision: 0, cells: [] });
  await start();
  await settle();
  const kernel = new FakeKernel('k');
  panel.sessionContext.use(kernel);
  open();
  await settle();
  const [opened] = model.notebooks;
  expect([opened?.cells.size, kernel.calls]).toEqual([1, ['switch(None)']]);
});

it('does not forget that a notebook is tracked when the page is left before its kernel is there', async () => {
  const panel = new FakePanel();
  panel.sessionContext.ready = door().gate;
  panels = [panel];
  await state.save(TRACKED, [NAME]);
  await start();
  await settle();
  expect([asked.length, await state.fetch(TRACKED)]).toEqual([1, [NAME]]);
  const kernel = new FakeKernel('k');
  panel.sessionContext.use(kernel);
  await settle();
  expect(kernel.calls).toEqual(['switch(True)']);
});

it('hears of a new name once, where another view of the notebook was closed', async () => {
  const first = new FakePanel();
  panels = [first, new FakePanel(first.context, first.sessionContext)];
  await start();
  await settle();
  first.disposed.emit();
  asked.length = 0;
  first.context.rename('renamed.ipynb');
  await settle();
  expect(asked.map(url => url.searchParams.get('path'))).toEqual(['renamed.ipynb']);
});
