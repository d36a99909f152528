/**
 * Whether a password is on the list of common passwords of `@zxcvbn-ts/language-common`, in any case: 49,000 passwords that
 * were used most in breaches. The list is read when the first password is set, because most calls never need it.
 * @param password normalized
 */
export async function isCommon(password: string): Promise<boolean> {
  const { default: common } = await import("@zxcvbn-ts/language-common/dist/passwords.json.mjs");
  return common.includes(password.toLowerCase());
}
