import type { Kernel, KernelMessage } from '@jupyterlab/services';

/** What a kernel says of tracking; `carries`: its records come with the cells' outputs. */
export interface ISwitchState {
  readonly on: boolean;
  readonly carries: boolean;
  readonly problem: string | null;
}

/** A kernel could not do what it was asked. */
export class KernelError extends Error {}

/** Turn tracking on or off in a kernel (null: ask only), by a request that leaves nothing behind. */
export async function switchTracking(
  kernel: Kernel.IKernelConnection,
  on: boolean | null
): Promise<ISwitchState> {
  const argument = on === null ? 'None' : on ? 'True' : 'False';
  return evaluate(kernel, `switch(${argument})`);
}

/** Let the running session use another carbon intensity. */
export async function chooseIntensity(
  kernel: Kernel.IKernelConnection,
  said: string | null
): Promise<ISwitchState> {
  const argument = said === null ? 'None' : pythonString(said);
  return evaluate(kernel, `choose_intensity(${argument})`);
}

/** Write a text as Python would read it. */
export function pythonString(text: string): string {
  // JSON's escapes are Python's, but for what stands outside ASCII as a pair of surrogates.
  const escaped = Array.from(text, character => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x80 ? JSON.stringify(character).slice(1, -1) : `\\U${hex(code)}`;
  });
  return `"${escaped.join('')}"`;
}

function hex(code: number): string {
  return code.toString(16).padStart(8, '0');
}

const TRIES = 5;

async function evaluate(kernel: Kernel.IKernelConnection, call: string): Promise<ISwitchState> {
  for (let tries = 1; ; tries++) {
    const content = await request(kernel, call);
    // A cell that fails takes the requests behind it along, ours too.
    if ((content.status as string) !== 'aborted' || tries === TRIES) {
      return read(content);
    }
  }
}

async function request(
  kernel: Kernel.IKernelConnection,
  call: string
): Promise<KernelMessage.IExecuteReplyMsg['content']> {
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    allow_stdin: false,
    stop_on_error: false,
    user_expressions: {
      green: `__import__('jupyter_green.magics.switch', fromlist=['switch']).${call}`
    }
  });
  try {
    const reply = await future.done;
    return reply.content;
  } finally {
    future.dispose();
  }
}

function read(content: KernelMessage.IExecuteReplyMsg['content']): ISwitchState {
  const expressions: unknown = 'user_expressions' in content ? content.user_expressions : undefined;
  const answer = field(expressions, 'green');
  const said = field(field(answer, 'data'), 'text/plain');
  if (typeof said !== 'string') {
    const name = field(answer, 'ename');
    const value = field(answer, 'evalue');
    if (name === 'ModuleNotFoundError') {
      throw new KernelError('not installed');
    }
    throw new KernelError(typeof value === 'string' ? `${String(name)}: ${value}` : 'no answer');
  }
  // A Python string's repr around JSON of booleans and one sentence.
  const state: unknown = JSON.parse(unquoted(said));
  return {
    on: field(state, 'on') === true,
    carries: field(state, 'carries') === true,
    problem: text(field(state, 'problem'))
  };
}

function unquoted(repr: string): string {
  return repr.slice(1, -1).replace(/\\(['"\\])/g, (_, character: string) => character);
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
