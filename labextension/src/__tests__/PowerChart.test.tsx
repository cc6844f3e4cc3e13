import { act } from 'react';
import { expect, it } from 'vitest';

import { PowerChart, stretches } from '../components/PowerChart';
import { roundTop } from '../series';

import { sample, show, trans } from './made';

it('says in a sentence that nothing was seen', () => {
  const page = show(<PowerChart samples={[]} nowS={100} spanS={120} trans={trans} />);
  expect(page.text()).toBe('No power was seen in the last 2 min.');
  expect(page.all('svg')).toEqual([]);
});

it('draws nothing of a first sample, which has no power yet', () => {
  const samples = [sample(100, null)];
  const page = show(<PowerChart samples={samples} nowS={100} spanS={120} trans={trans} />);
  expect(page.text()).toContain('No power was seen');
});

it('has a text alternative with the latest, the highest and their ranges', () => {
  const samples = [sample(90, null), sample(91, 20), sample(92, 12)];
  const page = show(<PowerChart samples={samples} nowS={92} spanS={120} trans={trans} />);
  expect(page.all('[role=img]')[0]?.getAttribute('aria-label')).toBe(
    'Power over the last 2 min. Latest: 12 W (6 to 24), now. Highest: 20 W (10 to 40).'
  );
});

it('says how old the latest is', () => {
  const page = show(<PowerChart samples={[sample(52, 12)]} nowS={92} spanS={120} trans={trans} />);
  expect(page.all('[role=img]')[0]?.getAttribute('aria-label')).toContain('24), 40 s ago.');
});

it('leaves a gap where two samples lie more than five seconds apart', () => {
  const samples = [sample(1, 1), sample(2, 1), sample(7, 1), sample(12.1, 1)];
  expect(stretches(samples, 0, 20).map(part => part.map(one => one.atS))).toEqual([
    [1, 2, 7],
    [12.1]
  ]);
  const page = show(<PowerChart samples={samples} nowS={20} spanS={20} trans={trans} />);
  expect(page.all('.jp-green-curve')).toHaveLength(2);
});

it('leaves a gap where another process begins', () => {
  const samples = [sample(1, 1), sample(2, null), sample(3, 1)];
  expect(stretches(samples, 0, 20)).toHaveLength(2);
});

it('leaves out what lies before the span', () => {
  const parts = stretches([sample(1, 9), sample(50, 1), sample(51, 1)], 49, 60);
  expect(parts.map(part => part.length)).toEqual([2]);
});

it('draws a power without a range as a line', () => {
  const one = { ...sample(5, 3), low_w: null, high_w: null };
  expect(stretches([one], 0, 9)).toEqual([[{ atS: 5, powerW: 3, lowW: 3, highW: 3 }]]);
});

it('ends its axis at a round number above all ranges', () => {
  expect([0, 0.003, 0.9, 1, 1.01, 2.5, 23, 51, 400, 7000].map(roundTop)).toEqual([
    1, 0.005, 1, 1, 2, 5, 50, 100, 500, 10000
  ]);
  const page = show(<PowerChart samples={[sample(99, 12)]} nowS={99} spanS={120} trans={trans} />);
  const scale = page.all('.jp-green-power-scale span').map(one => one.textContent);
  expect(scale).toEqual(['50 W', '25 W', '0']);
});

it('tells the same as a table, whose rows are made when it is opened', () => {
  const samples = [sample(98, 12), sample(99, 8)];
  const page = show(<PowerChart samples={samples} nowS={100} spanS={120} trans={trans} />);
  expect(page.all('td')).toEqual([]);
  const details = page.find('details');
  act(() => {
    details.open = true;
    details.dispatchEvent(new Event('toggle'));
  });
  expect(page.all('td').map(cell => cell.textContent)).toEqual([
    '1 s ago',
    '8 W (4 to 16)',
    '2 s ago',
    '12 W (6 to 24)'
  ]);
});

it('draws a power of nothing at the bottom', () => {
  const page = show(<PowerChart samples={[sample(9, 0)]} nowS={9} spanS={10} trans={trans} />);
  expect(page.all('.jp-green-curve')[0]?.getAttribute('d')).toBe('M10.00 100.00h0');
});
