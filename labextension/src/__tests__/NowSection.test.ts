import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { GreenModel } from '../model';
import { NowSection } from '../sections/NowSection';

import { FakeView, ScriptedApi, settle, steady } from './fakes';
import { live, notebook, trans } from './made';

let api: ScriptedApi;
let model: GreenModel;
let section: NowSection;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false); // the section is drawn when React likes
  api = new ScriptedApi();
  model = new GreenModel(api);
  section = new NowSection(
    model,
    trans,
    () => undefined,
    { gridIsSet: true, readSettings: () => Promise.resolve() },
    { wasRead: () => Promise.resolve(false), read: () => undefined }
  );
  section.hide();
  Widget.attach(section, document.body);
  section.show();
});

afterEach(() => {
  section.dispose();
  model.dispose();
});

it('keeps the wording of its first lines while a notebook is hidden and its power is not seen', async () => {
  const view = new FakeView();
  const opened = model.add(view);
  model.show(opened);
  await opened.tracking.set(true);
  const first = () => section.node.querySelector('.jp-green-first')?.textContent ?? '';
  api.power = live({ samples: steady(10, 12, 4, 0, true), journal_bytes: 1 });
  api.state = notebook({ session: null });
  await opened.poll();
  await opened.refresh();
  await vi.waitFor(() => expect(first()).toContain('modelled from CPU time'));
  const before = first();
  view.isInFront = false;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await opened.poll();
  vi.advanceTimersByTime(6000); // the power is forgotten
  vi.useRealTimers();
  await settle();
  expect(opened.live).toBeNull();
  await vi.waitFor(() => expect(section.node.querySelector('.jp-green-big')).toBeNull());
  expect(first()).toBe(before);
});
