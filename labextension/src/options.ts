import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { type ISignal, Signal } from '@lumino/signaling';

export type Show = 'always' | 'threshold' | 'never';

/** What the user set for this page; the schema says what each means. */
export class Options {
  show: Show = 'always';
  minimumJoules = 1;
  live = true;
  saveInNotebook = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Take the values of the settings, now and whenever they change. */
  follow(settings: ISettingRegistry.ISettings): void {
    const take = (): void => {
      const values = settings.composite;
      this.show = readShow(values['show']) ?? 'always';
      const minimum = values['minimumJoules'];
      this.minimumJoules = typeof minimum === 'number' ? minimum : 1;
      this.live = values['live'] !== false;
      this.saveInNotebook = values['saveInNotebook'] === true;
      this._changed.emit();
    };
    settings.changed.connect(take);
    take();
  }

  private readonly _changed = new Signal<this, void>(this);
}

/** Read how lines are shown; null if it is none of the ways. */
export function readShow(value: unknown): Show | null {
  return value === 'always' || value === 'threshold' || value === 'never' ? value : null;
}
