import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';
import { expect, it } from 'vitest';

import { Options, readShow } from '../options';

class FakeSettings {
  readonly changed = new Signal<this, void>(this);
  composite: Readonly<Record<string, unknown>> = {};

  get settings(): ISettingRegistry.ISettings {
    return this as unknown as ISettingRegistry.ISettings;
  }

  set(composite: Readonly<Record<string, unknown>>): void {
    this.composite = composite;
    this.changed.emit();
  }
}

function values({ show, minimumJoules, live, saveInNotebook }: Options): readonly unknown[] {
  return [show, minimumJoules, live, saveInNotebook];
}

it('has defaults before the settings are read, and where they say nothing', () => {
  const options = new Options();
  expect(values(options)).toEqual(['always', 1, true, false]);
  options.follow(new FakeSettings().settings);
  expect(values(options)).toEqual(['always', 1, true, false]);
});

it('takes the settings now and whenever they change, and tells', () => {
  const [options, settings] = [new Options(), new FakeSettings()];
  let told = 0;
  options.changed.connect(() => (told += 1));
  settings.composite = { show: 'threshold', minimumJoules: 5 };
  options.follow(settings.settings);
  expect([values(options), told]).toEqual([['threshold', 5, true, false], 1]);
  settings.set({ show: 'never', live: false, saveInNotebook: true });
  expect([values(options), told]).toEqual([['never', 1, false, true], 2]);
});

it('takes what is none of the values for the default', () => {
  const [options, settings] = [new Options(), new FakeSettings()];
  options.follow(settings.settings);
  settings.set({ show: 'sometimes', minimumJoules: '5', live: null, saveInNotebook: 'yes' });
  expect(values(options)).toEqual(['always', 1, true, false]);
});

it('reads the three ways to show lines, and no other', () => {
  expect(['always', 'threshold', 'never'].map(readShow)).toEqual(['always', 'threshold', 'never']);
  expect([undefined, null, 1, 'Always', '', {}].map(readShow)).toEqual(Array(6).fill(null));
});
