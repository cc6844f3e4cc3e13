import { expect, it, vi } from 'vitest';

import { CellsPanel, type ICellRow } from '../components/CellsPanel';
import type { CellState } from '../wire';

import { HOSTILE, cellState, click, enter, focus, press, record, show, trans } from './made';

function row(
  cellId: string,
  energyJ: number | null,
  changes: Partial<ICellRow> = {},
  about: Partial<CellState> = {}
): ICellRow {
  const cell = cellState(record(energyJ), about);
  return { cellId, number: '[1]', title: cellId, cell, isHere: true, ...changes };
}

function panel(rows: readonly ICellRow[], onJump: (cellId: string) => void = () => undefined) {
  return <CellsPanel rows={rows} onJump={onJump} trans={trans} />;
}

function titles(nodes: readonly HTMLElement[]): (string | null)[] {
  return nodes.map(node => node.textContent);
}

it('says that no cell was measured', () => {
  const page = show(panel([]));
  expect(page.text()).toBe('No cell of this notebook was measured yet.');
});

it('has the heaviest first and the unknown last', () => {
  const page = show(panel([row('a', 2), row('b', null), row('c', 30), row('d', 0)]));
  expect(titles(page.all('.jp-green-cell-title'))).toEqual(['[1] c', '[1] a', '[1] d', '[1] b']);
  expect(page.all('li')[3]?.textContent).toContain('not measured');
});

it('draws a bar as long as its share of the heaviest, and none for what is unknown', () => {
  const page = show(panel([row('a', 10), row('b', 40), row('c', null)]));
  expect(page.all('.jp-green-bar-value').map(bar => bar.style.width)).toEqual(['100%', '25%']);
});

it('ranks a cell by all its runs, and shows their range, the last run and its change in a second line', () => {
  const change = { verdict: 'less', percent: -38.2, runs: 3, text_changed: false } as const;
  const four = { change, runs: 4, all_j: 210, all_low_j: 110, all_high_j: 420 };
  const page = show(panel([row('a', 90), row('b', 41.2, {}, four)]));
  expect(titles(page.all('.jp-green-cell-title'))).toEqual(['[1] b', '[1] a']);
  expect(page.all('.jp-green-amount')[0]?.textContent).toBe('210 J');
  expect(page.all('.jp-green-cell-more')[0]?.textContent).toBe(
    '110 to 420 J · 4 runs, the last 41 J · −38 % vs the last runs'
  );
  expect(page.all('.jp-green-amount')[0]?.title).toBe('210 J (110 to 420)');
});

it('says of a cell that it failed or was interrupted', () => {
  const page = show(
    panel([
      row('a', 1, { cell: cellState(record(1, { status: 'error' })) }),
      row('b', 2, { cell: cellState(record(2, { status: 'interrupted' })) })
    ])
  );
  expect(page.text()).toContain('failed');
  expect(page.text()).toContain('interrupted');
});

it('bounds what is below resolution instead of calling it 0', () => {
  const page = show(panel([row('a', 0.0001)]));
  expect(page.all('.jp-green-amount')[0]?.textContent).toBe('under 1 mJ');
  expect(page.text()).toContain('below resolution');
});

it('jumps to a cell that is pressed', () => {
  const onJump = vi.fn();
  const page = show(panel([row('a', 1), row('b', 2)], onJump));
  click(page.find('button', '[1] a'));
  expect(onJump.mock.calls).toEqual([['a']]);
});

it('lists cells that are gone apart, without a jump', () => {
  const page = show(panel([row('a', 1), row('b', 99, { isHere: false })]));
  const gone = page.find('section', 'No longer in this notebook');
  expect(gone.querySelector('h3')?.textContent).toBe('No longer in this notebook');
  expect(gone.querySelectorAll('button')).toHaveLength(0);
  expect(titles(page.all('button .jp-green-cell-title'))).toEqual(['[1] a']);
});

it('measures its bars by the cells that are here, and draws none of those that are gone', () => {
  const page = show(panel([row('a', 10), row('b', 5), row('gone', 990, { isHere: false })]));
  expect(page.all('.jp-green-bar-value').map(bar => bar.style.width)).toEqual(['100%', '50%']);
});

it('shows the number of a cell of which nothing else is known', () => {
  const page = show(panel([row('a', 1, { title: null, isHere: false })]));
  expect(titles(page.all('.jp-green-cell-number'))).toEqual(['[1]']);
});

it('has no heading where no cell is gone', () => {
  expect(show(panel([row('a', 1)])).all('h3')).toEqual([]);
});

it('filters by what stands in a title, and tells how many there are', () => {
  const page = show(panel([row('fit', 1), row('Fit again', 2), row('plot', 3)]));
  const input = page.find('input', 'Filter cells');
  expect(page.all('[role=status]')[0]?.textContent).toBe('');
  enter(input, ' FIT');
  expect(titles(page.all('.jp-green-cell-title'))).toEqual(['[1] Fit again', '[1] fit']);
  expect(page.all('[role=status]')[0]?.textContent).toBe('2 of 3');
  enter(input, 'nothing like it');
  expect(page.text()).toContain('No cell has this in its title.');
  enter(input, '');
  expect(page.all('.jp-green-cell-title')).toHaveLength(3);
});

it('is one stop for the Tab key, and arrows go from cell to cell', () => {
  const page = show(panel([row('a', 3), row('b', 2), row('c', 1)]));
  const stops = () => page.all('button').map(button => button.tabIndex);
  expect(stops()).toEqual([0, -1, -1]);
  const focused = () => document.activeElement?.querySelector('.jp-green-cell-title')?.textContent;
  focus(page.find('button', '[1] a'));
  press(page.find('button', '[1] a'), 'ArrowDown');
  expect(focused()).toBe('[1] b');
  expect(stops()).toEqual([-1, 0, -1]);
  press(page.find('button', '[1] b'), 'End');
  expect(focused()).toBe('[1] c');
  press(page.find('button', '[1] c'), 'ArrowDown');
  expect(focused()).toBe('[1] c');
  press(page.find('button', '[1] c'), 'Home');
  press(page.find('button', '[1] a'), 'ArrowUp');
  expect(focused()).toBe('[1] a');
});

it('keeps a stop for the Tab key where the filter hides the cell that had it', () => {
  const page = show(panel([row('a', 3), row('b', 2)]));
  focus(page.find('button', '[1] b'));
  enter(page.find('input', 'Filter cells'), '[1] a');
  expect(page.all('button').map(button => button.tabIndex)).toEqual([0]);
});

it('keeps the focus where a new figure moves a cell', () => {
  const page = show(panel([row('a', 3), row('b', 2)]));
  const button = page.find('button', '[1] b');
  focus(button);
  page.show(panel([row('a', 3), row('b', 20)]));
  expect(titles(page.all('.jp-green-cell-title'))).toEqual(['[1] b', '[1] a']);
  expect(document.activeElement).toBe(button);
});

it('shows a thousand cells', () => {
  const rows = Array.from({ length: 1000 }, (_, index) => row(`c${String(index)}`, index));
  expect(show(panel(rows)).all('button')).toHaveLength(1000);
});

it.each(HOSTILE)('shows a hostile title as text: %.20s', title => {
  const page = show(
    panel([
      row('a', 1, { number: null, title }),
      row('b', 1, { number: null, title, isHere: false })
    ])
  );
  expect(page.all('.jp-green-cell-title').map(node => node.textContent)).toEqual([title, title]);
  expect(page.all('img')).toEqual([]);
});
