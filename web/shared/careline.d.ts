/** The loader's global, for pages that call it. */
interface CarelineApi {
  open(): void;
  close(): void;
  toggle(): void;
  /** Opens the chat with words already in the field, for the visitor to send. */
  draft(text: string): void;
  language(tag: string): void;
}

interface Window {
  Careline?: CarelineApi;
}
