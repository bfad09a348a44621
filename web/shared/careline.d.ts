/** The loader's global, for pages that call it. */
interface CarelineApi {
  open(): void;
  close(): void;
  toggle(): void;
  /** Opens the chat with words already in the field, for the visitor to send. */
  draft(text: string): void;
  /**
   * The customer who is signed in at the shop, by a token that the shop's server signed; null when they sign out.
   * The page hears the event `careline:unidentified` where the token does not hold.
   */
  identify(token: string | null): void;
  language(tag: string): void;
}

interface Window {
  Careline?: CarelineApi;
}
