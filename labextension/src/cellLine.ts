import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { energyText } from './amounts';
import { threeFigures } from './numbers';
import {
  changeText,
  co2ePart,
  energyPart,
  intensityText,
  qualityText,
  recordParts
} from './recordText';
import type { IRunning } from './runningCells';
import { Popover } from './popover';
import type { IKept } from './kept';
import { powerWord } from './words';
import { marked, partNodes, partsText } from './parts';
import type { CellState, NotebookState } from './wire';

const HEAVY = 0.5; // share of the computer that others used, from which on the line says so
const LONG_S = 1; // others' time comes in steps of 10 ms: of a shorter cell it says little

/** What a line is about. */
export type LineContent =
  | {
      readonly kind: 'recorded';
      readonly cell: CellState;
      readonly state: NotebookState | null;
      /** The cell ran again since. */
      readonly isOutdated: boolean;
    }
  | { readonly kind: 'running'; readonly running: IRunning; readonly quality: string | null }
  /** The kernel ended while the cell ran. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'elsewhere'; readonly kept: IKept };

/** The line under a cell's input; its details show while the pointer or the focus is on it. */
export class CellLine extends Widget {
  constructor(private readonly _trans: TranslationBundle) {
    super();
    this.addClass('jp-green-line');
    this._button = document.createElement('button');
    this._button.type = 'button';
    this._button.className = 'jp-green-line-text';
    this.node.append(this._button);
    this._popover = new Popover(this._button, () => this._details());
    this.hide();
  }

  /** Show another content; null shows nothing. */
  set content(content: LineContent | null) {
    this._content = content;
    const parts = content === null ? [] : this._parts(content);
    const text = partsText(parts);
    if (this._button.textContent !== text) {
      this._button.replaceChildren(...partNodes(parts));
    }
    this.toggleClass('jp-mod-running', content?.kind === 'running');
    this.setHidden(text === '');
    this._popover.update();
  }

  override dispose(): void {
    this._popover.dispose();
    super.dispose();
  }

  protected override onBeforeDetach(message: Message): void {
    this._popover.handleEvent(new Event('detach'));
    super.onBeforeDetach(message);
  }

  /** What the line says, in parts of which each makes sense in a line of its own. */
  private _parts(content: LineContent): string[] {
    const trans = this._trans;
    switch (content.kind) {
      case 'recorded': {
        const { record, change } = content.cell;
        const parts = recordParts(record, trans);
        const heavy = heavyText(content, trans);
        if (heavy !== null) {
          parts.push(heavy);
        }
        if (record.status === 'error') {
          parts.push(trans.__('failed'));
        } else if (record.status === 'interrupted') {
          parts.push(trans.__('interrupted'));
        }
        const changed = changeText(change, trans);
        if (changed !== '') {
          parts.push(changed);
        }
        if (content.isOutdated) {
          parts.push(trans.__('of an earlier run'));
        }
        return marked(parts, record.name);
      }
      case 'running': {
        const { power, energy } = content.running;
        const parts = [];
        if (power !== null) {
          parts.push(powerWord(power, trans));
        }
        if (energy !== null) {
          parts.push(energyText(energy.value, energy.low, energy.high, trans));
        }
        const last = parts.pop() ?? trans.__('measuring');
        return marked([...parts, `${last} …`], null);
      }
      case 'lost':
        return marked([trans.__('not measured: the kernel ended')], null);
      case 'elsewhere': {
        const { energy_j, low_j, high_j, quality } = content.kept;
        const parts = [energyText(energy_j, low_j, high_j, trans)];
        if (energy_j !== null && quality !== null) {
          parts.push(qualityText(quality, trans));
        }
        return marked([...parts, trans.__('recorded elsewhere')], null);
      }
    }
  }

  private _details(): HTMLElement | null {
    const content = this._content;
    const trans = this._trans;
    if (content === null) {
      return null;
    }
    if (content.kind === 'lost') {
      const why = trans.__('The kernel ended while this cell ran. What it had used is not known.');
      return list([[trans.__('Energy'), why]]);
    }
    if (content.kind === 'elsewhere') {
      return list([
        [
          trans.__('Source'),
          trans.__('This figure came with the notebook file; this computer has no record of it.')
        ]
      ]);
    }
    if (content.kind === 'running') {
      const method =
        content.quality === null ? trans.__('not measured') : qualityText(content.quality, trans);
      return list([
        [trans.__('Power'), trans.__('of this kernel and all it started, seen from outside')],
        [trans.__('Method'), method]
      ]);
    }
    return list(recordRows(content, trans));
  }

  private readonly _button: HTMLButtonElement;
  private readonly _popover: Popover;
  private _content: LineContent | null = null;
}

type Recorded = Extract<LineContent, { kind: 'recorded' }>;

function recordRows(content: Recorded, trans: TranslationBundle): (readonly [string, string])[] {
  const { record, change, runs } = content.cell;
  const { energy, intensity } = record;
  const rows: (readonly [string, string])[] = [[trans.__('Energy'), energyPart(record, trans)]];
  if (energy.quality !== null) {
    const quality = qualityText(energy.quality, trans);
    const ofSession = content.state?.session_id === record.session_id ? content.state.method : null;
    rows.push([trans.__('Method'), ofSession === null ? quality : `${quality}: ${ofSession}`]);
  }
  if (energy.covers.length > 0) {
    rows.push([trans.__('Covers'), energy.covers.join(', ')]);
  }
  rows.push([trans.__('Time'), `${threeFigures(energy.duration_s)} s`]);
  if (energy.others_cpu_s !== null) {
    const others = threeFigures(Math.max(0, energy.others_cpu_s));
    rows.push([trans.__('Other load'), trans.__('%1 CPU-s meanwhile, left out', others)]);
  }
  rows.push([trans.__('CO₂e'), co2ePart(record, trans)]);
  if (intensity !== null) {
    rows.push([trans.__('Intensity'), intensityText(intensity, trans)]);
  }
  if (record.pue !== 1) {
    rows.push([trans.__('PUE'), threeFigures(record.pue)]);
  }
  if (change !== null) {
    const text = changeText(change, trans);
    rows.push([
      trans.__('Change'),
      trans.__('%1 (against %2 runs; its 95 %% range decides)', text, change.runs)
    ]);
  } else if (runs > 1) {
    rows.push([trans.__('Runs'), trans.__('%1; a change is named from the fourth on', runs)]);
  }
  const runId = record.mlflow?.run_ids[0];
  if (runId !== undefined) {
    rows.push([trans.__('MLflow'), trans.__('run %1', runId)]);
  }
  for (const note of [...energy.notes, ...record.notes]) {
    rows.push([trans.__('Note'), note]);
  }
  return rows;
}

function heavyText({ cell, state }: Recorded, trans: TranslationBundle): string | null {
  const { others_cpu_s: others, duration_s: duration } = cell.record.energy;
  if (state === null || others === null || duration < LONG_S) {
    return null;
  }
  const share = others / (duration * state.logical_cpus);
  return share < HEAVY
    ? null
    : trans.__('computer %1 %% busy with others, left out', Math.min(100, Math.round(100 * share)));
}

function list(rows: readonly (readonly [string, string])[]): HTMLElement {
  const node = document.createElement('dl');
  for (const [name, value] of rows) {
    const term = document.createElement('dt');
    term.textContent = name;
    const text = document.createElement('dd');
    text.textContent = value;
    node.append(term, text);
  }
  return node;
}
