import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { NotebookModel } from '../notebookModel';
import { Tracking } from '../tracking';
import type { CellRecord, CellState } from '../wire';

import {
  ABORTED,
  FakeKernel,
  FakeView,
  ScriptedApi,
  TRACKED,
  UNTRACKED,
  door,
  raised,
  said,
  settle,
  steady
} from './fakes';
import { cellState, live, notebook, record } from './made';

let api: ScriptedApi;
let view: FakeView;
let model: NotebookModel;
let uses: number;
let changes: number;
let cells: string[][];

function make(kernel: FakeKernel | null = new FakeKernel('k')): void {
  close();
  view = new FakeView(kernel);
  start();
}

function close(): void {
  model.dispose();
  model.tracking.dispose();
}

function start(): void {
  uses = changes = 0;
  cells = [];
  model = new NotebookModel(api, view, new Tracking(view.sessionContext), () => (uses += 1));
  model.changed.connect(() => (changes += 1));
  model.cellsChanged.connect((_, changed) => cells.push([...changed].sort()));
}

function cell(cellId: string, valueJ = 41.2, about: Partial<CellRecord> = {}): CellState {
  const made = record(valueJ, { cell_id: cellId, ...about });
  return cellState(made);
}

function joules(): Record<string, number | null> {
  return Object.fromEntries(
    [...model.cells].map(([id, { record: one }]) => [id, one.energy.attributed_j])
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  api = new ScriptedApi();
  view = new FakeView();
  start();
});

afterEach(() => {
  close();
  vi.useRealTimers();
});

describe('reading records', () => {
  it('asks for what is new and keeps the newest record of each cell', async () => {
    api.state = notebook({ revision: 2, cells: [cell('a', 1), cell('b', 2)] });
    await model.refresh();
    api.state = notebook({ revision: 3, cells: [cell('b', 3)] });
    await model.refresh();
    expect(joules()).toEqual({ a: 1, b: 3 });
    expect(cells).toEqual([['a', 'b'], ['b']]);
    expect(api.asked.map(({ epoch, since }) => [epoch, since])).toEqual([
      ['', 0],
      ['e', 2]
    ]);
    expect(api.asked[0]?.key).toEqual({ path: 'churn.ipynb', kernel: 'k' });
  });

  it('makes one question of many that come at once, and another one for those that came later', async () => {
    const { gate, open } = door();
    api.gate = gate;
    const all = [model.refresh(), model.refresh(), model.refresh(), model.refresh()];
    await settle();
    expect(api.count('notebook')).toBe(1);
    open();
    await Promise.all(all);
    await settle();
    expect(api.count('notebook')).toBe(2);
    await model.refresh();
    expect(api.count('notebook')).toBe(3);
  });

  it('drops the cells of another epoch and tells of each', async () => {
    api.state = notebook({ epoch: 'e', revision: 2, cells: [cell('a'), cell('b')] });
    await model.refresh();
    api.state = notebook({ epoch: 'f', revision: 1, cells: [cell('b', 5), cell('n', 6)] });
    await model.refresh();
    expect(joules()).toEqual({ b: 5, n: 6 });
    expect(cells[1]).toEqual(['a', 'b', 'n']);
  });

  it('knows that a notebook is in use once something is recorded of it', async () => {
    await model.refresh();
    expect([model.isInUse, uses]).toEqual([false, 0]);
    api.state = notebook({ revision: 1, cells: [cell('a')] });
    await model.refresh();
    expect(model.isInUse).toBe(true);
  });

  it('tells that it is to be watched at the first record, also where the notebook was read before', async () => {
    await model.refresh();
    api.state = notebook({ revision: 1, cells: [cell('a')] });
    await model.refresh();
    expect(uses).toBeGreaterThan(0);
  });

  it('names the problem of a failing server, keeps what it knows, and recovers', async () => {
    api.state = notebook({ revision: 1, cells: [cell('a')] });
    await model.refresh();
    api.isDown = true;
    const before = changes;
    await model.refresh();
    await model.refresh();
    expect([model.problem?.message, model.problem?.status, joules()]).toEqual([
      'made up',
      0,
      { a: 41.2 }
    ]);
    expect(changes).toBe(before + 1);
    api.isDown = false;
    await model.refresh();
    expect(model.problem).toBeNull();
  });

  it('forgets a failed read once the server answers again, also where nothing is new', async () => {
    api.state = notebook({ revision: 1, cells: [cell('a')] });
    await model.refresh();
    api.power = live({ journal_bytes: api.state.journal_bytes });
    api.isDown = true;
    await model.refresh();
    expect(model.problem?.message).toBe('made up');
    api.isDown = false;
    await model.poll();
    expect(model.problem).toBeNull();
  });

  it('reads on after an error, also for those who asked meanwhile', async () => {
    const { gate, open } = door();
    api.gate = gate;
    api.isDown = true;
    const first = model.refresh();
    await settle();
    api.isDown = false;
    void model.refresh();
    open();
    await first;
    await settle();
    expect([api.count('notebook'), model.problem]).toEqual([2, null]);
  });
});

describe('watching power', () => {
  it('keeps the samples and asks for those behind them', async () => {
    api.power = live({ now_s: 12, samples: steady(10, 12, 4, 0, true) });
    await model.poll();
    api.power = live({ now_s: 14, samples: steady(13, 14, 4, 12) });
    await model.poll();
    expect(model.samples).toEqual(steady(10, 14, 4, 0, true));
    expect(api.asked.filter(one => one.what === 'live').map(one => one.since)).toEqual([0, 12]);
  });

  it('reads records where the journal has another size than it read, and else not', async () => {
    api.state = notebook({ revision: 1, journal_bytes: 100, cells: [cell('a')] });
    api.power = live({ journal_bytes: 100 });
    await model.poll();
    expect(api.count('notebook')).toBe(1);
    await model.poll();
    expect(api.count('notebook')).toBe(1);
    api.power = live({ journal_bytes: null });
    await model.poll();
    expect(api.count('notebook')).toBe(1);
    api.power = live({ journal_bytes: 200 });
    await model.poll();
    expect(api.count('notebook')).toBe(2);
  });

  it('takes no samples of a kernel that was changed meanwhile', async () => {
    const { gate, open } = door();
    api.gate = gate;
    api.power = live({ samples: steady(10, 12, 4) });
    const asking = model.poll();
    view.context.use(new FakeKernel('other'));
    open();
    await asking;
    expect([model.samples, model.live]).toEqual([[], null]);
  });

  it('has no samples where the kernel cannot be seen, and says why', async () => {
    api.power = live({ samples: steady(10, 12, 4) });
    await model.poll();
    api.power = live({ samples: [], problem: 'It runs on another computer.' });
    await model.poll();
    expect([model.samples, model.live?.problem]).toEqual([[], 'It runs on another computer.']);
  });

  it('lets its caller know that the server does not answer, and recovers', async () => {
    api.isDown = true;
    await expect(model.poll()).rejects.toThrow('made up');
    expect(model.problem?.status).toBe(0);
    api.isDown = false;
    await model.poll();
    expect(model.problem).toBeNull();
  });

  it('does not call power present that was seen more than some seconds ago', async () => {
    let told = 0;
    model.liveChanged.connect(() => (told += 1));
    api.power = live({ samples: steady(10, 12, 4) });
    await model.poll();
    vi.advanceTimersByTime(4000);
    await model.poll();
    vi.advanceTimersByTime(4000);
    expect([model.samples.length, told]).toEqual([3, 2]);
    vi.advanceTimersByTime(1000);
    expect([model.samples, model.live, told]).toEqual([[], null, 3]);
    await model.poll();
    expect([model.samples.length, api.asked[api.asked.length - 1]?.since]).toEqual([3, 0]);
  });

  it('does not hide that the records cannot be read', async () => {
    api.fails.add('notebook');
    api.power = live({ journal_bytes: 100 });
    await expect(model.poll()).rejects.toThrow('made up');
    const problems: (string | null)[] = [];
    model.changed.connect(() => problems.push(model.problem?.message ?? null));
    await expect(model.poll()).rejects.toThrow('made up');
    await expect(model.poll()).rejects.toThrow('made up');
    expect([problems, model.problem?.message]).toEqual([[], 'made up']);
  });

  it('keeps the series where two answers overlap', async () => {
    api.power = live({ now_s: 12, samples: steady(0, 12, 4, 0, true) });
    await model.poll();
    api.power = live({ now_s: 14, samples: steady(13, 14, 4, 52) });
    await Promise.all([model.poll(), model.poll()]);
    expect(model.samples).toEqual(steady(0, 14, 4, 0, true));
  });
});

describe('running cells', () => {
  it('begin and end by the kernel’s messages', () => {
    const ended: string[] = [];
    model.ended.connect((_, cellId) => ended.push(cellId));
    view.context.begin('r-a');
    expect([...model.running.keys()]).toEqual(['a']);
    view.context.end('r-a');
    expect([model.running.size, ended, cells]).toEqual([0, ['a'], [['a'], ['a']]]);
    expect(uses).toBe(2);
  });

  it('are those of this page: other pages’ requests, silent ones and messages of nobody are not', () => {
    view.context.begin('x-other');
    view.context.end('x-other');
    view.context.send('execute_input', null);
    view.context.send('stream', 'r-a', { name: 'stdout', text: '' });
    view.context.end('r-never-begun');
    expect([model.running.size, cells, uses]).toEqual([0, [], 0]);
  });

  it('end with their own request, however they overlap with others', () => {
    view.context.begin('r-a');
    view.context.end('x-other');
    view.context.begin('r-b');
    view.context.end('r-a');
    expect([...model.running.keys()]).toEqual(['b']);
  });

  it('know the energy since they began, by the server’s clock', async () => {
    vi.advanceTimersByTime(5000);
    const nowMs = performance.now();
    view.context.begin('r-a');
    expect(model.runningCell('a')).toEqual({ power: null, energy: null });
    vi.advanceTimersByTime(10_000);
    // The server's clock shows 110 s now; the cell began at 100 s.
    api.power = live({ now_s: 110, samples: steady(90, 110, 4, 0, true) });
    await model.poll();
    const running = model.runningCell('a');
    expect(performance.now()).toBe(nowMs + 10_000);
    expect(running?.power?.value).toBe(4);
    expect(running?.energy?.value).toBeCloseTo(40, 6);
    expect(model.runningCell('b')).toBeNull();
  });

  it('say no energy once the kernel is watched anew since after they began', async () => {
    vi.advanceTimersByTime(5000);
    view.context.begin('r-a');
    vi.advanceTimersByTime(1000);
    api.power = live({ now_s: 101, samples: steady(95, 101, 4, 0, true) });
    await model.poll();
    expect(model.runningCell('a')?.energy?.value).toBeCloseTo(4, 6);
    vi.advanceTimersByTime(60_000);
    api.power = live({ now_s: 161, samples: steady(140, 161, 4, 0, true) });
    await model.poll();
    const running = model.runningCell('a');
    expect([running?.power?.value, running?.energy]).toEqual([4, null]);
  });

  it('know their energy for as long as they run', async () => {
    api.power = live({ now_s: 1000, samples: steady(990, 1000, 4, 0, true) });
    await model.poll();
    view.context.begin('r-a');
    for (let second = 2; second <= 400; second += 2) {
      vi.advanceTimersByTime(2000);
      const now = 1000 + second;
      api.power = live({ now_s: now, samples: steady(now - 1, now, 4, 4 * (now - 1 - 990)) });
      await model.poll();
    }
    expect(model.runningCell('a')?.energy?.value).toBeCloseTo(1600, 6);
  });

  it('keep the energy that was seen last until their records are read, and no power', async () => {
    await model.tracking.set(true);
    view.context.begin('r-a');
    api.power = live({ now_s: 110, samples: steady(90, 110, 4, 0, true) });
    vi.advanceTimersByTime(10_000);
    await model.poll();
    view.context.end('r-a');
    api.power = live({ now_s: 112, samples: steady(111, 112, 4, 84) });
    await model.poll();
    const ended = model.runningCell('a');
    expect([model.running.size, ended?.power]).toEqual([0, null]);
    expect(ended?.energy?.value).toBeCloseTo(40, 6);
    await model.refresh();
    expect(model.runningCell('a')).toBeNull();
    expect(cells[cells.length - 1]).toEqual(['a']);
  });

  it('wait for no record where the server does not answer, or nothing is recorded', async () => {
    view.context.begin('r-a');
    view.context.end('r-a');
    expect(model.runningCell('a')).toBeNull();
    await model.tracking.set(true);
    view.context.begin('r-a');
    view.context.end('r-a');
    expect(model.runningCell('a')).not.toBeNull();
    api.isDown = true;
    cells = [];
    await model.refresh();
    expect([model.runningCell('a'), cells]).toEqual([null, [['a']]]);
  });

  it('wait for the answer to a question that was asked after their end', async () => {
    await model.tracking.set(true);
    const { gate, open } = door();
    api.gate = gate;
    const before = model.refresh();
    view.context.begin('r-a');
    view.context.end('r-a');
    const after = model.refresh();
    api.gate = door().gate;
    open();
    await Promise.all([before, after]);
    expect(model.runningCell('a')).not.toBeNull();
  });

  it('outdate their records from their beginning on, until new ones are read', async () => {
    const [first, second] = ['2026-05-04T12:00:00+00:00', '2026-05-04T12:01:00+00:00'];
    api.state = notebook({
      revision: 1,
      cells: [cell('a', 1, { started_at: first }), cell('b', 1, { started_at: first })]
    });
    await model.refresh();
    expect(model.isOutdated('a')).toBe(false);
    view.context.date = '2026-05-04T12:00:59.999000Z';
    view.context.begin('r-a');
    expect(['a', 'b', 'never-run'].map(id => model.isOutdated(id))).toEqual([true, false, false]);
    view.context.end('r-a');
    await model.refresh();
    expect(model.isOutdated('a')).toBe(true);
    api.state = notebook({ revision: 2, cells: [cell('a', 2, { started_at: second })] });
    await model.refresh();
    expect(model.isOutdated('a')).toBe(false);
  });

  it('do not outdate a record of theirs that is read before a slow page hears that they began', async () => {
    api.state = notebook({
      revision: 1,
      cells: [cell('a', 1, { started_at: '2026-05-04T12:00:00.001000+00:00' })]
    });
    await model.refresh();
    view.context.date = '2026-05-04T12:00:00.000900Z';
    view.context.begin('r-a');
    expect(model.isOutdated('a')).toBe(false);
  });

  it('end with their kernel', () => {
    view.context.begin('r-a');
    view.context.begin('r-b');
    view.context.use(new FakeKernel('other'));
    expect([model.running.size, cells[2]]).toEqual([0, ['a', 'b']]);
    view.context.end('r-a');
    expect(cells.length).toBe(3);
  });
});

describe('tracking', () => {
  it('is on once the kernel says so, and off again', async () => {
    make(new FakeKernel('k', [TRACKED, UNTRACKED]));
    await model.tracking.set(true);
    expect([model.tracking.isOn, model.tracking.isWanted, model.isInUse]).toEqual([
      true,
      true,
      true
    ]);
    await model.tracking.set(false);
    expect([model.tracking.isOn, model.tracking.isWanted, model.isInUse]).toEqual([
      false,
      false,
      false
    ]);
    expect(view.context.session?.kernel?.calls).toEqual(['switch(True)', 'switch(False)']);
    expect(uses).toBeGreaterThan(0);
  });

  it('says why it cannot be on', async () => {
    const problemOf = async (kernel: FakeKernel | null) => {
      make(kernel);
      await model.tracking.set(true);
      expect(model.tracking.isOn).toBe(false);
      return model.tracking.problem;
    };
    expect(await problemOf(null)).toEqual({ kind: 'no kernel' });
    expect(await problemOf(new FakeKernel('k', [TRACKED], 'R'))).toEqual({
      kind: 'language',
      language: 'R'
    });
    expect(await problemOf(new FakeKernel('k', [raised('ModuleNotFoundError', 'x')]))).toEqual({
      kind: 'not installed'
    });
    expect(await problemOf(new FakeKernel('k', [ABORTED]))).toEqual({
      kind: 'failed',
      message: 'no answer'
    });
  });

  it('says what is wrong in the settings, and is on all the same', async () => {
    make(new FakeKernel('k', [said({ on: true, carries: true, problem: 'pue 0 is below 1' })]));
    await model.tracking.set(true);
    expect([model.tracking.isOn, model.tracking.carries, model.tracking.problem]).toEqual([
      true,
      true,
      { kind: 'settings', message: 'pue 0 is below 1' }
    ]);
  });

  it('asks at the click itself where the language is known, so that no cell comes before', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    view.context.specsManager.specs = { kernelspecs: { python3: { language: 'python' } } };
    const switching = model.tracking.set(true);
    expect(kernel.calls).toEqual(['switch(True)']);
    expect([model.tracking.isOn, model.tracking.isChosen]).toEqual([false, true]);
    await switching;
    expect(model.tracking.isOn).toBe(true);
    view.context.specsManager.specs = { kernelspecs: { python3: { language: 'R' } } };
    await model.tracking.set(true);
    expect(model.tracking.problem).toEqual({ kind: 'language', language: 'R' });
    expect(model.tracking.isChosen).toBe(false);
  });

  it('shows what was chosen while the kernel is busy', async () => {
    const { gate, open } = door();
    const kernel = new FakeKernel('k', [TRACKED, UNTRACKED]);
    make(kernel);
    await model.tracking.set(true);
    kernel.gate = gate;
    const switching = model.tracking.set(false);
    expect([model.tracking.isOn, model.tracking.isChosen]).toEqual([true, false]);
    open();
    await switching;
    expect([model.tracking.isOn, model.tracking.isChosen]).toEqual([false, false]);
  });

  it('is not undone by an answer to what was asked before the click', async () => {
    const { gate, open } = door();
    const kernel = new FakeKernel('k', [TRACKED, UNTRACKED]);
    make(kernel);
    kernel.gate = gate;
    const asking = model.tracking.ask();
    const switching = model.tracking.set(false);
    open();
    await Promise.all([asking, switching]);
    expect([model.tracking.isOn, model.tracking.isWanted, model.tracking.isChosen]).toEqual([
      false,
      false,
      false
    ]);
  });

  it('waits for a kernel that is being started, and begins with it', async () => {
    make(null);
    view.context.isReady = false;
    await model.tracking.set(true);
    expect([model.tracking.isChosen, model.tracking.problem]).toEqual([true, null]);
    const kernel = new FakeKernel('k');
    view.context.use(kernel);
    await settle();
    expect([model.tracking.isOn, kernel.calls]).toEqual([true, ['switch(True)']]);
  });

  it('runs nothing in a kernel of another language, and is not wanted there any more', async () => {
    const kernel = new FakeKernel('k', [TRACKED], 'R');
    make(kernel);
    await model.tracking.set(true);
    expect([kernel.asked, model.tracking.isWanted, model.isInUse]).toEqual([[], false, false]);
  });

  it('follows what a cell did', async () => {
    make(new FakeKernel('k', [TRACKED, UNTRACKED]));
    await model.tracking.ask();
    expect([model.tracking.isOn, model.tracking.isWanted]).toEqual([true, true]);
    await model.tracking.ask();
    expect([model.tracking.isOn, model.tracking.isWanted]).toEqual([false, false]);
    expect(view.context.session?.kernel?.calls).toEqual(['switch(None)', 'switch(None)']);
  });

  it('still wants what the user wanted when the kernel does not answer', async () => {
    make(new FakeKernel('k', [TRACKED, ABORTED]));
    await model.tracking.set(true);
    await model.tracking.ask();
    expect([model.tracking.isOn, model.tracking.isWanted]).toEqual([false, true]);
  });

  it('is on again in a kernel that takes the place of another', async () => {
    await model.tracking.set(true);
    const other = new FakeKernel('other');
    view.context.use(other);
    expect(model.tracking.isOn).toBe(false);
    await settle();
    expect([model.tracking.isOn, other.calls]).toEqual([true, ['switch(True)']]);
    expect(api.asked.map(one => one.key.kernel)).toEqual(['other']);
  });

  it('stays off in a new kernel where nobody wants it, and nothing is asked of the server', async () => {
    const other = new FakeKernel('other');
    view.context.use(other);
    await settle();
    expect([other.asked, api.asked]).toEqual([[], []]);
  });

  it('stands as the kernel says that is there now, not as one that went meanwhile', async () => {
    const slow = new FakeKernel('k', [UNTRACKED]);
    make(slow);
    const { gate, open } = door();
    slow.gate = gate;
    const asking = model.tracking.set(true);
    await settle();
    view.context.use(new FakeKernel('other'));
    await settle();
    open();
    await asking;
    expect([model.tracking.isOn, model.tracking.problem]).toEqual([true, null]);
  });

  it('is on again once after a restart, and its samples begin anew', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    await model.tracking.set(true);
    api.power = live({ samples: steady(10, 12, 4) });
    await model.poll();
    view.context.begin('r-a');
    view.context.tell('restarting');
    expect([model.tracking.isOn, model.running.size]).toEqual([false, 0]);
    view.context.tell('starting');
    view.context.tell('idle');
    view.context.tell('busy');
    view.context.tell('idle');
    await settle();
    expect([model.tracking.isOn, model.samples]).toEqual([true, []]);
    expect(kernel.calls).toEqual(['switch(True)', 'switch(True)']);
  });

  it('has no problem where the kernel is restarted before it answered', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    let cancel: (reason: Error) => void = () => undefined;
    kernel.gate = new Promise((_, reject) => (cancel = reject));
    const switching = model.tracking.set(true);
    await settle();
    view.context.tell('restarting');
    cancel(new Error('Canceled'));
    await switching;
    expect([model.tracking.problem, model.tracking.isChosen]).toEqual([null, true]);
    kernel.gate = Promise.resolve();
    view.context.tell('idle');
    await settle();
    expect([model.tracking.problem, model.tracking.isOn]).toEqual([null, true]);
  });

  it('is on again where the kernel died and was started by itself', async () => {
    for (const status of ['autorestarting', 'dead'] as const) {
      const kernel = new FakeKernel('k');
      make(kernel);
      await model.tracking.set(true);
      view.context.tell(status);
      expect(model.tracking.isOn).toBe(false);
      view.context.tell('idle');
      await settle();
      expect([model.tracking.isOn, kernel.calls.length]).toEqual([true, 2]);
    }
  });

  it('is on again where a kernel came back and JupyterLab does not know how it is', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    await model.tracking.set(true);
    view.context.tell('autorestarting');
    view.context.connectionStatusChanged.emit('connecting');
    view.context.tell('unknown');
    await settle();
    expect(model.tracking.isOn).toBe(false);
    view.context.connectionStatusChanged.emit('connected');
    await settle();
    expect([model.tracking.isOn, kernel.calls.length]).toEqual([true, 2]);
    view.context.connectionStatusChanged.emit('connected');
    await settle();
    expect(kernel.calls.length).toBe(2);
  });

  it('is left alone where a kernel becomes busy and idle', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    await model.tracking.set(true);
    view.context.tell('busy');
    view.context.tell('idle');
    await settle();
    expect(kernel.calls.length).toBe(1);
  });

  it('is taken up again by a page that was loaded anew, also where the kernel comes later', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    await model.tracking.resume();
    expect([model.tracking.isOn, kernel.calls]).toEqual([true, ['switch(True)']]);
    make(null);
    await model.tracking.resume();
    expect([model.tracking.isOn, model.tracking.isWanted]).toEqual([false, true]);
    view.context.use(kernel);
    await settle();
    expect(model.tracking.isOn).toBe(true);
  });

  it('lets its kernel use another intensity, if there is one', async () => {
    make(null);
    await model.tracking.chooseIntensity('FRA');
    const kernel = new FakeKernel('k');
    make(kernel);
    await model.tracking.chooseIntensity('FRA');
    expect(kernel.calls).toEqual(['choose_intensity("FRA")']);
  });
});

describe('a notebook that was closed', () => {
  it('hears and asks nothing more', async () => {
    const kernel = new FakeKernel('k');
    make(kernel);
    await model.tracking.set(true);
    const [asked, told] = [api.asked.length, changes];
    close();
    expect(model.isDisposed).toBe(true);
    view.context.begin('r-a');
    view.context.end('r-a');
    view.context.tell('restarting');
    view.context.tell('idle');
    view.context.use(new FakeKernel('other'));
    await settle();
    expect([api.asked.length, changes, kernel.calls.length, cells]).toEqual([asked, told, 1, []]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes no answer that comes late', async () => {
    const { gate, open } = door();
    api.gate = gate;
    api.state = notebook({ revision: 1, cells: [cell('a')] });
    api.power = live({ samples: steady(10, 12, 4) });
    const asking = [model.refresh(), model.poll(), model.refresh()];
    model.dispose();
    open();
    await Promise.all(asking);
    await settle();
    expect([model.state, model.samples, model.cells.size]).toEqual([null, [], 0]);
    expect(api.count('notebook')).toBe(1);
  });

  it('names no problem that comes late', async () => {
    const { gate, open } = door();
    api.gate = gate;
    api.isDown = true;
    const asking = [model.refresh(), expect(model.poll()).rejects.toThrow()];
    model.dispose();
    open();
    await Promise.all(asking);
    expect(model.problem).toBeNull();
  });

  it('may be disposed of twice', () => {
    model.dispose();
    model.dispose();
    expect(model.isDisposed).toBe(true);
  });
});
