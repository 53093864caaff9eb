/**
 * Owners decide: principals, tags, privileges, gates and conflicts as signed statements, and what follows from them.
 */
export { type Collision, conflictFor, conflictWithin } from "./conflict.ts";
export { PolicyError, type PolicyErrorCode } from "./error.ts";
export { covering, covers, ownerOf, type Pattern, parsePattern, requireTagName } from "./pattern.ts";
export { type Chain, chainFor, endOf, grantFor, isLive, linksOf } from "./privilege.ts";
export { collides, MAX_TAGS_AT_ONCE, unknownPrincipal, unknownTag } from "./rules.ts";
export { BodyShape, GateShape } from "./shape.ts";
export type { Conflict, Gate, Grant, NamedContext, PolicyDocument, Principal, Tag } from "./state.ts";
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
