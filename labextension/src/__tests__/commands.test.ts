import type { JupyterFrontEnd } from '@jupyterlab/application';
import { createDefaultFactory, ToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { CommandIDs, commandsPlugin } from '../plugins/commands';

import { FakeKernel, FakeView, ScriptedApi, settle } from './fakes';

let commands: CommandRegistry;
let toolbars: ToolbarWidgetRegistry;
let model: GreenModel;
const attached: Widget[] = [];

/** A notebook that is open, and the leaf in its toolbar. */
interface IOpen {
  readonly notebook: NotebookModel;
  readonly pressed: () => string | null | undefined;
  readonly click: () => void;
}

/** Open a notebook as JupyterLab does: its toolbar is made first, while its panel has no name yet. */
function open(path: string): IOpen {
  const panel = new Widget();
  const item = { name: 'green-track', command: CommandIDs.track, args: { toolbar: true } };
  const button = toolbars.createWidget('Notebook', panel, item);
  Widget.attach(button, document.body);
  attached.push(button);
  const leaf = () => button.node.querySelector<HTMLElement>('jp-button');
  return {
    notebook: model.add(
      new FakeView(new FakeKernel(path), path, panel as unknown as NotebookPanel)
    ),
    pressed: () => leaf()?.getAttribute('aria-pressed'),
    click: () => leaf()?.click()
  };
}

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false); // the buttons are drawn when React likes
  commands = new CommandRegistry();
  toolbars = new ToolbarWidgetRegistry({ defaultFactory: createDefaultFactory(commands) });
  model = new GreenModel(new ScriptedApi());
  const app = { commands, serviceManager: {} } as unknown as JupyterFrontEnd;
  void commandsPlugin.activate(app, model, null, null, toolbars, null);
});

afterEach(() => {
  attached.splice(0).forEach(button => button.dispose());
  model.dispose();
});

it('shows in each notebook’s toolbar how that notebook stands', async () => {
  const [first, second] = [open('first.ipynb'), open('second.ipynb')];
  model.show(second.notebook);
  await first.notebook.tracking.set(true);
  await vi.waitFor(() => expect([first.pressed(), second.pressed()]).toEqual(['true', 'false']));
});

it('switches the notebook of the toolbar, not the one that is looked at', async () => {
  const [first, second] = [open('first.ipynb'), open('second.ipynb')];
  model.show(second.notebook);
  await vi.waitFor(() => expect(first.pressed()).toBe('false'));
  first.click();
  await settle();
  expect([first, second].map(({ notebook }) => notebook.tracking.isOn)).toEqual([true, false]);
});

it('switches the notebook that is looked at from a menu, and none where none is', async () => {
  expect(commands.isEnabled(CommandIDs.track)).toBe(false);
  const { notebook } = open('first.ipynb');
  model.show(notebook);
  await commands.execute(CommandIDs.track);
  expect([notebook.tracking.isOn, commands.isToggled(CommandIDs.track)]).toEqual([true, true]);
});
