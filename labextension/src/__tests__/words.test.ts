import { expect, it } from 'vitest';

import { ApiError } from '../api';
import { powerWord, serverSentence, trackingSentence } from '../words';

import { HOSTILE, trans } from './made';

it('calls idle what is no more than the clock’s steps', () => {
  const word = (value: number, factor = 1): string =>
    powerWord({ value, low: value / factor, high: value * factor }, trans);
  expect(word(0)).toBe('idle');
  expect(word(9.99e-4)).toBe('idle');
  expect(word(1e-3)).toBe('1 mW');
  expect(word(12.34)).toBe('12.3 W');
  expect(word(12.34, 2)).toBe('12 W'); // no more figures than its range allows, as where the range is shown
});

it('says why a notebook cannot be tracked, and what to do', () => {
  expect(trackingSentence({ kind: 'no kernel' }, trans)).toContain('Choose one');
  expect(trackingSentence({ kind: 'not installed' }, trans)).toContain(
    '%pip install jupyter-green'
  );
  expect(trackingSentence({ kind: 'settings', message: 'pue 0 is below 1' }, trans)).toBe(
    'pue 0 is below 1'
  );
});

it('names languages and problems as they are, whatever they hold', () => {
  for (const one of ['R', '%%track_energy', ...HOSTILE]) {
    const text = one.replaceAll('%% ', ''); // which JupyterLab's translator takes for one of its own
    expect(trackingSentence({ kind: 'language', language: text }, trans)).toContain(text);
    expect(trackingSentence({ kind: 'failed', message: text }, trans)).toContain(text);
    expect(serverSentence(new ApiError(text, 500), trans)).toContain(text);
  }
});

it('tells a server that is not there from one that refuses, does not know, or fails', () => {
  const sentence = (status: number): string => serverSentence(new ApiError('why', status), trans);
  expect(sentence(0)).toContain('does not answer');
  expect(sentence(403)).toBe('The server does not let you see this (403).');
  expect(sentence(404)).toBe('The server cannot tell: why');
  expect(sentence(500)).toBe('The server failed: why (500)');
  expect(sentence(502)).toBe('The server failed: why (502)');
});
