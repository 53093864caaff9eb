/**
 * Names that anybody may have chosen, for formats that people look at: what can't be seen, or changes how others look,
 * as an escape. Different names stay different.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\\]|(?! )\p{Zs}/gu;

export function harmless(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\\" ? "\\\\" : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
