import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type {
  DoctorState,
  LiveState,
  Found,
  NotebookState,
  Runs,
  SettingsState,
  Zone
} from './wire';

/** Which notebook is meant: its path from the server's root, and its kernel if it has one. */
export interface INotebookKey {
  readonly path: string;
  readonly kernel: string | null;
}

/** The server answered with an error, or not at all (`status` 0). */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number
  ) {
    super(message);
  }
}

/** The one place that speaks HTTP. */
export class Api {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  /** What is recorded of a notebook; of the cells those that changed since `since` of the same `epoch`. */
  async notebook(key: INotebookKey, epoch: string, since: number): Promise<NotebookState> {
    return this._get('notebook', { ...query(key), epoch, since: String(since) });
  }

  /** What the kernel draws, with the samples after `since` (s of the server's clock). */
  async live(key: INotebookKey, since: number): Promise<LiveState> {
    return this._get('live', { ...query(key), since: String(since) });
  }

  async runs(key: INotebookKey): Promise<Runs> {
    return this._get('runs', query(key));
  }

  /** Ask MLflow itself what it has of these runs. */
  async look(
    key: INotebookKey,
    runIds: readonly string[]
  ): Promise<Readonly<Record<string, Found | null>>> {
    return this._send('runs/look', 'POST', { ...key, run_ids: runIds });
  }

  /** Send what waits of this notebook to MLflow. */
  async send(key: INotebookKey): Promise<Runs> {
    return this._send('runs/send', 'POST', { ...key });
  }

  async doctor(): Promise<DoctorState> {
    return this._get('doctor', {});
  }

  async report(key: INotebookKey, form: 'md' | 'json'): Promise<string> {
    const answer = await this._get<{ readonly text: string }>('report', { ...query(key), form });
    return answer.text;
  }

  /** The settings of a notebook's kernel: a project's file beside the notebook counts. */
  async settings(key: INotebookKey | null): Promise<SettingsState> {
    return this._get('settings', key === null ? {} : query(key));
  }

  async set(key: INotebookKey | null, name: string, value: string | null): Promise<SettingsState> {
    return this._send('settings', 'PUT', { ...key, name, value });
  }

  async zones(): Promise<readonly Zone[]> {
    return this._get('zones', {});
  }

  private async _get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    return this._request(path + URLExt.objectToQueryString({ ...parameters }), { method: 'GET' });
  }

  private async _send<T>(path: string, method: 'POST' | 'PUT', body: object): Promise<T> {
    return this._request(path, { method, body: JSON.stringify(body) });
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, 'jupyter-green', path);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch (error) {
      throw new ApiError(error instanceof Error ? error.message : String(error), 0);
    }
    const text = await response.text();
    if (!response.ok) {
      throw new ApiError(messageOf(text) ?? response.statusText, response.status);
    }
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new ApiError('The answer is not JSON.', response.status);
    }
  }
}

function query(key: INotebookKey): Record<string, string> {
  return key.kernel === null ? { path: key.path } : { path: key.path, kernel: key.kernel };
}

function messageOf(text: string): string | null {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null && 'message' in data) {
      return typeof data.message === 'string' ? data.message : null;
    }
  } catch {
    // A proxy's page, in whatever form.
  }
  return null;
}
