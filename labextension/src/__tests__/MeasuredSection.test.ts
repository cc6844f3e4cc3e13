import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { INotebookKey } from '../api';
import { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';
import { MeasuredSection } from '../sections/MeasuredSection';
import type { SettingsState, Zone } from '../wire';

import { door, FakeKernel, FakeView, raised, ScriptedApi, settle, TRACKED } from './fakes';
import { notebook, settings, trans, WORLD } from './made';

/** A server that keeps which grid was chosen. */
class GridApi extends ScriptedApi {
  readonly askedFor: (string | undefined)[] = [];
  private _kept = settings();

  override settings(key: INotebookKey | null): Promise<SettingsState> {
    this.askedFor.push(key?.path);
    return Promise.resolve(this._kept);
  }

  override zones(): Promise<readonly Zone[]> {
    return Promise.resolve([{ code: 'FRA', name: 'France', g_per_kwh: 56 }]);
  }

  override set(_: INotebookKey | null, __: string, zone: string): Promise<SettingsState> {
    this._kept = { ...settings(), intensity: { ...WORLD, zone, label: `grid of ${zone}` } };
    return Promise.resolve(this._kept);
  }
}

let api: GridApi;
let model: GreenModel;
let section: MeasuredSection;

function open(kernel: FakeKernel): NotebookModel {
  return model.add(new FakeView(kernel, kernel.id));
}

async function choose(zone: string): Promise<void> {
  const select = () => section.node.querySelector<HTMLSelectElement>('select:enabled');
  await vi.waitFor(() => expect(select()).not.toBeNull());
  const found = select();
  if (found !== null) {
    found.value = zone;
    found.dispatchEvent(new Event('change', { bubbles: true }));
  }
  await settle();
}

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false); // the section is drawn when React likes
  api = new GridApi();
  model = new GreenModel(api);
  section = new MeasuredSection(model, trans, () => undefined);
  section.hide();
  Widget.attach(section, document.body);
  section.show();
});

afterEach(() => {
  section.dispose();
  model.dispose();
});

it('asks for the settings of the notebook that is looked at', async () => {
  model.show(open(new FakeKernel('a')));
  await settle();
  model.show(open(new FakeKernel('b')));
  await settle();
  expect(api.askedFor).toEqual([undefined, 'a', 'b']);
});

it('tells a grid to each kernel that measures, tracked or not, and whatever another one says', async () => {
  const refusing = new FakeKernel('refusing', [TRACKED, raised('UsageError', 'it is locked')]);
  const tracked = new FakeKernel('tracked');
  const measured = new FakeKernel('measured');
  const plain = new FakeKernel('plain');
  await open(refusing).tracking.set(true);
  await open(tracked).tracking.set(true);
  open(plain);
  api.state = notebook({ revision: 1 });
  await open(measured).refresh();
  await choose('FRA');
  const told = [refusing, tracked, measured, plain].map(kernel => kernel.calls.at(-1));
  const call = 'choose_intensity("FRA")';
  expect(told).toEqual([call, call, call, undefined]);
  await vi.waitFor(() => expect(section.node.textContent).toContain('UsageError: it is locked'));
});

it('shows a grid at once, and tells it to the other kernels, while one is busy', async () => {
  const busy = new FakeKernel('busy');
  const idle = new FakeKernel('idle');
  await open(busy).tracking.set(true);
  await open(idle).tracking.set(true);
  const { gate, open: end } = door();
  busy.gate = gate;
  await choose('FRA');
  expect(idle.calls.at(-1)).toBe('choose_intensity("FRA")');
  const shown = () => section.node.textContent;
  await vi.waitFor(() => expect(shown()).toContain('grid of FRA'));
  expect(shown()).not.toContain('It holds from the next cell on.');
  end();
  await vi.waitFor(() => expect(shown()).toContain('It holds from the next cell on.'));
});

it('puts the focus on the choice of the grid, and takes it from nobody who went on meanwhile', async () => {
  await section.focusGrid();
  const select = section.node.querySelector('select');
  expect([document.activeElement === select, select?.disabled]).toEqual([true, false]);
  select?.blur();
  const elsewhere = document.body.appendChild(document.createElement('input'));
  const asking = section.focusGrid();
  elsewhere.focus();
  await asking;
  expect(document.activeElement).toBe(elsewhere);
  elsewhere.remove();
});
