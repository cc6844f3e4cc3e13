import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';
import { MessageLoop } from '@lumino/messaging';

import { Api } from '../api';
import { GreenModel } from '../model';
import type { INotebookView, NotebookModel } from '../notebookModel';
import { IGreenModel } from '../tokens';

const TRACKED = 'jupyter-green:tracked'; // paths of the notebooks that are tracked, in this workspace
const MAGIC = 'track_energy';

/** The shared model: follows every notebook that is open, and remembers which are tracked. */
export const modelPlugin: JupyterFrontEndPlugin<GreenModel> = {
  id: 'jupyter-green:model',
  description: 'Follows the energy of open notebooks.',
  autoStart: true,
  provides: IGreenModel,
  requires: [INotebookTracker],
  optional: [IStateDB],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, state: IStateDB | null) => {
    const model = new GreenModel(new Api(app.serviceManager.serverSettings));
    const memory = new Memory(state);
    const models = new WeakMap<NotebookPanel, NotebookModel>();
    const showCurrent = (): void => {
      const panel = tracker.currentWidget;
      model.show(panel === null ? null : (models.get(panel) ?? null));
    };
    const follow = (panel: NotebookPanel): void => {
      const notebook = model.add(new PanelView(panel));
      models.set(panel, notebook);
      let path = panel.context.path;
      notebook.ended.connect((_, cellId) => void afterCell(notebook, cellId));
      const rename = (_: unknown, renamed: string): void => {
        memory.rename(path, renamed);
        path = renamed;
        void notebook.refresh();
      };
      panel.context.pathChanged.connect(rename);
      panel.disposed.connect(() => {
        panel.context.pathChanged.disconnect(rename); // another view may keep it open
        model.remove(notebook);
      });
      MessageLoop.installMessageHook(panel, (_, message) => {
        if (message.type === 'after-show') {
          // Another tab had hidden it, and nobody asked meanwhile. Older Lumino calls it visible only after this.
          queueMicrotask(() => model.wake());
        }
        return true;
      });
      void panel.context.ready.then(async () => {
        const wasTracked = await memory.isTracked(path);
        if (wasTracked) {
          void notebook.tracking.resume(); // before anything is noted
        }
        notebook.changed.connect(() => memory.note(path, notebook.tracking.isWanted));
        await notebook.refresh();
        await notebook.view.sessionContext.ready;
        // Of contents that are no files, and after a new name, its kernel alone may tell what was recorded.
        await notebook.refresh();
        if (!wasTracked && notebook.state !== null && notebook.state.session !== null) {
          // It measures already: a page that was loaded again asks how.
          await notebook.tracking.ask();
        }
      });
    };
    tracker.forEach(follow);
    tracker.widgetAdded.connect((_, panel) => {
      follow(panel);
      showCurrent(); // a panel may become the current one before it is told of
    });
    tracker.currentChanged.connect(showCurrent);
    showCurrent();
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        model.wake();
      }
    });
    return model;
  }
};

/** A cell ended: read its record if there can be one, and ask the kernel if the cell may have switched tracking. */
async function afterCell(notebook: NotebookModel, cellId: string): Promise<void> {
  const source = sourceOf(notebook.view.panel, cellId);
  const isAsking = source.includes(MAGIC);
  if (notebook.isInUse || isAsking) {
    await notebook.refresh();
  }
  if (isAsking) {
    await notebook.tracking.ask();
  }
}

function sourceOf(panel: NotebookPanel, cellId: string): string {
  const cells = panel.content.model?.cells ?? [];
  for (const cell of cells) {
    if (cell.id === cellId) {
      return cell.sharedModel.getSource();
    }
  }
  return '';
}

/** A panel as the model sees it. */
class PanelView implements INotebookView {
  constructor(readonly panel: NotebookPanel) {}

  get sessionContext(): ISessionContext {
    return this.panel.sessionContext;
  }

  get path(): string {
    return this.panel.context.path;
  }

  get isVisible(): boolean {
    return !this.panel.isDisposed && this.panel.isVisible && !document.hidden;
  }

  cellOfRequest(messageId: string): string | null {
    for (const cell of this.panel.content.widgets) {
      if (!(cell instanceof CodeCell)) {
        continue;
      }
      // Lab declares it as always there; before a cell's first run it is not.
      const future = cell.outputArea.future as typeof cell.outputArea.future | null;
      if (future?.msg.header.msg_id === messageId) {
        return cell.model.id;
      }
    }
    return null;
  }
}

/** Which notebooks are tracked, kept with the workspace from the first click on. */
class Memory {
  constructor(private readonly _state: IStateDB | null) {}

  async isTracked(path: string): Promise<boolean> {
    return (await this._paths()).has(path);
  }

  note(path: string, isTracked: boolean): void {
    if (this._noted.get(path) === isTracked) {
      return;
    }
    this._noted.set(path, isTracked);
    void this._change(paths => {
      if (isTracked) {
        paths.add(path);
      } else {
        paths.delete(path);
      }
    });
  }

  rename(from: string, to: string): void {
    this._noted.delete(from);
    void this._change(paths => {
      if (paths.delete(from)) {
        paths.add(to);
      }
    });
  }

  private async _paths(): Promise<Set<string>> {
    const saved = await this._state?.fetch(TRACKED);
    const paths = Array.isArray(saved) ? saved.filter(path => typeof path === 'string') : [];
    return new Set(paths);
  }

  private async _change(change: (paths: Set<string>) => void): Promise<void> {
    this._last = this._last.then(async () => {
      const before = await this._paths();
      const after = new Set(before);
      change(after);
      if (after.size !== before.size || [...after].some(path => !before.has(path))) {
        await this._state?.save(TRACKED, [...after]);
      }
    });
    await this._last;
  }

  private readonly _noted = new Map<string, boolean>();
  private _last: Promise<void> = Promise.resolve();
}
