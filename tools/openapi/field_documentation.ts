import type { Schema } from "#tools/openapi/types.ts";

/** The documentation of a field that its schema cannot express. */
export interface FieldDocumentation {
  description: string;
  /** A sample value. Omitted for objects and lists: their sample is built from their fields. */
  example?: unknown;
  /** Narrows the schema to the values that are really sent. */
  narrows?: Schema;
}
