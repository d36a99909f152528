/** A kind of mail. */
export interface Template<Variables> {
  subject: string;
  /** Example values for the preview. */
  sample: Variables;
  html(variables: Variables): string;
  text(variables: Variables): string;
}
