import { expect, it } from 'vitest';

import { Asked } from '../asked';

import { door } from './fakes';

it('keeps the answer, and says while it asks', async () => {
  const asked = new Asked<number>();
  const asking = asked.ask(() => Promise.resolve(7));
  expect([asked.isAsking, asked.value]).toEqual([true, null]);
  await asking;
  expect([asked.isAsking, asked.value, asked.problem]).toEqual([false, 7, null]);
});

it('keeps the last answer where the next question has none, and says why', async () => {
  const asked = new Asked<number>();
  await asked.ask(() => Promise.resolve(7));
  await asked.ask(() => Promise.reject(new Error('no')));
  expect([asked.isAsking, asked.value, asked.problem]).toEqual([false, 7, 'no']);
  await asked.ask(() => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- foreign code does
    throw 'a word';
  });
  expect(asked.problem).toBe('a word');
  await asked.ask(() => Promise.resolve(8));
  expect([asked.value, asked.problem]).toEqual([8, null]);
});

it('takes the last question’s answer, whichever comes first', async () => {
  const asked = new Asked<string>();
  const { gate, open } = door();
  const slow = asked.ask(() => gate.then(() => 'old'));
  await asked.ask(() => Promise.resolve('new'));
  expect([asked.value, asked.isAsking]).toEqual(['new', false]);
  open();
  await slow;
  expect([asked.value, asked.isAsking]).toEqual(['new', false]);
});

it('does not take the error of a question that another one followed', async () => {
  const asked = new Asked<string>();
  const { gate, open } = door();
  const slow = asked.ask(() => gate.then(() => Promise.reject(new Error('late'))));
  await asked.ask(() => Promise.resolve('new'));
  open();
  await slow;
  expect(asked.problem).toBeNull();
});

it('forgets what it knows, and the answer that is under way', async () => {
  const asked = new Asked<string>();
  await asked.ask(() => Promise.resolve('old'));
  const { gate, open } = door();
  const slow = asked.ask(() => gate.then(() => 'late'));
  asked.forget();
  expect([asked.value, asked.isAsking]).toEqual([null, false]);
  open();
  await slow;
  expect([asked.value, asked.problem, asked.isAsking]).toEqual([null, null, false]);
});
