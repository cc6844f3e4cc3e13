import { describe, expect, it } from 'vitest';

import { chooseIntensity, KernelError, pythonString, switchTracking } from '../kernelSwitch';

import { ABORTED, FakeKernel, raised, said, seeded, TRACKED, type Reply } from './fakes';

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f'
};

/** Read a text between double quotes by the rules of Python's reference, and by no others. */
function asPythonReads(source: string): string {
  if (!/^"[\x20-\x7f]*"$/.test(source)) {
    throw new Error(`not ASCII between double quotes: ${source}`);
  }
  const body = source.slice(1, -1);
  let text = '';
  for (let at = 0; at < body.length; at++) {
    const character = body.charAt(at);
    if (character === '"') {
      throw new Error(`ends early: ${source}`);
    }
    if (character !== '\\') {
      text += character;
      continue;
    }
    const kind = body.charAt(++at);
    const digits = { u: 4, U: 8 }[kind];
    if (digits !== undefined) {
      const code = body.slice(at + 1, at + 1 + digits);
      if (code.length !== digits || !/^[0-9a-f]+$/.test(code)) {
        throw new Error(`no code: ${source}`);
      }
      text += String.fromCodePoint(parseInt(code, 16));
      at += digits;
      continue;
    }
    const escaped = ESCAPES[kind];
    if (escaped === undefined) {
      throw new Error(`unknown escape ${kind} in ${source}`);
    }
    text += escaped;
  }
  return text;
}

async function answer(...replies: readonly Reply[]) {
  return switchTracking(new FakeKernel('k', replies).connection, true);
}

describe('a text as Python reads it', () => {
  it('is the same for every character of the basic plane', () => {
    for (let code = 0; code < 0x10000; code++) {
      const character = String.fromCharCode(code);
      if (asPythonReads(pythonString(character)) !== character) {
        throw new Error(`U+${code.toString(16)} became ${pythonString(character)}`);
      }
    }
  });

  it('keeps quotes, backslashes, line ends and what lies beyond the basic plane', () => {
    const texts = ['', `'"`, '\\', '\\\\n', 'a\nb\r\n\u2028\u2029', '🚀👩‍💻', '\0', '\u007f', '{}%s'];
    for (const text of [...texts, '\ud800x', `"); import os; ("`]) {
      expect(asPythonReads(pythonString(text))).toBe(text);
    }
    expect(pythonString('53g')).toBe('"53g"');
    expect(pythonString('é🚀')).toBe('"\\U000000e9\\U0001f680"');
  });

  it('is the same for any mixture', () => {
    const random = seeded(11);
    for (let turn = 0; turn < 2000; turn++) {
      const codes = Array.from({ length: Math.floor(20 * random()) }, () =>
        Math.floor(random() * (random() < 0.5 ? 0x80 : 0x110000))
      );
      const text = codes.map(code => String.fromCodePoint(code)).join('');
      expect(asPythonReads(pythonString(text))).toBe(text);
    }
  });
});

describe('asking a kernel', () => {
  it('leaves nothing behind: silent, no history, no input, and letting go of the request', async () => {
    const kernel = new FakeKernel('k');
    await switchTracking(kernel.connection, true);
    expect(kernel.asked).toMatchObject([
      { code: '', silent: true, store_history: false, allow_stdin: false, stop_on_error: false }
    ]);
    expect(kernel.disposed).toBe(1);
  });

  it('says what is meant in Python’s words', async () => {
    const kernel = new FakeKernel('k');
    await switchTracking(kernel.connection, true);
    await switchTracking(kernel.connection, false);
    await switchTracking(kernel.connection, null);
    await chooseIntensity(kernel.connection, 'FRA');
    await chooseIntensity(kernel.connection, null);
    expect(kernel.calls).toEqual([
      'switch(True)',
      'switch(False)',
      'switch(None)',
      'choose_intensity("FRA")',
      'choose_intensity(None)'
    ]);
  });

  it('reads how tracking stands', async () => {
    expect(await answer(said({ on: true, carries: true, problem: null }))).toEqual({
      on: true,
      carries: true,
      problem: null
    });
  });

  it('reads a problem in any words, whichever quotes Python’s repr takes', async () => {
    for (const problem of [
      `it's`,
      `"Frnace"`,
      `it's "so"`,
      'a\\b',
      'C:\\new',
      'é🚀\n',
      '\\u00e9'
    ]) {
      for (const quote of [`'`, '"']) {
        const state = { on: true, carries: false, problem };
        expect(await answer(said(state, quote))).toEqual(state);
      }
    }
  });

  it('asks again where a cell that failed took the request along', async () => {
    const kernel = new FakeKernel('k', [ABORTED, ABORTED, TRACKED]);
    expect((await switchTracking(kernel.connection, true)).on).toBe(true);
    expect([kernel.asked.length, kernel.disposed]).toEqual([3, 3]);
  });

  it('gives up after some tries', async () => {
    const kernel = new FakeKernel('k', [ABORTED]);
    await expect(switchTracking(kernel.connection, true)).rejects.toThrow(KernelError);
    expect(kernel.asked.length).toBe(5);
  });

  it('knows a kernel that has no jupyter_green', async () => {
    const missing = raised('ModuleNotFoundError', "No module named 'jupyter_green'");
    await expect(answer(missing)).rejects.toThrow(new KernelError('not installed'));
  });

  it('tells another error as the kernel does', async () => {
    await expect(answer(raised('UsageError', 'no zone'))).rejects.toThrow('UsageError: no zone');
  });

  it('takes what is no answer for none', async () => {
    for (const green of [undefined, null, 7, {}, { data: null }, { data: { 'text/plain': 7 } }]) {
      const reply = { status: 'ok', user_expressions: { green } };
      await expect(answer(reply)).rejects.toThrow('no answer');
    }
    await expect(answer({ status: 'error' })).rejects.toThrow('no answer');
  });

  it('lets a caller know of an answer that is not JSON, and takes no other JSON for yes', async () => {
    const data = { 'text/plain': '<switch at 0x7f>' };
    const reply = { status: 'ok', user_expressions: { green: { status: 'ok', data } } };
    await expect(answer(reply)).rejects.toThrow();
    for (const state of [null, 7, [], {}, { on: 'true', carries: 1, problem: 7 }]) {
      expect(await answer(said(state))).toEqual({ on: false, carries: false, problem: null });
    }
  });

  it('lets go of the request where the kernel went away', async () => {
    const kernel = new FakeKernel('k');
    let disposed = 0;
    kernel.requestExecute = () => ({
      done: Promise.reject(new Error('Canceled')),
      dispose: () => (disposed += 1)
    });
    await expect(switchTracking(kernel.connection, true)).rejects.toThrow('Canceled');
    expect(disposed).toBe(1);
  });
});
