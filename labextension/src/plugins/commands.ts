import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  DOMUtils,
  ICommandPalette,
  IToolbarWidgetRegistry,
  Notification
} from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type { Contents } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { leafIcon } from '../icons';
import type { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { IGreenModel } from '../tokens';
import { trackingSentence } from '../words';

export const CommandIDs = {
  track: 'jupyter-green:track',
  report: 'jupyter-green:report',
  send: 'jupyter-green:send'
} as const;

const TOOLBAR_ITEM = 'green-track'; // its name in the settings' schema

/** What can be done from the palette, the menus and the notebook's toolbar. */
export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:commands',
  description: 'Commands: track the notebook, save its report, send its records to MLflow.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [ICommandPalette, IDocumentManager, IToolbarWidgetRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: GreenModel,
    palette: ICommandPalette | null,
    documents: IDocumentManager | null,
    toolbars: IToolbarWidgetRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_green');
    const { commands, serviceManager } = app;
    /** The notebook whose toolbar it is; without one, as in a menu, the one that is looked at. */
    const notebookOf = (args: ReadonlyPartialJSONObject): NotebookModel | null =>
      args['panel'] === undefined
        ? model.current
        : ([...model.notebooks].find(one => one.view.panel.id === args['panel']) ?? null);
    commands.addCommand(CommandIDs.track, {
      label: args =>
        args['toolbar'] === true ? '' : trans.__('Green: Track the Energy of This Notebook'),
      caption: args =>
        notebookOf(args)?.tracking.isChosen === true
          ? trans.__('The energy of every cell is tracked. Click to stop.')
          : trans.__('Track the energy of every cell of this notebook'),
      icon: leafIcon,
      isEnabled: args => notebookOf(args) !== null,
      isToggleable: true,
      isToggled: args => notebookOf(args)?.tracking.isChosen === true,
      execute: async args => {
        const notebook = notebookOf(args);
        if (notebook === null) {
          return;
        }
        await notebook.tracking.set(!notebook.tracking.isChosen);
        const problem = notebook.tracking.problem;
        if (problem !== null) {
          Notification.warning(trackingSentence(problem, trans), { autoClose: 8000 });
        }
      }
    });
    commands.addCommand(CommandIDs.report, {
      label: trans.__('Green: Save the Energy Report of This Notebook'),
      isEnabled: () => model.current !== null,
      execute: async () => {
        const notebook = model.current;
        if (notebook === null) {
          return;
        }
        try {
          const text = await model.api.report(notebook.key, 'md');
          const contents = serviceManager.contents;
          const folder = PathExt.dirname(notebook.view.path);
          const listing = (await contents.get(folder)).content as readonly Contents.IModel[];
          const path = freePath(notebook.view.path, new Set(listing.map(file => file.name)));
          await contents.save(path, { type: 'file', format: 'text', content: text });
          documents?.open(path);
        } catch (error) {
          Notification.warning(error instanceof Error ? error.message : String(error));
        }
      }
    });
    commands.addCommand(CommandIDs.send, {
      label: trans.__('Green: Send the Records of This Notebook to MLflow'),
      isEnabled: () => model.current !== null,
      execute: async () => {
        const notebook = model.current;
        if (notebook === null) {
          return;
        }
        try {
          const state = await model.api.send(notebook.key);
          if (state.problem !== null) {
            Notification.warning(state.problem);
          }
        } catch (error) {
          Notification.warning(error instanceof Error ? error.message : String(error));
        }
      }
    });
    toolbars?.addFactory('Notebook', TOOLBAR_ITEM, (panel: Widget) => {
      panel.id ||= DOMUtils.createDomID(); // JupyterLab names it only when it is shown
      const item = { name: TOOLBAR_ITEM, command: CommandIDs.track, args: { panel: panel.id } };
      return toolbars.defaultFactory('Notebook', panel, item);
    });
    const refresh = (): void => commands.notifyCommandChanged(CommandIDs.track);
    const follow = (notebook: NotebookModel): void => {
      notebook.changed.connect(refresh);
      refresh();
    };
    model.currentChanged.connect(refresh);
    model.opened.connect((_, notebook) => follow(notebook));
    model.notebooks.forEach(follow);
    for (const command of [CommandIDs.track, CommandIDs.report, CommandIDs.send]) {
      palette?.addItem({ command, category: trans.__('Green') });
    }
  }
};

/** The first name beside the notebook that nobody uses yet. */
function freePath(notebook: string, taken: ReadonlySet<string>): string {
  const stem = notebook.slice(0, notebook.length - PathExt.extname(notebook).length);
  for (let number = 1; ; number++) {
    const path = `${stem}-energy${number === 1 ? '' : `-${String(number)}`}.md`;
    if (!taken.has(PathExt.basename(path))) {
      return path;
    }
  }
}
