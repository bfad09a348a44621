/** Finds web addresses in plain text, so that a screen can show anchors without ever parsing HTML. */

export interface Piece {
  text: string;
  /** A checked http or https address, or null for plain words. */
  href: string | null;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^\u3000-\u303f\uff00-\uffef]+/giu;
/** Marks that end a sentence rather than an address. */
const TRAILING = /[.,;:!?)\]*_~]+$/u;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const href = webAddress(address);
    if (href === null) continue;
    if (match.index > from) found.push({ text: text.slice(from, match.index), href: null });
    found.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), href: null });
  return found;
}

function trimmed(address: string): string {
  const short = address.replace(TRAILING, "");
  // A closing bracket belongs to the address when it was opened in it, as in many encyclopedias.
  return short.includes("(") && address.startsWith(`${short})`) ? `${short})` : short;
}

/** The address if it is one of the web, else null. */
export function webAddress(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    // Looks like an address and is none: stays text.
    return null;
  }
}
