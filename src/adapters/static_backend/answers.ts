import { object, string } from "zod/mini";

/** Programs of the original compare the content type with exactly this. */
export const asJson = (value: unknown) => ({ contentType: "application/json", body: JSON.stringify(value) });

/** The address of a body. */
export const ofAddress = (email: string) => ({ identifier_type: "email", identifier_value: email });

/** The address of a query, in which a space is a plus sign that the program did not escape. */
export const ofQueryAddress = (email: string) => ofAddress(email.trim().replaceAll(" ", "+"));

/** The number that programs compare: a platform administrator, one who manages an account, any other member. */
export function levelOf(roleKey: unknown, roles: unknown = []): number {
  if ((roles as readonly string[]).includes("admin")) return 100;
  return roleKey === "owner" || roleKey === "admin" ? 50 : 0;
}

export const EMAIL = "The email address.";
export const WITH_PASSWORD = object({ email: string(), password: string() });
export const MALFORMED = "invalid email: this is not an email address.";
