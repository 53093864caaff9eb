/**
 * Owners decide: principals, tags, privileges, gates and conflicts as signed statements, and what follows from them.
 */
export { type Collision, conflictFor, conflictWithin } from "./conflict.ts";
export { type GateChange, type GateNow, gateNow, type GateTag, mayUse } from "./gate.ts";
export { PolicyError, type PolicyErrorCode } from "./error.ts";
export { checkDocuments } from "./files/assume.ts";
export { type Difference, differences } from "./files/diff.ts";
export { type Exported, exportPolicy, writeDocuments } from "./files/export.ts";
export { type Plan, type PlanOptions, planPolicy } from "./files/plan.ts";
export { faultLine, problemLine, type Problem } from "./files/problem.ts";
export { type QuestionDocument, readQuestions } from "./files/question.ts";
export { type AnyDocument, readDocuments, type SourceFile } from "./files/read.ts";
export { jsonSchema } from "./files/schema.ts";
export { type CaseOutcome, type ContextOfPath, runTests } from "./files/table.ts";
export type { Step } from "./files/trial.ts";
export { type MessageTypeText, readMessageType } from "./files/message-type.ts";
export { encloses, type ParsedPath, parseAttributePath, type PathStep } from "./message/attribute-path.ts";
export { compileSchema, type CompiledSchema, type JsonSchema } from "./message/payload-schema.ts";
export {
  filterCovers,
  filterFault,
  filterMatches,
  filtersOverlap,
  isNarrower,
} from "./message/topic-filter.ts";
export { gatesFor } from "./offers.ts";
export { covering, covers, ownerOf, type Pattern, parsePattern, requireTagName } from "./pattern.ts";
export { type Chain, chainFor, endOf, grantFor, isLive, linksOf } from "./privilege.ts";
export { parseProperty, type Property } from "./prove/property.ts";
export { type Proof, prove, type ProveOptions } from "./prove/prove.ts";
export { collides, NO_USER, unknownPrincipal, unknownTag } from "./require.ts";
export { MAX_TAGS_AT_ONCE } from "./rules.ts";
export { BodyShape, GateShape } from "./shape.ts";
export type { Conflict, Gate, Grant, NamedContext, PolicyDocument, Principal, Tag, Token } from "./state.ts";
export { State } from "./state.ts";
export {
  type Body,
  canonical,
  type ContextText,
  definitionOf,
  gateHolder,
  type GateText,
  hashStatement,
  type Holder,
  type LabelText,
  PLATFORM,
  type PrincipalKind,
  type Privilege,
  privateKey,
  PRIVILEGES,
  publicText,
  signStatement,
  type Statement,
  type Unsigned,
  verifyStatement,
} from "./statement.ts";
export { World } from "./world.ts";
