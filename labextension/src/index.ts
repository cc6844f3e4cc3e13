import { commandsPlugin } from './plugins/commands';
import { linesPlugin } from './plugins/lines';
import { modelPlugin } from './plugins/model';
import { outputPlugin } from './plugins/output';
import { sidebarPlugin } from './plugins/sidebar';
import { statusPlugin } from './plugins/status';

export default [
  modelPlugin,
  linesPlugin,
  commandsPlugin,
  sidebarPlugin,
  statusPlugin,
  outputPlugin
];
