/** One kind of mail. */
export interface Template<Variables> {
  subject: string;
  /** Values for the preview. */
  sample: Variables;
  html(variables: Variables): string;
  text(variables: Variables): string;
}
