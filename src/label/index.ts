/**
 * Tags, labels, contexts and the flow rule: what may move where, as pure functions.
 *
 * Nothing here does I/O, reads a clock, draws random numbers or imports from outside this folder.
 */
export { BASE, PLATFORM_IN, SEALED, UNLABELLED } from "./context.ts";
export { contextEquals, contextOf, isLabelled, join } from "./context.ts";
export type { Context } from "./context.ts";
export { LabelError } from "./error.ts";
export type { LabelErrorCode } from "./error.ts";
export { checkFlow, flowsTo } from "./flow.ts";
export type { Denial } from "./flow.ts";
export { contextKey, formatContext, formatLabel, parseContextKey } from "./key.ts";
export { ALL_INTEGRITY, ALL_SECRECY, integrityOf, isAll, labelEquals, MAX_TAGS, secrecyOf } from "./label.ts";
export type { IntegrityLabel, SecrecyLabel } from "./label.ts";
export { checkOperation, isLabelledSubject, OPERATIONS } from "./operation.ts";
export type { OperationDenial, OperationId, Subject, Targets } from "./operation.ts";
export { isTagId, MAX_PART_LENGTH, parseTagId, parseTagName, tagIdFromBytes } from "./tag.ts";
export type { ParsedTagName, TagId, TagName, TagNameProblem } from "./tag.ts";
