import type { TranslationBundle } from '@jupyterlab/translation';
import { type Message, MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';

import type { INotebookKey } from '../api';
import { Asked } from '../asked';
import { MeasuredPanel } from '../components/MeasuredPanel';
import type { GreenModel } from '../model';
import type { DoctorState, SettingsState, Zone } from '../wire';

import { Section } from './Section';

/** Sensors, range, intensity and what the measuring itself takes. */
export class MeasuredSection extends Section {
  constructor(
    model: GreenModel,
    trans: TranslationBundle,
    private readonly _onOpenSettings: () => void
  ) {
    super(model, trans);
  }

  /** Whether somebody said which grid it is; true as long as that is not known. */
  get gridIsSet(): boolean {
    const intensity = this._settings.value?.intensity;
    return intensity === undefined || intensity === null || intensity.zone !== 'world';
  }

  /** Ask for the settings; who tracks for the first time is told whether a grid is set. */
  async readSettings(): Promise<void> {
    await this._settings.ask(() => this.model.api.settings(this._key));
    this.updateIfSeen();
  }

  /** Put the focus on the choice of the grid, which brings it into view. */
  async focusGrid(): Promise<void> {
    const before = document.activeElement;
    await this._read();
    MessageLoop.sendMessage(this, Widget.Msg.UpdateRequest);
    await this.renderPromise;
    const now = document.activeElement;
    if (now === before || now === document.body) {
      // Where an admin chose the grid, the words beside it say so.
      const choice =
        this.node.querySelector<HTMLElement>('.jp-green-grid-choice select:enabled') ??
        this.node.querySelector<HTMLElement>('.jp-green-grid-choice');
      choice?.focus();
    }
  }

  protected override onNotebook(): void {
    super.onNotebook();
    if (this.isVisible) {
      void this._read();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._read();
  }

  protected override render(): ReactElement {
    return (
      <MeasuredPanel
        doctor={this._doctor.value}
        problem={this._doctor.problem ?? this._settings.problem}
        isAsking={this._doctor.isAsking}
        onAsk={() => void this._ask()}
        settings={this._settings.value}
        zones={this._zones.value}
        onChooseZone={code => void this._choose(code)}
        onOpenSettings={this._onOpenSettings}
        message={this._message}
        trans={this.trans}
      />
    );
  }

  private get _key(): INotebookKey | null {
    return this.notebook?.key ?? null;
  }

  private async _read(): Promise<void> {
    await Promise.all([
      this._settings.ask(() => this.model.api.settings(this._key)),
      this._zones.value === null ? this._zones.ask(() => this.model.api.zones()) : null
    ]);
    this.updateIfSeen();
  }

  private async _ask(): Promise<void> {
    const asking = this._doctor.ask(() => this.model.api.doctor());
    this.update();
    await asking;
    this.updateIfSeen();
  }

  private async _choose(code: string): Promise<void> {
    const said = code === '' ? null : code;
    this._message = null;
    await this._settings.ask(() => this.model.api.set(this._key, 'intensity', said));
    this.updateIfSeen();
    if (this._settings.problem !== null) {
      return;
    }
    const measuring = [...this.model.notebooks].filter(
      ({ tracking, state }) => tracking.isOn || state?.session != null
    );
    // Views of one notebook share its tracking. A kernel that is busy answers when it can.
    const kernels = new Set(measuring.map(notebook => notebook.tracking));
    const answers = await Promise.allSettled(
      Array.from(kernels, tracking => tracking.chooseIntensity(said))
    );
    const reasons = answers.flatMap(answer =>
      answer.status === 'rejected' ? [messageOf(answer.reason)] : []
    );
    this._message =
      reasons.length === 0
        ? this.trans.__('It holds from the next cell on. Earlier records keep theirs.')
        : [...new Set(reasons)].join(' ');
    this.updateIfSeen();
  }

  private readonly _doctor = new Asked<DoctorState>();
  private readonly _settings = new Asked<SettingsState>();
  private readonly _zones = new Asked<readonly Zone[]>();
  private _message: string | null = null;
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
