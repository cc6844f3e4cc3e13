import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { CellLine, type LineContent } from '../cellLine';
import type { CellRecord, CellState } from '../wire';

import { HOSTILE, cellState, energy, inCapitals, notebook, record, trans } from './made';

let line: CellLine;

beforeEach(() => {
  line = new CellLine(trans);
  Widget.attach(line, document.body);
});

afterEach(() => {
  line.dispose();
});

function recorded(
  changes: Partial<CellRecord> = {},
  about: Partial<CellState> = {},
  state = notebook()
): LineContent {
  const cell = cellState(record(41.2, changes), { cell_id: 'c', ...about });
  return { kind: 'recorded', cell, state, isOutdated: false };
}

function button(): HTMLButtonElement {
  const found = line.node.querySelector('button');
  if (found === null) {
    throw new Error('no button');
  }
  return found;
}

function textOf(content: LineContent | null): string {
  line.content = content;
  return button().textContent;
}

/** The rows of the details, ``name: text``. */
function details(content: LineContent): string[] {
  line.content = content;
  button().blur();
  button().focus();
  const texts = (kind: string): string[] =>
    Array.from(document.querySelectorAll(`.jp-green-popover ${kind}`), one => one.textContent);
  const values = texts('dd');
  return texts('dt').map((name, n) => `${name}: ${values[n] ?? ''}`);
}

describe('the line', () => {
  it('is not there before it has something to say, and not after', () => {
    expect(line.isHidden).toBe(true);
    expect([textOf(recorded()) === '', line.isHidden]).toEqual([false, false]);
    expect([textOf(null), line.isHidden]).toEqual(['', true]);
  });

  it('says energy, CO2e and method of a record', () => {
    expect(textOf(recorded())).toBe(
      '⚡ 41 J (21 to 82) · 5.4 mg CO₂e (0.11 to 21, grid not set) · 1 CPU-s · modelled'
    );
  });

  it('says the name, a failure, an interrupt and a change', () => {
    expect(textOf(recorded({ name: 'svm' }))).toMatch(/^⚡ svm: 41 J/);
    expect(textOf(recorded({ status: 'error' }))).toMatch(/ · failed$/);
    expect(textOf(recorded({ status: 'interrupted' }))).toMatch(/ · interrupted$/);
    const change = { verdict: 'less', percent: -38, runs: 4, text_changed: false } as const;
    expect(textOf(recorded({}, { change, runs: 5 }))).toMatch(/ · −38 % vs the last runs$/);
  });

  it('says when others kept the computer busy, and not of a short cell', () => {
    const busy = (others_cpu_s: number | null, duration_s: number): string =>
      textOf(recorded({ energy: { ...energy(41.2), others_cpu_s, duration_s } }));
    expect(busy(3.36, 2)).toContain('computer 84 % busy with others, left out');
    expect(busy(9, 2)).toContain('computer 100 % busy');
    expect(busy(1.9, 2)).not.toContain('busy');
    expect(busy(1.6, 0.9)).not.toContain('busy');
    expect(busy(null, 2)).not.toContain('busy');
  });

  it('shows power and energy so far of a running cell', () => {
    const running = {
      power: { value: 12.34, low: 6.17, high: 24.68 },
      energy: { value: 38, low: 19, high: 76 }
    };
    expect(textOf({ kind: 'running', running, quality: 'modelled' })).toBe(
      '⚡ 12 W · 38 J (19 to 76) …'
    );
    expect(line.hasClass('jp-mod-running')).toBe(true);
    textOf(recorded());
    expect(line.hasClass('jp-mod-running')).toBe(false);
  });

  it('shows of a running cell what is known, and that it is measured where nothing is', () => {
    const of = (value: number | null): LineContent => ({
      kind: 'running',
      running: { power: value === null ? null : { value, low: value, high: value }, energy: null },
      quality: null
    });
    expect(textOf(of(12))).toBe('⚡ 12 W …');
    expect(textOf(of(0))).toBe('⚡ idle …');
    expect(textOf(of(null))).toBe('⚡ measuring …');
  });

  it('says where a record is of an earlier run than the last one', () => {
    const outdated = { ...recorded(), isOutdated: true } as LineContent;
    expect(textOf(outdated)).toMatch(/^⚡ 41 J .* · of an earlier run$/);
    expect(textOf(recorded())).not.toContain('earlier');
  });

  it('says that a kernel ended in a cell, and what that means', () => {
    expect(textOf({ kind: 'lost' })).toBe('⚡ not measured: the kernel ended');
    expect(details({ kind: 'lost' })[0]).toMatch(/^Energy: The kernel ended while this cell ran/);
  });

  it('breaks between its parts and not within one', () => {
    textOf(recorded({ name: 'fit' }));
    const parts = Array.from(line.node.querySelectorAll('.jp-green-line-part'));
    expect(parts.map(part => part.textContent)).toEqual([
      '⚡ fit: 41 J (21 to 82) ·',
      '5.4 mg CO₂e (0.11 to 21, grid not set) ·',
      '1 CPU-s ·',
      'modelled'
    ]);
  });

  it('says what only the notebook file knows as recorded elsewhere', () => {
    const kept = { cell: 'c', energy_j: 41.2, low_j: 20.6, high_j: 82.4, quality: 'modelled' };
    expect(textOf({ kind: 'elsewhere', kept })).toBe(
      '⚡ 41 J (21 to 82) · modelled · recorded elsewhere'
    );
    expect(textOf({ kind: 'elsewhere', kept: { ...kept, energy_j: null } })).toBe(
      '⚡ not measured · recorded elsewhere'
    );
  });

  it('says how a figure came about in the language of the page', () => {
    line.dispose();
    line = new CellLine(inCapitals);
    Widget.attach(line, document.body);
    const kept = { cell: 'c', energy_j: 41.2, low_j: 20.6, high_j: 82.4, quality: 'modelled' };
    expect(textOf({ kind: 'elsewhere', kept })).toContain(' · MODELLED');
    const running = { power: null, energy: null };
    const rows = details({ kind: 'running', running, quality: 'apportioned' });
    expect(rows[1]).toBe('METHOD: APPORTIONED');
    expect(details(recorded())[1]).toBe('METHOD: MODELLED: attributed = 4 W x CPU seconds');
  });

  it('shows names as text, whatever they hold', () => {
    for (const name of HOSTILE) {
      expect(textOf(recorded({ name, notes: [name] }))).toContain(name);
      expect(details(recorded({ name, notes: [name] }))).toContain(`Note: ${name}`);
      expect(document.querySelector('img')).toBeNull();
    }
  });

  it('does not touch the page where its text stays the same', () => {
    textOf(recorded());
    const before = button().firstChild;
    textOf(recorded());
    expect(button().firstChild).toBe(before);
  });
});

describe('its details', () => {
  it('say method, what is covered, time, intensity and its source', () => {
    const rows = details(recorded());
    expect(rows[0]).toBe('Energy: 41 J (21 to 82)');
    expect(rows[1]).toBe('Method: modelled: attributed = 4 W x CPU seconds');
    expect(rows).toContain('Covers: cpu');
    expect(rows).toContain('Time: 2 s');
    expect(rows.join('\n')).toMatch(/Intensity: 475 \(20 to 900\) gCO₂e\/kWh, grid not set, world/);
    expect(rows.filter(row => /^(PUE|Change|Runs|MLflow|Note|Other load)/.test(row))).toEqual([]);
  });

  it('name the method of another session by its word alone', () => {
    const rows = details(recorded({ session_id: 'older' }));
    expect(rows[1]).toBe('Method: modelled');
  });

  it('say what else there is: PUE, runs, MLflow, notes, other load', () => {
    const rows = details(
      recorded(
        {
          pue: 1.5,
          mlflow: { tracking_uri: null, experiment: null, run_ids: ['abc'] },
          notes: ['of the record'],
          energy: { ...energy(41.2), others_cpu_s: -0.01, notes: ['of the meter'] }
        },
        { runs: 2 }
      )
    );
    expect(rows).toContain('PUE: 1.5');
    expect(rows).toContain('Runs: 2; a change is named from the fourth on');
    expect(rows).toContain('MLflow: run abc');
    expect(rows).toContain('Other load: 0 CPU-s meanwhile, left out');
    expect(rows.slice(-2)).toEqual(['Note: of the meter', 'Note: of the record']);
  });

  it('say what a change is held against', () => {
    const change = { verdict: 'same', percent: 2, runs: 4, text_changed: false } as const;
    const rows = details(recorded({}, { change, runs: 5 }));
    expect(rows).toContain('Change: about as before (against 4 runs; its 95 % range decides)');
  });

  it('follow the line while they are open', () => {
    details(recorded());
    line.content = recorded({ notes: ['new'] });
    expect(document.querySelector('.jp-green-popover')?.textContent).toContain('new');
    line.content = null;
    expect(document.querySelector('.jp-green-popover')).toBeNull();
  });

  it('go with the line', () => {
    details(recorded());
    Widget.detach(line);
    expect(document.querySelector('.jp-green-popover')).toBeNull();
    button().focus();
    line.dispose();
    expect(document.querySelector('.jp-green-popover')).toBeNull();
  });
});
