/**
 * What a MessageType document has in it.
 */
import { z } from "zod";

/** @param context what a context looks like in a document */
export const messageTypeSpec = <C extends z.ZodType>(context: C) =>
  z
    .strictObject({
      topic: z
        .string()
        .min(1)
        .max(4096)
        .describe(
          "topic filter in MQTT's notation: `home/+/presence`, `plant/#`; the narrowest that matches wins",
        ),
      format: z
        .enum(["json", "cbor", "bytes"])
        .default("json")
        .describe("what payloads are; `bytes`: not looked into, so without attributes"),
      schema: z
        .union([z.boolean(), z.record(z.string(), z.unknown())])
        .optional()
        .describe("JSON Schema (2020-12) of payloads; without it, any of the format"),
      schemaFile: z
        .string()
        .regex(
          /^[A-Za-z0-9][\w.-]{0,200}\.schema\.json$/,
          "a file beside this one whose name ends with .schema.json",
        )
        .optional()
        .describe(
          "a file beside this one with the schema, `NAME.schema.json`; it is kept as if it stood here",
        ),
      context: context
        .optional()
        .describe("what messages of this type have; without it, the context of who publishes"),
      attributes: z
        .array(
          z.strictObject({
            path: z
              .string()
              .max(1000)
              .describe("`rooms[*].presence`, `*` for any member, or a JSON pointer `/rooms/hall~1door`"),
            context: context.describe(
              "joined with the message's, and with those of all that it is in [MSG-1]",
            ),
          }),
        )
        .max(1000)
        .default([])
        .describe("parts of the payload with contexts of their own; what none names has the message's"),
      withheld: z
        .enum(["remove", "refuse"])
        .default("remove")
        .describe(
          "what is done where somebody may not have all of it: take parts out, or refuse the whole [MSG-2]",
        ),
    })
    .describe("messages on some topics");
