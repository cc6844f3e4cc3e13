import type { ISessionContext } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { Api, ApiError, type INotebookKey } from '../api';
import type { INotebookView } from '../notebookModel';
import type { LiveState, NotebookState, Sample } from '../wire';

import { live, notebook } from './made';

/** What a kernel replies to an execute request; `aborted` where a cell before it failed. */
export type Reply = Readonly<Record<string, unknown>>;

/** The reply of a kernel that tells a state as Python's repr of JSON. */
export function said(state: unknown, quote = "'"): Reply {
  const json = JSON.stringify(state).replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return {
    status: 'ok',
    user_expressions: {
      green: { status: 'ok', data: { 'text/plain': quote + json + quote }, metadata: {} }
    }
  };
}

/** The reply of a kernel in which the expression raised an error. */
export function raised(ename: string, evalue: string): Reply {
  return {
    status: 'ok',
    user_expressions: { green: { status: 'error', ename, evalue, traceback: [] } }
  };
}

export const ABORTED: Reply = { status: 'aborted' };
export const TRACKED = said({ on: true, carries: false, problem: null });
export const UNTRACKED = said({ on: false, carries: false, problem: null });

/** A kernel that answers what it is told to, the last answer again and again. */
export class FakeKernel {
  constructor(
    readonly id: string,
    replies: readonly Reply[] = [TRACKED],
    language = 'python'
  ) {
    this._replies = [...replies];
    this.info = Promise.resolve({ language_info: { name: language } });
  }

  readonly name = 'python3';
  readonly info: Promise<unknown>;
  /** What it was asked, the oldest first. */
  readonly asked: KernelMessage.IExecuteRequestMsg['content'][] = [];
  /** What a reply waits for. */
  gate: Promise<void> = Promise.resolve();
  /** How many of the requests were let go of. */
  disposed = 0;

  /** The calls that were made in it. */
  get calls(): string[] {
    return this.asked.map(({ user_expressions }) => {
      const expression = String((user_expressions as Record<string, unknown>)['green']);
      return expression.slice(expression.indexOf(').') + 2);
    });
  }

  get connection(): Kernel.IKernelConnection {
    return this as unknown as Kernel.IKernelConnection;
  }

  requestExecute(content: KernelMessage.IExecuteRequestMsg['content']): unknown {
    this.asked.push(content);
    const reply = this._replies.length > 1 ? this._replies.shift() : this._replies[0];
    return {
      done: this.gate.then(() => ({ content: reply })),
      dispose: () => {
        this.disposed += 1;
      }
    };
  }

  private readonly _replies: Reply[];
}

/** A notebook's session, as far as a model listens to it. */
export class FakeContext {
  session: { kernel: FakeKernel | null } | null = null;
  isReady = true;
  ready = Promise.resolve();
  /** What the server tells of kernels by their names. */
  readonly specsManager: {
    specs: { kernelspecs: Record<string, { language: string } | undefined> } | null;
  } = { specs: null };
  readonly iopubMessage = new Signal<this, unknown>(this);
  readonly kernelChanged = new Signal<this, unknown>(this);
  readonly statusChanged = new Signal<this, Kernel.Status>(this);
  readonly connectionStatusChanged = new Signal<this, Kernel.ConnectionStatus>(this);

  /** Another kernel, or none. */
  use(kernel: FakeKernel | null): void {
    this.session = { kernel };
    this.kernelChanged.emit({});
  }

  tell(status: Kernel.Status): void {
    this.statusChanged.emit(status);
  }

  /** A message about a request, as the kernel sends it to all pages. */
  send(type: string, parent: string | null, content: object = {}): void {
    const parent_header = parent === null ? {} : { msg_id: parent, msg_type: 'execute_request' };
    this.iopubMessage.emit({ header: { msg_type: type, date: this.date }, parent_header, content });
  }

  /** What the kernel's clock shows. */
  date = '2026-05-04T12:00:00.000000Z';

  begin(request: string, code = ''): void {
    this.send('status', request, { execution_state: 'busy' });
    this.send('execute_input', request, { code });
  }

  end(request: string): void {
    this.send('status', request, { execution_state: 'idle' });
  }
}

/** An open notebook. Requests `r-NAME` are this page's, from the cell NAME. */
export class FakeView implements INotebookView {
  constructor(
    kernel: FakeKernel | null = new FakeKernel('k'),
    public path = 'churn.ipynb',
    readonly panel = {} as unknown as NotebookPanel
  ) {
    this.context.session = { kernel };
  }

  readonly context = new FakeContext();
  /** Its tab is in front. */
  isInFront = true;

  get isVisible(): boolean {
    return this.isInFront && !document.hidden;
  }

  get sessionContext(): ISessionContext {
    return this.context as unknown as ISessionContext;
  }

  cellOfRequest(messageId: string): string | null {
    return messageId.startsWith('r-') ? messageId.slice(2) : null;
  }
}

export interface IAsked {
  readonly what: 'notebook' | 'live';
  readonly key: INotebookKey;
  readonly epoch: string | null;
  readonly since: number;
}

/** A server that answers what the test says; it is not there while `isDown`. */
export class ScriptedApi extends Api {
  constructor() {
    super({ baseUrl: 'http://127.0.0.1/' } as never);
  }

  readonly asked: IAsked[] = [];
  isDown = false;
  /** The questions that come to nothing all the same. */
  readonly fails = new Set<IAsked['what']>();
  state: NotebookState = notebook({ revision: 0, cells: [] });
  power: LiveState = live({ samples: [], journal_bytes: 1 });
  /** What an answer waits for. */
  gate: Promise<void> = Promise.resolve();

  count(what: IAsked['what']): number {
    return this.asked.filter(one => one.what === what).length;
  }

  override notebook(key: INotebookKey, epoch: string, since: number): Promise<NotebookState> {
    this.asked.push({ what: 'notebook', key, epoch, since });
    return this._answer('notebook', this.state);
  }

  override live(key: INotebookKey, since: number): Promise<LiveState> {
    this.asked.push({ what: 'live', key, epoch: null, since });
    return this._answer('live', this.power);
  }

  private async _answer<T>(what: IAsked['what'], answer: T): Promise<T> {
    const isDown = this.isDown || this.fails.has(what);
    await this.gate;
    if (isDown) {
      throw new ApiError('made up', 0);
    }
    return answer;
  }
}

/** A door that is shut until it is opened. */
export function door(): { readonly gate: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const gate = new Promise<void>(resolve => {
    open = resolve;
  });
  return { gate, open };
}

/** Let all that waits for nothing but promises go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    await Promise.resolve();
  }
}

/** Samples of a power in W that stays the same, one a second; the energy at `fromS` is `energyJ`. */
export function steady(
  fromS: number,
  toS: number,
  powerW: number,
  energyJ = 0,
  isNew = false
): readonly Sample[] {
  return Array.from({ length: toS - fromS + 1 }, (_, n) => {
    const value = energyJ + powerW * n;
    const power = isNew && n === 0 ? null : powerW;
    return {
      at_s: fromS + n,
      energy_j: value,
      low_j: value / 2,
      high_j: value * 2,
      power_w: power,
      low_w: power === null ? null : power / 2,
      high_w: power === null ? null : power * 2
    };
  });
}

/** Numbers from 0 to 1 that are the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
