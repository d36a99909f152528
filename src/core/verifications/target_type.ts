import { enum as oneOf } from "zod/mini";
import { IDENTIFIER_TYPES } from "#core/repositories/identifiers.ts";

/** The kinds of identifier that receive codes and sign people in. */
export const targetType = oneOf(IDENTIFIER_TYPES);
