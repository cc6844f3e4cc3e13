import type { IStatusBar } from '@jupyterlab/statusbar';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { act } from 'react';
import { expect, it } from 'vitest';

import { GreenModel } from '../model';
import { statusPlugin } from '../plugins/status';
import type { LiveState, NotebookState } from '../wire';

import { FakeView, ScriptedApi, steady } from './fakes';
import { inCapitals, live, notebook, total, trans } from './made';

/** A status bar that shows its items in the page. */
class FakeStatusBar {
  readonly items: Widget[] = [];

  registerStatusItem(_: string, { item }: IStatusBar.IItem): void {
    Widget.attach(item, document.body);
    this.items.push(item);
  }
}

/** What the status bar says once the server has answered this. */
async function said(state: NotebookState, power: LiveState, language = trans): Promise<string> {
  const [api, bar] = [new ScriptedApi(), new FakeStatusBar()];
  [api.state, api.power] = [state, power];
  const model = new GreenModel(api);
  const opened = model.add(new FakeView());
  await opened.refresh();
  await opened.poll();
  model.show(opened);
  await act(async () => {
    await statusPlugin.activate({} as never, model, bar, { load: () => language });
    MessageLoop.flush();
  });
  const text = document.body.textContent;
  act(() => bar.items.forEach(item => item.dispose()));
  model.dispose();
  return text;
}

const POWER = live({ samples: steady(10, 12, 12) });
const NO_POWER = live({ samples: [] });

it('says power, energy and how they came about, in the language of the page', async () => {
  expect(await said(notebook(), POWER)).toBe('⚡ 12 W · 810 J (410 to 1600) · modelled');
  expect(await said(notebook(), POWER, inCapitals)).toMatch(/· MODELLED$/);
});

it('says how a power came about where no energy is recorded', async () => {
  const none = notebook({ total: null });
  expect(await said(none, POWER)).toBe('⚡ 12 W · modelled');
  expect(await said(none, NO_POWER)).toBe('');
});

it('does not say how an energy came about that is not known', async () => {
  expect(await said(notebook({ total: total(null) }), NO_POWER)).toBe('⚡ not measured');
});
