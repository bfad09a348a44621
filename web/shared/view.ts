/** What a screen shows of a conversation: a value, replaced whenever anything changes. */

import type { Link } from "./line";
import type { Pending } from "./outbox";
import type { Entry, Rating, Reason, Queue, Refusal, ShopInfo, Source, State } from "./protocol";

export interface View {
  link: Link;
  conversation: string | null;
  state: State;
  shop: ShopInfo | null;
  /** In the log's order, each once. */
  entries: readonly Entry[];
  pending: readonly Pending[];
  typing: "bot" | "agent" | null;
  /** Where the customer stands who waits for a person; null when nobody said. */
  queue: Queue | null;
  /** Place among those who wait for a busy bot; 0: none. */
  busy: number;
  /** Entries up to here were there when the page opened: shown, not announced. */
  historyUntil: number;
  /** Highest entry that the customer has had on screen, in any tab. */
  seen: number;
  /** A refusal that concerns no single message. */
  refusal: Refusal | null;
}

export const EMPTY: View = {
  link: "idle",
  conversation: null,
  state: "bot",
  shop: null,
  entries: [],
  pending: [],
  typing: null,
  queue: null,
  busy: 0,
  historyUntil: 0,
  seen: 0,
  refusal: null,
};

/** Adds an entry at its place; one that is there already is replaced, so a replay changes nothing. */
export function insert(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  const last = entries.at(-1);
  if (!last || last.seq < entry.seq) return [...entries, entry];
  const at = entries.findIndex((other) => other.seq >= entry.seq);
  return entries[at]?.seq === entry.seq ? entries.with(at, entry) : entries.toSpliced(at, 0, entry);
}

/** The state after an entry: state entries carry it, all others leave it. */
export function stateAfter(state: State, entry: Entry): State {
  return entry.state ?? state;
}

export function lastSeq(entries: readonly Entry[]): number {
  return entries.at(-1)?.seq ?? 0;
}

/** Number of entries for the customer that were never on screen. */
export function unread(view: View): number {
  return view.entries.filter((entry) => entry.seq > view.seen && isForCustomer(entry)).length;
}

export function isForCustomer(entry: Entry): boolean {
  return entry.kind === "bot" || entry.kind === "agent" || entry.kind === "failure";
}

/** Name of the agent who joined last, or null. */
export function agentName(entries: readonly Entry[]): string | null {
  for (const entry of [...entries].reverse()) {
    if (entry.author.kind === "agent") return entry.author.name;
  }
  return null;
}

/** What the customer thinks of the answer `seq` (0: of the conversation), also while it is on its way; null: nothing. */
export function ratingOf(view: Pick<View, "entries" | "pending">, seq: number): { rating: Rating; reason: Reason } | null {
  const sent = view.pending.findLast((item) => item.rate?.seq === seq);
  if (sent?.rate) return sent.rate;
  const entry = view.entries.findLast((one) => one.kind === "feedback" && one.rates === seq);
  return entry?.rating ? { rating: entry.rating, reason: entry.reason } : null;
}

/** Where a reply comes from; a gateway of an older version sends one source at most. */
export function sourcesOf(entry: Entry): readonly Source[] {
  const several: readonly Source[] | undefined = entry.sources;
  if (several && several.length > 0) return several;
  return entry.source ? [{ ...entry.source, kind: entry.source.kind ?? "log", url: entry.source.url ?? null }] : [];
}
