/**
 * How large a payload may be that is read for its attributes. One that is larger is unreadable, and withheld.
 */
export const MAX_PAYLOAD_BYTES = 1 << 20;
/** Maps and lists in each other. */
export const MAX_DEPTH = 64;
/** Members and elements, together. */
export const MAX_ITEMS = 20_000;
/** A member's name. */
export const MAX_NAME_CHARACTERS = 1000;
