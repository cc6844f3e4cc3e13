import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { act } from 'react';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { ApiError } from '../api';
import { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { RunsSection } from '../sections/RunsSection';
import type { Found, Runs } from '../wire';

import { FakeView, ScriptedApi, door, settle } from './fakes';
import { notebook, run, trans } from './made';

/** A server whose answers about runs wait for their doors. */
class RunsApi extends ScriptedApi {
  known: Runs = { runs: [run('forest', 41)], waiting: 2, problem: null };
  reads = 0;
  looking: Promise<Readonly<Record<string, Found | null>>> = Promise.resolve({});
  sending: Promise<Runs> = Promise.resolve(this.known);

  override runs(): Promise<Runs> {
    this.reads += 1;
    return Promise.resolve(this.known);
  }

  override look(): Promise<Readonly<Record<string, Found | null>>> {
    return this.looking;
  }

  override send(): Promise<Runs> {
    return this.sending;
  }
}

const FOUND: Readonly<Record<string, Found>> = {
  forest: { status: 'FINISHED', metrics: {}, parameters: {} }
};

let api: RunsApi;
let model: GreenModel;
let section: RunsSection;

beforeEach(async () => {
  api = new RunsApi();
  api.state = notebook();
  model = new GreenModel(api);
  section = new RunsSection(model, trans, () => undefined);
  await doing(async () => {
    Widget.attach(section, document.body);
    model.isLookedAt = true;
    await open('first.ipynb').refresh();
  });
});

afterEach(async () => {
  await doing(() => section.dispose());
  model.dispose();
});

/** Do something, and let all that follows from it be done and drawn. */
async function doing(something: () => unknown): Promise<void> {
  await act(async () => {
    await something();
    await settle();
    MessageLoop.flush();
  });
}

function open(path: string): NotebookModel {
  const opened = model.add(new FakeView(null, path));
  model.show(opened);
  return opened;
}

function button(name: string): HTMLButtonElement | undefined {
  return [...section.node.querySelectorAll('button')].find(one => one.textContent.includes(name));
}

it('shows what is sent as the server tells it then, also where records are read meanwhile', async () => {
  const { gate, open: answer } = door();
  api.sending = gate.then(() => ({ ...api.known, waiting: 0, problem: 'MLflow is slow.' }));
  await doing(() => button('Send 2')?.click());
  expect(button('Sending…')?.disabled).toBe(true);
  api.state = notebook({ revision: 2 });
  await doing(() => model.current?.refresh());
  expect(button('Sending…')?.disabled).toBe(true);
  await doing(answer);
  expect([button('Send'), section.node.textContent]).toEqual([
    undefined,
    expect.stringContaining('MLflow is slow.')
  ]);
});

it('takes no answer about a notebook that is not looked at any more', async () => {
  const [looked, sent] = [door(), door()];
  api.looking = looked.gate.then(() => FOUND);
  api.sending = sent.gate.then(() => ({ runs: [], waiting: 7, problem: null }));
  await doing(() => button('Ask MLflow')?.click());
  await doing(() => button('Send 2')?.click());
  await doing(() => open('second.ipynb').refresh());
  expect([button('Ask MLflow')?.disabled, button('Send 2')?.disabled]).toEqual([false, false]);
  await doing(looked.open);
  await doing(sent.open);
  expect(button('Send 2')).toBeDefined();
  expect(section.node.textContent).not.toContain('FINISHED');
});

it('names no problem of a notebook that is not looked at any more', async () => {
  api.looking = Promise.reject(new ApiError('made up', 500));
  await doing(() => button('Ask MLflow')?.click());
  expect(section.node.textContent).toContain('made up');
  await doing(() => open('second.ipynb').refresh());
  expect(section.node.textContent).not.toContain('made up');
});
