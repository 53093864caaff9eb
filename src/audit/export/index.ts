/**
 * The record in formats of others.
 */
export { drawDot } from "./dot.ts";
export { exportAs, type Format, FORMATS } from "./formats.ts";
export { drawSvg } from "./svg.ts";
