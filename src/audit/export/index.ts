/**
 * The record in formats of others.
 */
export { drawDot } from "./dot.ts";
export { drawSvg } from "./svg.ts";
