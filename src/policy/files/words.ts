/**
 * Policy in words, as plans and proofs show it.
 */
import type { ContextText } from "../statement.ts";

/** `unlabelled`, `S=a/b,c/d I=e/f`. */
export function contextWords({ secrecy, integrity }: ContextText): string {
  const parts = [
    ...(secrecy.length > 0 ? [`S=${secrecy.join(",")}`] : []),
    ...(integrity.length > 0 ? [`I=${integrity.join(",")}`] : []),
  ];
  return parts.length === 0 ? "unlabelled" : parts.join(" ");
}

/** `the tag a/b`, `the 12 tags a/b, a/c, …`. */
export function list(names: readonly string[], thing: string): string {
  if (names.length === 1) return `the ${thing} ${names[0]}`;
  const shown = names.slice(0, 5).join(", ");
  return `the ${names.length} ${thing}s ${shown}${names.length > 5 ? ", …" : ""}`;
}
