"""Pages of JupyterLab that tell how long things take in them, by the browser's own clock."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.lab import PATIENCE_MS, TOKEN, Lab, LabServer

CALM_MS = 2000  # without a long task
DRAWN_MS = 240_000  # a thousand cells take half a minute

# Before the page's own scripts: notes long tasks, and when JupyterLab said that it is restored.
_BEFORE = """
window.longTasks = [];
new PerformanceObserver(list => {
  for (const task of list.getEntries()) { window.longTasks.push([task.startTime + task.duration, task.duration]); }
}).observe({ entryTypes: ['longtask'] });
let app;
Object.defineProperty(window, 'jupyterapp', {
  configurable: true,
  get: () => app,
  set: value => {
    app = value;
    void value.restored.then(() => { window.restoredMs = performance.now(); });
  }
});
// When what was changed until now is on the screen: after the next frame's painting.
window.painted = () => new Promise(resolve => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => resolve(performance.now());
  port2.postMessage(null);
}));
"""

_HIDE = """() => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
  document.dispatchEvent(new Event('visibilitychange'));
}"""

_FIRST_ROW = """() => new Promise(resolve => {
  const began = performance.now();
  const look = () => {
    const row = document.querySelector('#jp-green-panel .jp-green-cell');
    if (row !== null && row.getClientRects().length > 0) {
      observer.disconnect();
      void window.painted().then(at => resolve(at - began));
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { attributes: true, childList: true, subtree: true });
  jupyterapp.shell.activateById('jp-green-panel');
  look();
})"""

# From the kernel's word that a cell has ended to its line, and to JupyterLab's own [n], on the screen; ms.
_RUN = """([index, source]) => new Promise(resolve => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  const cell = content.widgets[index];
  cell.model.sharedModel.setSource(source);
  content.activeCellIndex = index;
  content.deselectAll();
  const found = {};
  const line = () => cell.node.querySelector('.jp-green-line-text')?.textContent ?? '';
  let idle = null;
  let before = '';
  const end = () => {
    clearTimeout(timer);
    observer.disconnect();
    sessionContext.iopubMessage.disconnect(onMessage);
    resolve(found);
  };
  const note = name => {
    found[name] = null;
    void window.painted().then(at => {
      found[name] = at - idle;
      if (typeof found.line === 'number' && typeof found.prompt === 'number') { end(); }
    });
  };
  const look = () => {
    if (idle !== null && found.line === undefined && line() !== before) { note('line'); }
    if (idle !== null && found.prompt === undefined && /[0-9]/.test(cell.promptNode?.textContent ?? '')) {
      note('prompt');
    }
  };
  const onMessage = (_, message) => {
    if (message.header.msg_type === 'status' && message.content.execution_state === 'idle'
        && message.parent_header.msg_type === 'execute_request') {
      idle = performance.now();
      before = line();
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(cell.node, { characterData: true, childList: true, subtree: true });
  sessionContext.iopubMessage.connect(onMessage);
  const timer = setTimeout(end, 10_000);
  void jupyterapp.commands.execute('notebook:run-cell');
})"""


class TimedLab(Lab):
    """A page that takes times."""

    def __init__(self, server: LabServer, browser: Browser) -> None:
        super().__init__(server, browser)
        self.page.add_init_script(_BEFORE)

    def calm(self) -> None:
        """Wait until JupyterLab has done what takes long."""
        self.page.wait_for_function(
            "calm => performance.now() - (window.longTasks.at(-1)?.[0] ?? 0) > calm", arg=CALM_MS
        )

    def drawn(self) -> None:
        """Wait until JupyterLab has drawn all cells of the notebook, which it does in idle time."""
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.node.isConnected)",
            timeout=DRAWN_MS,
        )
        self.calm()

    def open_nothing(self) -> None:
        """Open JupyterLab with its launcher."""
        self.page.goto(f"{self.server.url}lab?token={TOKEN}&reset")
        self.page.wait_for_function("() => window.restoredMs !== undefined")

    @property
    def has_extension(self) -> bool:
        """Whether our sidebar is there."""
        return self.page.locator("#jp-green-panel").count() > 0

    def first_answer_ms(self) -> float:
        """How long the server took to tell what is recorded of the notebook, the first time that it was asked."""
        asked = """() => performance.getEntriesByType('resource').find(
            one => one.name.includes('/jupyter-green/notebook'))?.duration"""
        return float(self.page.wait_for_function(asked).json_value())

    def first_row_ms(self) -> float:
        """From opening the sidebar to its first cell on the screen."""
        return float(self.page.evaluate(_FIRST_ROW))

    def run_cell(self, index: int, source: str) -> dict[str, float | None]:
        """Run a cell; return how long after its end its ``line`` and JupyterLab's ``prompt`` are on the screen, ms."""
        found: dict[str, float | None] = self.page.evaluate(_RUN, [index, source])
        return found

    def scroll(self, steps: int) -> tuple[int, float]:
        """Scroll from the top of a notebook that is drawn; return the number of long tasks and their sum, ms."""
        scroller = self.page.locator(".jp-NotebookPanel:visible .jp-WindowedPanel-outer").first
        box = scroller.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        scroller.evaluate("node => { node.scrollTop = 0; }")
        self.calm()
        self.page.evaluate("() => { window.longTasks.length = 0; }")
        for _ in range(steps):
            self.page.mouse.wheel(0, 0.8 * box["height"])
            self.page.wait_for_timeout(40)
        self.page.wait_for_timeout(500)
        tasks = self.page.evaluate("() => window.longTasks.map(([, duration]) => duration)")
        return len(tasks), sum(tasks)

    def requests_while_hidden(self, seconds: float) -> tuple[int, int]:
        """Hide the page; return how many requests went to us meanwhile, and how many JupyterLab sent itself."""
        urls: list[str] = []

        def note(request: Any) -> None:
            urls.append(request.url)

        self.page.evaluate(_HIDE)
        self.page.on("request", note)
        self.page.wait_for_timeout(seconds * 1e3)
        self.page.remove_listener("request", note)
        ours = sum("/jupyter-green/" in url for url in urls)
        return ours, len(urls) - ours


class Starts:
    """Starts JupyterLab again and again in one browser's profile, whose cache is warm from the second time on."""

    def __init__(self, server: LabServer, browser: Browser) -> None:
        self._server = server
        self._context = browser.new_context(viewport={"width": 1300, "height": 900})
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.add_init_script(_BEFORE)

    def start_ms(self) -> float:
        """From the navigation to JupyterLab's word that it is restored."""
        page: Page = self._context.new_page()
        page.goto(f"{self._server.url}lab?token={TOKEN}&reset")
        took = float(page.wait_for_function("() => window.restoredMs").json_value())
        page.close()
        time.sleep(0.5)
        return took

    def close(self) -> None:
        """Give the profile back."""
        self._context.close()
