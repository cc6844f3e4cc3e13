import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { Panel } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { linesPlugin } from '../plugins/lines';

import { door, type FakeKernel, FakeView, ScriptedApi, settle, steady } from './fakes';
import { cellState, live, notebook, record } from './made';

class FakeCellModel {
  constructor(readonly id: string) {}

  readonly type = 'code';
  readonly getMetadata = vi.fn();
  readonly metadataChanged = new Signal<this, void>(this);
}

/** A code cell, as far as its line needs one. */
class FakeCell extends Panel {
  constructor(id: string) {
    super();
    this.model = new FakeCellModel(id);
  }

  readonly ready = Promise.resolve();
  readonly model: FakeCellModel;

  /** How often its line was drawn since the last time this was asked. */
  get drawn(): number {
    return this.model.getMetadata.mock.calls.splice(0).length;
  }

  /** What its line says; '' if there is none, or it is hidden. */
  get line(): string {
    const shown = this.node.querySelector('.jp-green-line:not(.lm-mod-hidden)');
    return shown?.textContent ?? '';
  }
}

/** A notebook's cells and the signals about them. */
class FakeContent {
  constructor(readonly widgets: FakeCell[]) {}

  readonly isDisposed = false;
  readonly disposed = new Signal<this, void>(this);
  readonly modelChanged = new Signal<this, void>(this);
  readonly modelContentChanged = new Signal<this, void>(this);
  readonly model = {
    cells: { changed: new Signal<object, void>({}) },
    metadataChanged: new Signal<object, void>({}),
    getMetadata: vi.fn()
  };
}

class CellsView extends FakeView {
  readonly content = new FakeContent([new FakeCell('a'), new FakeCell('b')]);
  override readonly panel = {
    content: this.content,
    context: { ready: Promise.resolve() }
  } as unknown as NotebookPanel;
}

let api: ScriptedApi;
let model: GreenModel;
let view: CellsView;
let opened: NotebookModel;

beforeEach(() => {
  vi.useFakeTimers();
  api = new ScriptedApi();
  model = new GreenModel(api);
  void linesPlugin.activate(null as never, model, null, null);
  view = new CellsView();
  opened = model.add(view);
});

afterEach(() => {
  model.dispose();
  vi.useRealTimers();
});

function lines(): string[] {
  return view.content.widgets.map(cell => cell.line);
}

/** Have a record of cell a, and of no other, and read it. */
async function recorded(valueJ: number, revision: number): Promise<void> {
  const started_at = `2026-05-04T12:0${String(revision)}:00+00:00`;
  const made = record(valueJ, { cell_id: 'a', started_at });
  api.state = notebook({
    revision,
    cells: [cellState(made, { runs: revision })]
  });
  await opened.refresh();
  await settle();
}

it('says of a tracked cell that it is measured until there is more to say, and never its old record', async () => {
  await recorded(41.2, 1);
  view.context.date = '2026-05-04T12:01:30.000000Z';
  await opened.tracking.set(true);
  expect(lines()).toEqual([expect.stringMatching(/^⚡ 41 J/), '']);
  view.context.begin('r-a');
  expect(lines()[0]).toBe('⚡ measuring …');
  vi.advanceTimersByTime(10_000);
  api.power = live({ now_s: 110, samples: steady(90, 110, 4, 0, true), journal_bytes: 1 });
  await opened.poll();
  expect(lines()[0]).toBe('⚡ 4 W · 40 J (20 to 80) …');
  view.context.end('r-a');
  expect(lines()[0]).toBe('⚡ 40 J (20 to 80) …');
  await recorded(48.3, 2);
  expect(lines()[0]).toMatch(/^⚡ 48 J .* modelled$/);
});

it('says nothing any more of a first run that brought no record', async () => {
  await recorded(41.2, 1);
  await opened.tracking.set(true);
  view.context.begin('r-b');
  await settle();
  expect(lines()[1]).toBe('⚡ measuring …');
  view.context.end('r-b');
  expect(lines()[1]).toBe('⚡ measuring …');
  await opened.refresh();
  expect(lines()[1]).toBe('');
});

it('shows nothing of a cell that began before it was tracked, whatever its kernel draws', async () => {
  api.power = live({ now_s: 110, samples: steady(90, 110, 4, 0, true), journal_bytes: 1 });
  view.context.begin('r-b', 'x = 1');
  const { gate, open } = door();
  (view.context.session?.kernel as FakeKernel).gate = gate;
  const tracking = opened.tracking.set(true);
  await opened.poll();
  expect(lines()).toEqual(['', '']);
  view.context.end('r-b');
  view.context.begin('r-a'); // it was sent before the click
  await opened.poll();
  expect(lines()).toEqual(['', '']);
  view.context.end('r-a');
  open();
  await tracking;
  await opened.refresh();
  expect(lines()).toEqual(['', '']);
});

it('shows at once what a cell uses that runs when the kernel says that it tracks', async () => {
  const { gate, open } = door();
  (view.context.session?.kernel as FakeKernel).gate = gate;
  const tracking = opened.tracking.set(true);
  view.context.begin('r-a'); // it was sent after the click
  expect(lines()).toEqual(['', '']);
  open();
  await tracking;
  await settle();
  expect(lines()).toEqual(['⚡ measuring …', '']);
});

it('shows what a cell uses that asks for it itself', async () => {
  view.context.begin('r-a', '%%track_energy -n fit\nx = 1');
  await settle();
  expect(lines()).toEqual(['⚡ measuring …', '']);
});

it('says of a cell in which its kernel ended that it is not measured, until it runs again', async () => {
  await recorded(41.2, 1);
  view.context.date = '2026-05-04T12:01:30.000000Z';
  await opened.tracking.set(true);
  view.context.begin('r-a');
  view.context.tell('autorestarting');
  await settle();
  expect(lines()).toEqual(['⚡ not measured: the kernel ended', '']);
  view.context.tell('idle');
  await settle();
  await opened.refresh();
  expect(lines()).toEqual(['⚡ not measured: the kernel ended', '']);
  view.context.begin('r-a');
  expect(lines()).toEqual(['⚡ measuring …', '']);
});

it('says nothing of a kernel that ended in a cell that nobody measured', async () => {
  view.context.begin('r-a');
  view.context.tell('dead');
  await settle();
  expect(lines()).toEqual(['', '']);
});

it('calls a record that of an earlier run where the last one was not measured', async () => {
  await recorded(41.2, 1);
  view.context.date = '2026-05-04T12:01:30.000000Z';
  view.context.begin('r-a');
  view.context.end('r-a');
  await opened.refresh();
  expect(lines()[0]).toMatch(/^⚡ 41 J .* · of an earlier run$/);
});

it('draws lines again for cells and metadata that change, and not for each key that is typed', async () => {
  const { widgets, modelContentChanged, model: shown } = view.content;
  await settle();
  const drawn = async (): Promise<number[]> => {
    await settle();
    return widgets.map(cell => cell.drawn);
  };
  await drawn();
  modelContentChanged.emit();
  expect(await drawn()).toEqual([0, 0]);
  widgets[1]?.model.metadataChanged.emit();
  expect(await drawn()).toEqual([0, 1]);
  shown.metadataChanged.emit();
  expect(await drawn()).toEqual([1, 1]);
  widgets.push(new FakeCell('c'));
  shown.cells.changed.emit();
  expect(await drawn()).toEqual([1, 1, 1]);
});

it('hears nothing any more of a view that is closed', async () => {
  await settle();
  view.content.disposed.emit();
  view.content.widgets.forEach(cell => cell.drawn);
  view.content.model.cells.changed.emit();
  view.content.widgets[0]?.model.metadataChanged.emit();
  await settle();
  expect(view.content.widgets.map(cell => cell.drawn)).toEqual([0, 0]);
});
