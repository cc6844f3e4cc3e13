import { LabIcon } from '@jupyterlab/ui-components';

const LEAF = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" d="M20.5 3.2C12 2.6 5.3 5.6 4.2 11.300c-.45 2.300.1 4.200 1.200 5.600-.9 1.300-1.600 2.700-2.100 4l1.800.7c.4-1.100 1-2.200 1.700-3.300 1.500.9 3.500 1.200 5.600.7 6.300-1.500 8.700-8 8.100-15.800zM8.300 16.500c2.200-2.900 5-5.300 8.400-6.900-3.900 1.100-7.200 3.100-9.900 5.900-.7-1-.9-2.300-.6-3.800C7.100 7.200 12 4.900 18.600 5.100c.1 6.300-2 10.900-6.700 12-1.400.3-2.600.1-3.600-.6z"/>
</svg>`;

/** The leaf: the sidebar's icon and the toolbar's button. */
export const leafIcon = new LabIcon({ name: 'jupyter-green:leaf', svgstr: LEAF });
