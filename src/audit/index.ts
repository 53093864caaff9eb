/**
 * audit: the record of flows on disk. May use: label.
 */
export {
  MAGIC,
  readHeader,
  readTextPart,
  RECORD_BYTES,
  type SegmentHeader,
  textRecords,
  writeHeader,
} from "./format.ts";
export { readRecords, type Stored } from "./reader.ts";
export { segmentName, segments, Writer, type WriterOptions } from "./writer.ts";
export * from "./graph/index.ts";
export * from "./record.ts";
export * from "./ask/index.ts";
export * from "./export/index.ts";
