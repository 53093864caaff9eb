import { kernelIds } from "../src/setup/index.ts";
import { mutate } from "../conformance/mutation-suite.ts";
const kernel = kernelIds.find((id) => id === process.argv[2])!;
const { faults, missing, seconds } = await mutate(kernel, process.argv[3]);
console.log({ faults, missing: missing.length, seconds });
