import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';

import { FakeKernel, FakeView, ScriptedApi, settle } from './fakes';
import { cellState, live, notebook, record } from './made';

let api: ScriptedApi;
let model: GreenModel;
let isHidden: boolean;

const RECORDED = notebook({
  revision: 1,
  journal_bytes: 1,
  cells: [cellState(record(41.2), { cell_id: 'a' })]
});

function hide(hidden: boolean): void {
  isHidden = hidden;
  document.dispatchEvent(new Event('visibilitychange'));
  if (!hidden) {
    model.wake();
  }
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** How many times the power was asked for in some time. */
async function polls(ms: number): Promise<number> {
  const before = api.count('live');
  await pass(ms);
  return api.count('live') - before;
}

/** Open a notebook that is looked at. */
function open(path = 'churn.ipynb'): { notebook: NotebookModel; view: FakeView } {
  const view = new FakeView(new FakeKernel(path), path);
  const opened = model.add(view);
  model.show(opened);
  return { notebook: opened, view };
}

async function tracked(path?: string): Promise<{ notebook: NotebookModel; view: FakeView }> {
  const opened = open(path);
  await opened.notebook.tracking.set(true);
  return opened;
}

beforeEach(() => {
  vi.useFakeTimers();
  isHidden = false;
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => isHidden);
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() =>
    isHidden ? 'hidden' : 'visible'
  );
  api = new ScriptedApi();
  api.power = live({ samples: [], journal_bytes: null });
  model = new GreenModel(api);
});

afterEach(() => {
  model.dispose();
  vi.runOnlyPendingTimers(); // of the signals' own housekeeping, and of a poll that has found its end
  expect(vi.getTimerCount()).toBe(0);
  hide(false);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('power is asked for', () => {
  it('not before anything is in use: no request, no timer', async () => {
    open();
    expect([await polls(60_000), api.asked.length, vi.getTimerCount()]).toEqual([0, 0, 0]);
  });

  it('every two seconds once a notebook is tracked', async () => {
    await tracked();
    expect(await polls(100)).toBe(1);
    expect(await polls(20_000)).toBe(10);
  });

  it('every second while a cell runs, and at once when it begins', async () => {
    const { view } = await tracked();
    await pass(500);
    const before = api.count('live');
    view.context.begin('r-a');
    await pass(1);
    expect(api.count('live')).toBe(before + 1);
    expect(await polls(10_000)).toBe(10);
    view.context.end('r-a');
    await pass(1000);
    expect(await polls(20_000)).toBe(10);
  });

  it('once something is recorded of a notebook', async () => {
    const { notebook: opened } = open();
    api.state = RECORDED;
    await opened.refresh();
    await pass(1);
    expect(await polls(10_000)).toBe(5);
  });

  it('while somebody looks at the sidebar, and not after', async () => {
    open();
    model.isLookedAt = true;
    expect(await polls(10_000)).toBeGreaterThanOrEqual(5);
    expect(api.count('notebook')).toBe(1);
    model.isLookedAt = false;
    await settle();
    expect([await polls(10_000), vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('not once more when the sidebar is closed', async () => {
    open();
    model.isLookedAt = true;
    await settle();
    api.asked.length = 0;
    model.isLookedAt = false;
    await settle();
    expect(api.asked).toEqual([]);
  });

  it('no more once nothing is tracked', async () => {
    const { notebook: opened } = await tracked();
    await pass(5000);
    (opened.view.sessionContext.session as unknown as { kernel: FakeKernel }).kernel =
      new FakeKernel('churn.ipynb', [{ status: 'ok' }]);
    await opened.tracking.set(false);
    await settle();
    expect([await polls(10_000), vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('no more once the notebook is closed', async () => {
    const { notebook: opened } = await tracked();
    await pass(5000);
    model.remove(opened);
    await settle();
    expect([await polls(10_000), vi.getTimerCount(), model.current]).toEqual([0, 0, null]);
  });

  it('not of a notebook behind another one, but again when it comes to the front', async () => {
    const first = await tracked('first.ipynb');
    await pass(1000);
    first.view.isInFront = false;
    open('second.ipynb');
    await pass(1);
    expect([await polls(10_000), vi.getTimerCount()]).toEqual([0, 0]);
    first.view.isInFront = true;
    model.show(first.notebook);
    expect(await polls(9000)).toBe(5);
  });

  it('of all notebooks that are side by side', async () => {
    await tracked('first.ipynb');
    await tracked('second.ipynb');
    await pass(100);
    api.asked.length = 0;
    await pass(2000);
    expect(api.asked.map(one => one.key.path).sort()).toEqual(['first.ipynb', 'second.ipynb']);
  });
});

it('knows no present power of a notebook that nobody asks for any more', async () => {
  const { notebook: opened, view } = await tracked();
  await pass(1000);
  expect(opened.live).not.toBeNull();
  view.isInFront = false;
  await pass(7000);
  expect([opened.live, vi.getTimerCount()]).toEqual([null, 0]);
});

describe('a hidden page', () => {
  it('asks nothing and has no timer after some seconds; when it is seen again it asks at once', async () => {
    await tracked();
    await pass(5000);
    hide(true);
    const asked = api.asked.length;
    await pass(5000);
    expect([api.asked.length, vi.getTimerCount()]).toEqual([asked, 0]);
    await pass(60_000);
    expect(api.asked.length).toBe(asked);
    hide(false);
    expect(await polls(1)).toBe(1);
    expect(await polls(10_000)).toBe(5);
  });

  it('asks nothing while its cells run', async () => {
    const { view } = await tracked();
    await pass(5000);
    hide(true);
    const asked = api.count('live');
    view.context.begin('r-a');
    await pass(10_000);
    view.context.end('r-a');
    await pass(10_000);
    expect([api.count('live'), vi.getTimerCount()]).toEqual([asked, 0]);
  });
});

describe('a server that does not answer', () => {
  it('is asked ever more rarely, once a minute at least', async () => {
    await tracked();
    await pass(3000);
    api.isDown = true;
    await pass(600_000);
    const late = await polls(600_000);
    expect(late).toBeGreaterThanOrEqual(10);
    expect(late).toBeLessThanOrEqual(60);
    expect(model.current?.problem?.status).toBe(0);
    expect(model.current?.live).toBeNull();
  });

  it('is asked ever more rarely also for records alone', async () => {
    api.fails.add('notebook');
    api.power = live({ samples: [], journal_bytes: 100 });
    await tracked();
    await pass(600_000);
    const before = api.count('notebook');
    await pass(600_000);
    expect(api.count('notebook') - before).toBeGreaterThanOrEqual(10);
    expect(api.count('notebook') - before).toBeLessThanOrEqual(60);
  });

  it('is asked at once when a cell begins, and as before when it answers', async () => {
    const { view } = await tracked();
    await pass(3000);
    api.isDown = true;
    await pass(600_000);
    api.isDown = false;
    view.context.begin('r-a');
    await pass(1);
    expect(model.current?.problem).toBeNull();
    expect(await polls(10_000)).toBe(10);
  });
});

describe('the notebook that is looked at', () => {
  it('is told of when it changes, and only then', () => {
    const told: (string | null)[] = [];
    model.currentChanged.connect((_, current) => told.push(current?.view.path ?? null));
    const first = open('first.ipynb').notebook;
    model.show(first);
    const second = open('second.ipynb').notebook;
    model.remove(second);
    model.remove(first);
    expect(told).toEqual(['first.ipynb', 'second.ipynb', null]);
  });

  it('is read when the sidebar is open', async () => {
    model.isLookedAt = true;
    open();
    await settle();
    expect(api.count('notebook')).toBe(1);
  });

  it('is one of the open ones, of each of which is told', () => {
    const opened: string[] = [];
    model.opened.connect((_, one) => opened.push(one.view.path));
    const first = open('first.ipynb').notebook;
    open('second.ipynb');
    model.remove(first);
    expect(opened).toEqual(['first.ipynb', 'second.ipynb']);
    expect([...model.notebooks].map(one => one.view.path)).toEqual(['second.ipynb']);
    expect(first.isDisposed).toBe(true);
  });
});

describe('two views of one notebook', () => {
  /** Open another view of a notebook: it has the same session. */
  function openAgain(view: FakeView): NotebookModel {
    return model.add(Object.assign(new FakeView(), { context: view.context }));
  }

  it('are tracked together, and their kernel is asked once after a restart', async () => {
    const { notebook: first, view } = await tracked();
    const second = openAgain(view);
    expect([second.tracking.isOn, second.isInUse]).toEqual([true, true]);
    view.context.tell('restarting');
    view.context.tell('idle');
    await settle();
    expect(view.context.session?.kernel?.calls).toEqual(['switch(True)', 'switch(True)']);
    await second.tracking.set(false);
    expect([first.tracking.isWanted, second.tracking.isWanted]).toEqual([false, false]);
  });

  it('are followed until the last one is closed', async () => {
    const { notebook: first, view } = await tracked();
    const second = openAgain(view);
    let told = 0;
    first.changed.connect(() => (told += 1));
    model.remove(first);
    const kernel = new FakeKernel('other');
    view.context.use(kernel);
    await settle();
    expect([second.tracking.isOn, told, kernel.calls]).toEqual([true, 0, ['switch(True)']]);
    model.remove(second);
    view.context.use(kernel);
    await settle();
    expect(kernel.calls.length).toBe(1);
  });
});

it('stops for good when it is disposed of', async () => {
  const { notebook: opened } = await tracked();
  model.dispose();
  expect([model.isDisposed, opened.isDisposed, model.notebooks.size]).toEqual([true, true, 0]);
  model.wake();
  expect([await polls(10_000), vi.getTimerCount()]).toEqual([0, 0]);
});
