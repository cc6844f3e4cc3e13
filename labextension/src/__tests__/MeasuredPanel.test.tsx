import { expect, it, vi } from 'vitest';

import { MeasuredPanel, type IMeasuredPanelProps } from '../components/MeasuredPanel';

import { DOCTOR, HOSTILE, WORLD, click, enter, settings, show, trans } from './made';

const ZONES = [
  { code: 'DEU', name: 'Germany', g_per_kwh: 381 },
  { code: 'FRA', name: 'France', g_per_kwh: 56.04 },
  { code: 'UZB', name: 'Uzbekistan', g_per_kwh: 1167.603 }
];

function panel(changes: Partial<IMeasuredPanelProps> = {}) {
  return (
    <MeasuredPanel
      doctor={null}
      problem={null}
      isAsking={false}
      onAsk={() => undefined}
      settings={null}
      zones={null}
      onChooseZone={() => undefined}
      onOpenSettings={() => undefined}
      message={null}
      trans={trans}
      {...changes}
    />
  );
}

it('examines the computer only when asked, and not twice at once', () => {
  const onAsk = vi.fn();
  const page = show(panel({ onAsk }));
  expect(onAsk).not.toHaveBeenCalled();
  click(page.find('button', 'Find out'));
  expect(onAsk).toHaveBeenCalledOnce();
  page.show(panel({ onAsk, isAsking: true }));
  expect(page.find('button', 'Finding out…').disabled).toBe(true);
});

it('tells what is measured, how, with which range, and how to measure better', () => {
  const page = show(panel({ doctor: DOCTOR }));
  const text = page.text();
  expect(text).toContain('Energy is modelled on this computer.');
  expect(text).toContain('Counters (RAPL)not here');
  expect(text).toContain('only root may read the counters');
  expect(text).toContain('Model from CPU timemodelledCovers: cpu');
  expect(text).toContain('range x/÷ 2');
  expect(page.find('pre').textContent).toBe('sudo groupadd --system energy\nsudo udevadm trigger');
});

it('tells what measuring itself takes, and where the records are', () => {
  const text = show(panel({ doctor: DOCTOR })).text();
  expect(text).toContain('0.21 ms CPU time; 0.61 ms CPU time after a pause');
  expect(text).toContain('/home/ann/jupyter_green');
  expect(text).toContain('12 sessions');
});

it('never writes a cost that is not known as 0', () => {
  const cost = { cell_cpu_ms: null, after_pause_cpu_ms: null, method: 'm' };
  const text = show(panel({ doctor: { ...DOCTOR, own_cost: cost } })).text();
  expect(text).toContain('A bare window and its journal line takenot measured');
});

it('tells the intensity with its range and source', () => {
  const text = show(panel({ settings: settings(), zones: ZONES })).text();
  expect(text).toContain(
    '475 (20 to 900) gCO₂e/kWh, grid not set, world average; average, direct; source: table'
  );
});

it('says that an intensity is not known', () => {
  const page = show(panel({ settings: { ...settings(), intensity: null, problem: 'Which?' } }));
  expect(page.text()).toContain('The carbon intensity is not known, so CO₂e is not measured.');
  expect(page.text()).toContain('Which?');
});

it('lets a grid be chosen, and be left open again', () => {
  const onChooseZone = vi.fn();
  const page = show(panel({ settings: settings(), zones: ZONES, onChooseZone }));
  const select = page.find('select');
  expect(select.labels[0]?.textContent).toBe('Grid');
  expect(Array.from(select.options, option => option.text)).toEqual([
    'not set: world average',
    'Germany (DEU), 381 g/kWh',
    'France (FRA), 56 g/kWh',
    'Uzbekistan (UZB), 1170 g/kWh'
  ]);
  expect(select.value).toBe('');
  enter(select, 'FRA');
  page.show(
    panel({
      settings: { ...settings(), intensity: { ...WORLD, zone: 'FRA', label: 'France' } },
      zones: ZONES,
      onChooseZone
    })
  );
  expect(select.value).toBe('FRA');
  enter(select, '');
  expect(onChooseZone.mock.calls).toEqual([['FRA'], ['']]);
});

it('shows a grid that is not in the list', () => {
  const intensity = { ...WORLD, zone: 'user', label: 'set by you' };
  const page = show(panel({ settings: { ...settings(), intensity }, zones: ZONES }));
  expect(page.find('select').selectedOptions[0]?.text).toBe('set by you');
});

it('lets no grid be chosen that an admin chose, and says so', () => {
  const page = show(panel({ settings: settings(true), zones: ZONES }));
  const select = page.find('select');
  expect(select.disabled).toBe(true);
  const why = page.all(`[id='${select.getAttribute('aria-describedby') ?? ''}']`)[0];
  expect(why?.textContent).toContain('An admin chose this: default. It cannot be changed here.');
});

it('lets no grid be chosen before the list is there', () => {
  expect(show(panel({ settings: settings() })).find('select').disabled).toBe(true);
});

it('lists the settings with their value, source and lock', () => {
  const onOpenSettings = vi.fn();
  const page = show(panel({ settings: settings(true), onOpenSettings }));
  const rows = page.all('tbody tr').map(row => Array.from(row.children, cell => cell.textContent));
  expect(rows).toEqual([
    ['intensity', 'not set', 'default, locked by an admin'],
    ['pue', '1.5', 'pyproject.toml']
  ]);
  click(page.find('button', 'Open settings'));
  expect(onOpenSettings).toHaveBeenCalledOnce();
});

it('reads out a problem and what came of a choice', () => {
  const page = show(panel({ problem: 'No answer.', message: 'Counts from the next cell on.' }));
  expect(page.all('[role=status]').map(one => one.textContent)).toEqual([
    'No answer.',
    'Counts from the next cell on.'
  ]);
});

it.each(HOSTILE)('shows a hostile name as text: %.20s', name => {
  const page = show(
    panel({
      doctor: {
        ...DOCTOR,
        sensors: [
          {
            name,
            domains: [name],
            quality: 'measured',
            available: true,
            reason: name,
            hint: name
          }
        ],
        journal: { folder: name, sessions: 1 }
      },
      settings: {
        settings: [{ name, value: name, source: name, is_locked: true }],
        intensity: { ...WORLD, zone: name, label: name },
        problem: name
      },
      zones: [{ code: 'X', name, g_per_kwh: 1 }],
      message: name
    })
  );
  expect(page.find('pre').textContent).toBe(name);
  expect(page.find('code').textContent).toBe(name);
  expect(page.all('img')).toEqual([]);
});
