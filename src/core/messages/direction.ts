/** Scripts that are written from right to left (ISO 15924). */
const RIGHT_TO_LEFT = "Adlm Arab Aran Hebr Mand Mend Nkoo Rohg Samr Syrc Thaa Yezi".split(" ");

/** The writing direction of a locale, as a value of HTML's `dir`. */
export function directionOf(locale: string): "ltr" | "rtl" {
  const { script = "" } = new Intl.Locale(locale).maximize();
  return RIGHT_TO_LEFT.includes(script) ? "rtl" : "ltr";
}
