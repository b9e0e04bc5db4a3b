// What the test of painting needs of the page, in one script.
export { paint } from '../../../web/src/charts/paint';
export { Painted } from '../../../web/src/charts/painted';
export { Smoothed } from '../../../web/src/charts/smooth';
export { Points } from '../../../web/src/state/points';
