import { expect, it, vi } from 'vitest';

import { NowPanel, type INowPanelProps } from '../components/NowPanel';

import figures from './figures.json';
import {
  HOSTILE,
  WORLD,
  cellState,
  click,
  live,
  notebook,
  record,
  sample,
  show,
  total,
  trans
} from './made';

function panel(changes: Partial<INowPanelProps> = {}) {
  return (
    <NowPanel
      live={null}
      state={null}
      problem={null}
      notebook="churn.ipynb"
      isTracking={true}
      trackingProblem={null}
      firstRun={null}
      onTrack={() => undefined}
      onChooseGrid={() => undefined}
      onFirstRead={() => undefined}
      trans={trans}
      {...changes}
    />
  );
}

it('says what to do where nothing was recorded', () => {
  expect(show(panel()).text()).toContain(
    'Run a cell. Its energy appears here. Nothing leaves this computer.'
  );
  const nothing = notebook({ total: null, session: null });
  expect(show(panel({ state: nothing })).text()).toContain('Run a cell.');
});

it('says of a notebook that is not tracked that tracking comes first, and of one that cannot be nothing', () => {
  const page = show(panel({ isTracking: false }));
  expect(page.all('.jp-green-quiet:not([hidden])').map(one => one.textContent)).toEqual([
    'Track this notebook, then run a cell: its energy appears here. Nothing leaves this computer.'
  ]);
  page.show(panel({ isTracking: null }));
  expect(page.text()).not.toContain('run a cell');
  const problem = 'A file of the journal could not be read.';
  page.show(panel({ isTracking: null, state: notebook({ problem, total: null, session: null }) }));
  expect(page.text()).toContain(problem);
});

it('asks for a notebook where none is open', () => {
  const page = show(panel({ notebook: null, live: live(), state: notebook() }));
  expect(page.text()).toBe('Open a notebook to see what its cells take.');
});

it('shows the power of now with its range and method', () => {
  const page = show(panel({ live: live() }));
  expect(page.find('section', 'Power').textContent).toContain('8 W (4 to 16)modelled');
});

it('says why there is no power', () => {
  const why = 'This kernel runs on another computer.';
  const page = show(panel({ live: live({ samples: [], problem: why }) }));
  expect(page.text()).toContain(why);
  expect(page.text()).not.toContain('No power was seen');
});

it('waits for the second sample, because the first one has no power', () => {
  const page = show(panel({ live: live({ samples: [sample(100, null)] }) }));
  expect(page.find('section', 'Power').textContent).toBe('');
  page.show(panel({ live: live({ samples: [sample(98, null), sample(100, 4)] }) }));
  expect(page.find('section', 'Power').textContent).toContain('4 W (2 to 8)');
});

it('shows both totals with range, CO2e, grid, method and what lay between cells', () => {
  const page = show(panel({ state: notebook({ cells: [] }) }));
  const text = page.text();
  expect(text).toContain('This notebook, 4 sessions');
  expect(text).toContain('810 J410 to 1600 J · modelled');
  expect(text).toContain('110 mg CO₂e (2.3 to 410, grid not set)');
  expect(text).toContain('of which between cells: 41 J (20 to 82)');
  expect(text).toContain('This session150 J76 to 300 J · modelled');
  expect(text).toContain('attributed = 4 W x CPU seconds');
  const both = total(812, { intensities: [WORLD, { ...WORLD, zone: 'FRA' }] });
  page.show(panel({ state: notebook({ total: both }) }));
  expect(page.text()).toContain('410, grid not set, FRA)');
});

it('shows one sum where the notebook has one session, because both are the same', () => {
  const text = show(panel({ state: notebook({ sessions: 1 }) })).text();
  expect(text).toContain('This notebook, in this session810 J');
  expect(text).not.toContain('This session');
});

it('says that a total is not known, and why, instead of 0', () => {
  const text = show(panel({ state: notebook({ total: total(null), session: null }) })).text();
  expect(text).toContain('not measurednot known for 1 of 1 parts');
  expect(text).toContain('CO₂e not known for 1 of 1 parts');
  expect(text).not.toContain('This session');
});

it('shows a cost only where electricity has a price', () => {
  expect(show(panel({ state: notebook() })).text()).not.toContain('price');
  const priced = total(3.6e6, { cost: 0.3123, currency: 'EUR' });
  expect(show(panel({ state: notebook({ total: priced }) })).text()).toContain(
    '0.312 EUR at your price'
  );
});

it('says that lines could not be read', () => {
  expect(show(panel({ state: notebook({ unreadable: 1 }) })).text()).toContain(
    '1 line of the records could not be read and is left out.'
  );
});

it('says that a file could not be read, also where nothing else is known', () => {
  const problem = 'A file of the journal could not be read (Permission denied).';
  expect(show(panel({ state: notebook({ problem }) })).text()).toContain(problem);
  const text = show(panel({ state: notebook({ problem, total: null, session: null }) })).text();
  expect(text).toContain(problem);
  expect(text).not.toContain('Run a cell.');
});

it('lets a notebook be tracked, and be left alone again', () => {
  const onTrack = vi.fn();
  const page = show(panel({ isTracking: false, onTrack }));
  click(page.find('button', 'Track this notebook'));
  page.show(panel({ isTracking: true, onTrack }));
  click(page.find('button', 'Stop'));
  expect(onTrack.mock.calls).toEqual([[true], [false]]);
});

it('says why a kernel cannot be tracked, and offers no button', () => {
  const page = show(panel({ isTracking: null, trackingProblem: 'This kernel runs R.' }));
  expect(page.text()).toContain('This kernel runs R.');
  expect(page.all('button')).toEqual([]);
});

it('reads out why a click came to nothing, and offers it again', () => {
  const page = show(panel({ isTracking: false }));
  const why = 'This notebook has no kernel. Choose one, then track.';
  page.show(panel({ isTracking: false, trackingProblem: why }));
  const told = page.all('.jp-green-quiet[role=status]');
  expect(told.map(one => [one.textContent, one.hidden])).toEqual([[why, false]]);
  expect(page.find('button', 'Track this notebook').disabled).toBe(false);
});

it('reads a problem out, and keeps what was known', () => {
  const page = show(panel({ state: notebook() }));
  page.show(panel({ state: notebook(), problem: 'The server does not answer.' }));
  expect(page.all('[role=status]')[0]?.textContent).toBe('The server does not answer.');
  expect(page.text()).toContain('810 J');
});

it('tells a newcomer the method, the grid and where data stays', () => {
  const onChooseGrid = vi.fn();
  const onFirstRead = vi.fn();
  const firstRun = { method: 'It is modelled from CPU time.', gridIsSet: false };
  const page = show(panel({ firstRun, onChooseGrid, onFirstRead }));
  expect(page.all('.jp-green-first p').map(line => line.textContent)).toEqual([
    'It is modelled from CPU time.',
    `Your grid is not set: world average ${String(figures.world_g_per_kwh)} g/kWh. Choose`,
    'Data stays on this computer. Got it'
  ]);
  click(page.find('button', 'Choose your grid'));
  expect(onChooseGrid).toHaveBeenCalledOnce();
  click(page.find('button', 'Got it'));
  expect(onFirstRead).toHaveBeenCalledOnce();
});

it('asks for no grid where one is set', () => {
  const page = show(panel({ firstRun: { method: null, gridIsSet: true } }));
  expect(page.all('.jp-green-first p').map(line => line.textContent)).toEqual([
    'Data stays on this computer. Got it'
  ]);
});

it.each(HOSTILE)('shows a hostile name as text: %.20s', name => {
  const cells = [
    cellState(
      record(1, {
        intensity: {
          zone: 'user',
          g_per_kwh: 1,
          low: 1,
          high: 1,
          at: null,
          kind: 'average',
          scope: null,
          source: 'user',
          label: name
        }
      })
    )
  ];
  const page = show(
    panel({ state: notebook({ cells, method: name, covers: [name] }), problem: name })
  );
  expect(page.text()).toContain(name);
  expect(page.all('img')).toEqual([]);
});
