/**
 * spec/policy.schema.json: the schema of policy documents for editors, JSON Schema draft 7, made from src/policy/files/schema.ts.
 *
 * Usage: sh tools/node.sh tools/gen-policy-schema.ts [--check]
 * --check writes nothing, and fails when the file is not what would be written.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonSchema } from "../src/policy/index.ts";
import { readIfThere, root } from "./files.ts";

const FILE = "spec/policy.schema.json";
const text = `${JSON.stringify(jsonSchema(), null, 2)}\n`;

if (!process.argv.includes("--check")) writeFileSync(join(root, FILE), text);
else if (readIfThere(FILE) !== text) {
  console.log(`${FILE}: is not current: run \`sh tools/node.sh tools/gen-policy-schema.ts\``);
  process.exitCode = 1;
}
