import { expect, it } from 'vitest';

import { ComparePlot } from '../components/compare/ComparePlot';
import { gainText } from '../components/compare/gain';
import { placeLabels } from '../components/compare/labels';
import { energyScale } from '../components/compare/scales';
import type { Found, Run } from '../wire';

import { HOSTILE, click, enter, run, show, trans } from './made';

const SVM = run('svm', 61.2, { accuracy: 0.961 });
const FOREST = run('forest', 14.8, { accuracy: 0.964, f1: 0.95 });
const LOGISTIC = run('logistic', 2.1, { accuracy: 0.932 });

function plot(runs: readonly Run[], looked: Readonly<Record<string, Found | null>> = {}) {
  return <ComparePlot runs={runs} looked={looked} trans={trans} />;
}

it('says what to do where no run is chosen', () => {
  expect(show(plot([])).text()).toBe('Tick two runs or more in the sidebar, then Compare.');
});

it('says which run another beats, and by how much', () => {
  expect(show(plot([SVM, FOREST, LOGISTIC])).text()).toContain(
    'svm is beaten by forest: +0.3 points, −76 % energy'
  );
});

it('draws those on the front and those beaten in different shapes, each with a range', () => {
  const page = show(plot([SVM, FOREST, LOGISTIC]));
  const picture = page.all('svg[role=img]')[0];
  expect(picture?.querySelectorAll('circle')).toHaveLength(2);
  expect(picture?.querySelectorAll('.jp-green-loser')).toHaveLength(1);
  expect(picture?.querySelectorAll('.jp-green-error')).toHaveLength(3);
  expect(picture?.querySelector('.jp-green-front')?.getAttribute('d')).toMatch(
    /^M[\d. ]+(H[\d.]+V[\d.]+)H[\d.]+$/
  );
});

it('draws the front under the ranges, and these under the points', () => {
  const page = show(plot([SVM, FOREST, LOGISTIC]));
  const drawn = page
    .all('svg[role=img] path, svg[role=img] circle')
    .map(one => one.getAttribute('class'))
    .filter(name => !['jp-green-grid', 'jp-green-axis'].includes(name ?? ''));
  expect(drawn.slice(0, 4)).toEqual(['jp-green-front', ...Array<string>(3).fill('jp-green-error')]);
  expect(drawn.slice(4).sort()).toEqual(['jp-green-loser', 'jp-green-winner', 'jp-green-winner']);
});

it('tells the picture in words', () => {
  const page = show(plot([SVM, FOREST]));
  expect(page.all('svg[role=img]')[0]?.getAttribute('aria-label')).toBe(
    'Energy against accuracy of 2 runs. On the front: forest. The table below has all figures.'
  );
});

it('has all figures in a table', () => {
  const page = show(plot([SVM, FOREST]));
  const rows = page.all('tbody tr').map(row => Array.from(row.children, cell => cell.textContent));
  expect(rows).toEqual([
    [
      '1',
      'svm',
      '0.961',
      '61 J (31 to 120)',
      '8.1 mg (0.17 to 31)',
      'beaten by forest: +0.3 points, −76 % energy'
    ],
    ['2', 'forest', '0.964', '15 J (7.4 to 30)', '2 mg (0.041 to 7.4)', 'on the front']
  ]);
});

it('names the runs that it cannot draw, and why', () => {
  const page = show(plot([SVM, run('plain', 5), run('unmeasured', null, { accuracy: 0.9 })]));
  expect(page.text()).toContain(
    'Not in the plot, because accuracy or the energy is not known: plain, unmeasured'
  );
  expect(page.all('tbody tr')[1]?.textContent).toContain('not measured');
  expect(page.all('tbody tr')[1]?.textContent).toContain('cannot tell');
});

it('takes the metric that most runs have, and lets another be chosen', () => {
  const page = show(plot([FOREST, SVM]));
  const select = page.find('select');
  expect(Array.from(select.options, option => option.value)).toEqual(['accuracy', 'f1']);
  enter(select, 'f1');
  expect(page.all('thead th')[2]?.textContent).toBe('f1');
  page.show(plot([SVM, LOGISTIC]));
  expect(page.find('select').value).toBe('accuracy');
});

it('guesses the direction of a metric, and lets it be turned for that metric alone', () => {
  const runs = [run('a', 10, { loss: 0.2, f1: 0.5 }), run('b', 20, { loss: 0.1, f1: 0.4 })];
  const page = show(plot(runs));
  const less = page.find('input', 'Less is better');
  expect(less.checked).toBe(true);
  expect(page.text()).toContain(
    'None of these runs beats another: a better loss takes more energy here.'
  );
  click(less);
  expect(page.text()).toContain('b is beaten by a: loss +0.1, −50 % energy');
  enter(page.find('select'), 'f1');
  expect(page.find('input', 'Less is better').checked).toBe(false);
  enter(page.find('select'), 'loss');
  expect(page.find('input', 'Less is better').checked).toBe(false);
});

it('knows metrics that only MLflow has', () => {
  const said = (auc: number) => ({ status: null, metrics: { auc }, parameters: {} });
  const page = show(plot([run('a', 1), run('b', 2)], { a: said(0.9), b: said(0.8) }));
  expect(page.text()).toContain('b is beaten by a: +10 points, −50 % energy');
});

it('shows bars of energy where no run has a metric', () => {
  const page = show(plot([run('a', 40), run('b', null), run('c', 10, { loss: null })]));
  expect(page.text()).toContain('These runs have no metric.');
  expect(page.all('.jp-green-cell-title').map(one => one.textContent)).toEqual(['c', 'a', 'b']);
  expect(page.all('.jp-green-bar-value').map(one => one.style.width)).toEqual(['25%', '100%']);
  expect(page.text()).toContain('not measured');
});

it('draws one run alone, and judges nothing', () => {
  const page = show(plot([SVM]));
  expect(page.all('svg[role=img] circle')).toHaveLength(1);
  expect(page.text()).not.toContain('beaten by');
  expect(page.all('tbody td').pop()?.textContent).toBe('nothing to compare with');
});

it('draws no plot where no run has both figures', () => {
  const page = show(plot([run('a', null, { accuracy: 1 }), run('b', 1)]));
  expect(page.all('svg[role=img]')).toEqual([]);
  expect(page.all('tbody tr')).toHaveLength(2);
});

it('draws runs without a range, without energy, and with the same metric', () => {
  const bare = run('bare', 0, { accuracy: 0 });
  const total = { ...bare.total, energy: { ...bare.total.energy, low_j: null, high_j: null } };
  const page = show(plot([{ ...bare, total }, run('b', 0, { accuracy: 0 })]));
  expect(page.node.innerHTML).not.toContain('NaN');
  expect(page.all('svg[role=img] circle')).toHaveLength(2);
});

it('says no more than two sentences of who is beaten', () => {
  const losers = [1, 2, 3, 4].map(one => run(`loser ${String(one)}`, 100 + one, { accuracy: 0.5 }));
  const page = show(plot([FOREST, ...losers]));
  expect(page.all('.jp-green-sentences p').map(one => one.textContent)[2]).toBe(
    '2 more are beaten: see the table.'
  );
});

it('writes a gain in the metric’s own size where it is no share', () => {
  const loser = { point: { energyJ: 10, metric: 0.4 }, by: { energyJ: 10, metric: 0.28 } };
  expect(gainText(loser, 'rmse', false, trans)).toBe('rmse −0.12, the same energy');
  const least = { point: { energyJ: 1e6, metric: 1 }, by: { energyJ: 1, metric: 1 } };
  expect(gainText(least, 'r2', false, trans)).toBe('the same r2, −99.9 % energy');
  const same = { point: { energyJ: 10, metric: 1 }, by: { energyJ: 4, metric: 1 } };
  expect(gainText(same, 'accuracy', true, trans)).toBe('the same accuracy, −60 % energy');
});

it('has an axis from 0 on, and by powers of ten where the least would vanish', () => {
  const point = (energyJ: number) => ({ energyJ, lowJ: energyJ / 2, highJ: energyJ * 2 });
  expect(energyScale([point(10), point(20)], 600).ticks).toEqual([0, 10, 20, 30, 40]);
  const wide = energyScale([point(0.4), point(1200)], 600);
  expect(wide.ticks).toEqual([1, 10, 100, 1000]);
  expect(wide.at(100) - wide.at(10)).toBeCloseTo(wide.at(10) - wide.at(1));
  expect(wide.at(0)).toBe(0);
  expect(energyScale([{ energyJ: 0, lowJ: 0, highJ: 0 }], 600).at(0)).toBe(0);
});

it('puts no label on another, or on a point, or outside', () => {
  const marks = Array.from({ length: 30 }, (_, index) => {
    const [x, y] = [(index * 37) % 200, (index * 53) % 120];
    return {
      x,
      y,
      left: x - 5,
      right: x + 5,
      names: [`a long name ${String(index)}`, String(index)]
    };
  });
  const labels = placeLabels(marks, [], 200, 120);
  const boxes = labels.map(({ text, x, y, anchor }) => {
    const width = text.length * 6.7;
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return { left, right: left + width, top: y - 10, bottom: y + 3 };
  });
  expect(labels.length).toBeGreaterThan(3);
  boxes.forEach((a, index) => {
    expect(a.left >= 0 && a.right <= 200).toBe(true);
    boxes.slice(index + 1).forEach(b => {
      const isApart =
        a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
      expect(isApart).toBe(true);
    });
  });
});

it.each(HOSTILE)('shows a hostile name as text: %.20s', name => {
  const runs = [
    run('a', 1, { [name]: 1 }, { name }),
    run('b', 2, { [name]: 0.5 }, { name }),
    run('c', 3, {}, { name })
  ];
  const page = show(plot(runs));
  expect(page.all('tbody th').map(one => one.textContent)).toEqual([name, name, name]);
  expect(page.all('img')).toEqual([]);
  const drawn = page.all('svg[role=img] text').map(one => one.textContent.length);
  expect(Math.max(...drawn)).toBeLessThan(60);
});
