import { expect, it, vi } from 'vitest';

import { RunsPanel, type IRunsPanelProps } from '../components/RunsPanel';
import { inTree, isWebAddress, metricsOf } from '../runs';
import type { Run } from '../wire';

import { HOSTILE, click, run, show, total, trans } from './made';

function panel(changes: Partial<IRunsPanelProps> = {}) {
  return (
    <RunsPanel
      state={null}
      problem={null}
      looked={{}}
      ticked={new Set()}
      isLooking={false}
      isSending={false}
      onTick={() => undefined}
      onCompare={() => undefined}
      onLook={() => undefined}
      onSend={() => undefined}
      trans={trans}
      {...changes}
    />
  );
}

function state(runs: readonly Run[], waiting = 0, problem: string | null = null) {
  return { runs, waiting, problem };
}

function at(day: number): string {
  return `2026-05-0${String(day)}T12:00:00+00:00`;
}

function places(runs: readonly Run[]): string[] {
  return inTree(runs).map(one => `${String(one.depth)} ${one.run.run_id}`);
}

it('says what to type where there is no run', () => {
  const page = show(panel({ state: state([]) }));
  expect(page.text()).toBe('No run yet. %%track_energy -n NAME makes a run.');
  expect(page.all('button')).toEqual([]);
});

it('says nothing before it knows anything', () => {
  expect(show(panel()).text()).toBe('');
});

it('has the newest first, and children below their parent', () => {
  const runs = [
    run('old', 1, {}, { started_at: at(1) }),
    run('child', 1, {}, { started_at: at(2), parent_run_id: 'old' }),
    run('new', 1, {}, { started_at: at(3) }),
    run('younger child', 1, {}, { started_at: at(4), parent_run_id: 'old' })
  ];
  expect(places(runs)).toEqual(['0 new', '0 old', '1 younger child', '1 child']);
});

it('keeps a run whose parent is not there, and runs that are each other’s parents', () => {
  const runs = [
    run('orphan', 1, {}, { started_at: at(3), parent_run_id: 'gone' }),
    run('a', 1, {}, { started_at: at(2), parent_run_id: 'b' }),
    run('b', 1, {}, { started_at: at(1), parent_run_id: 'a' }),
    run('self', 1, {}, { started_at: at(1), parent_run_id: 'self' })
  ];
  expect(places(runs)).toEqual(['0 orphan', '0 a', '1 b', '0 self']);
});

it('indents children', () => {
  const page = show(
    panel({ state: state([run('a', 1), run('b', 1, {}, { parent_run_id: 'a' })]) })
  );
  expect(page.all('li').map(item => item.style.paddingInlineStart)).toEqual(['0px', '16px']);
});

it('shows energy with its range, time and metrics; unknown is said', () => {
  const page = show(
    panel({ state: state([run('svm', 41.2, { accuracy: 0.96123, loss: null }), run('x', null)]) })
  );
  const [first, second] = page.all('li');
  expect(first?.textContent).toContain('41 J');
  expect(first?.textContent).toContain('21 to 82 J');
  expect(first?.textContent).toContain('accuracy 0.9612 · loss not measured');
  expect(first?.querySelector('time')?.dateTime).toBe(at(4));
  expect(second?.textContent).toContain('not measured');
});

it('names the year of a run only where it is another', () => {
  const year = String(new Date().getFullYear());
  const page = show(
    panel({
      state: state([
        run('a', 1, {}, { started_at: `${year}-06-04T12:00:00+00:00` }),
        run('b', 1, {}, { started_at: '2019-06-04T12:00:00+00:00' })
      ])
    })
  );
  const times = page.all('time').map(time => time.textContent);
  expect(times[0]).not.toContain(year);
  expect(times[1]).toContain('2019');
});

it('shows a time that is none as it is', () => {
  const page = show(panel({ state: state([run('a', 1, {}, { started_at: 'yesterday' })]) }));
  expect(page.find('time').textContent).toBe('yesterday');
});

it('compares from two ticked runs on', () => {
  const onTick = vi.fn();
  const onCompare = vi.fn();
  const runs = state([run('a', 1), run('b', 2)]);
  const page = show(panel({ state: runs, ticked: new Set(['a', 'gone']), onTick, onCompare }));
  expect(page.find('button', 'Compare').disabled).toBe(true);
  click(page.find('input', 'b'));
  click(page.find('input', 'a'));
  expect(onTick.mock.calls).toEqual([
    ['b', true],
    ['a', false]
  ]);
  page.show(panel({ state: runs, ticked: new Set(['a', 'b']), onTick, onCompare }));
  click(page.find('button', 'Compare 2'));
  expect(onCompare).toHaveBeenCalledOnce();
});

it('asks MLflow and sends to it only by a press, and not twice at once', () => {
  const onLook = vi.fn();
  const onSend = vi.fn();
  const runs = state([run('a', 1)], 3);
  const page = show(panel({ state: runs, onLook, onSend }));
  click(page.find('button', 'Ask MLflow'));
  click(page.find('button', 'Send 3 waiting records to MLflow'));
  expect([onLook.mock.calls.length, onSend.mock.calls.length]).toEqual([1, 1]);
  page.show(panel({ state: runs, isLooking: true, isSending: true, onLook, onSend }));
  expect(page.find('button', 'Asking MLflow…').disabled).toBe(true);
  expect(page.find('button', 'Sending…').disabled).toBe(true);
});

it('offers to send only what waits, even where there is no run yet', () => {
  expect(show(panel({ state: state([run('a', 1)]) })).text()).not.toContain('Send');
  const page = show(panel({ state: state([], 1) }));
  expect(page.find('button').textContent).toBe('Send 1 waiting record to MLflow');
});

it('shows why the last delivery failed, and that the server does not answer', () => {
  const page = show(
    panel({ state: state([], 1, 'MLflow did not answer.'), problem: 'No answer.' })
  );
  expect(page.all('[role=status]').map(one => one.textContent)).toEqual([
    'No answer.',
    'MLflow did not answer.'
  ]);
});

it('links to web addresses only, and to those without handing anything over', () => {
  const page = show(panel({ state: state([run('a', 1)]) }));
  const anchor = page.find('a');
  expect(anchor.getAttribute('href')).toBe('http://127.0.0.1:5000/#/experiments/0/runs/a');
  expect([anchor.target, anchor.rel]).toEqual(['_blank', 'noopener noreferrer']);
  expect(anchor.getAttribute('aria-label')).toBe('Open a in MLflow');
  const wrong = ['javascript:alert(1)', 'data:text/html,x', ' http://x', 'file:///x', '//x', ''];
  expect(wrong.filter(link => isWebAddress(link))).toEqual([]);
});

it('shows what to type where there is no web address', () => {
  const changes = { link: 'javascript:alert(1)', command: 'mlflow ui' };
  const page = show(panel({ state: state([run('a', 1, {}, changes)]) }));
  expect(page.all('a')).toEqual([]);
  expect(page.find('code').textContent).toBe('mlflow ui');
  const same = state([run('a', 1, {}, changes), run('b', 1, {}, changes), run('c', 1)]);
  page.show(panel({ state: same }));
  expect(page.all('code').map(one => one.textContent)).toEqual(['mlflow ui']);
  const neither = state([run('a', 1, {}, { link: null, command: null })]);
  page.show(panel({ state: neither }));
  expect(page.all('a, code')).toEqual([]);
});

it('shows what MLflow has besides, and not our own figures again', () => {
  const said = {
    status: 'FINISHED',
    metrics: { auc: 0.99, accuracy: 0.5, energy_j: 41.2, cell_energy_j: 41.2 },
    parameters: { C: '10' }
  };
  const one = run('a', 41.2, { accuracy: 0.9, loss: null });
  expect([...metricsOf(one, { a: said })]).toEqual([
    ['accuracy', 0.9],
    ['loss', null],
    ['auc', 0.99]
  ]);
  const page = show(panel({ state: state([one]), looked: { a: said } }));
  expect(page.text()).toContain('MLflow: FINISHED');
  expect(page.find('details').textContent).toBe('1 parameterC10');
  expect(page.text()).not.toContain('energy_j');
});

it('says that MLflow has a run no longer, which is not the same as not being asked', () => {
  const runs = state([run('a', 1)]);
  const page = show(panel({ state: runs, looked: { a: null } }));
  expect(page.text()).toContain('MLflow has this run no longer.');
  page.show(panel({ state: runs, looked: {} }));
  expect(page.text()).not.toContain('no longer');
});

it('takes no run for a word that every object has', () => {
  const page = show(panel({ state: state([run('constructor', 1), run('__proto__', 1)]) }));
  expect(page.all('li')).toHaveLength(2);
});

it.each(HOSTILE)('shows a hostile name as text: %.20s', name => {
  const one = run('a', 1, { [name]: 1 }, { name, link: null, command: name, total: total(null) });
  const said = { status: name, metrics: {}, parameters: { [name]: name } };
  const page = show(panel({ state: state([one], 0, name), looked: { a: said } }));
  expect(page.all('.jp-green-cell-title')[0]?.textContent).toBe(name);
  expect(page.find('code').textContent).toBe(name);
  expect(page.all('img')).toEqual([]);
});

it('gives a run without a name something to press', () => {
  const page = show(panel({ state: state([run('a', 1, {}, { name: '' })]) }));
  expect(page.find('input', 'unnamed').type).toBe('checkbox');
});
