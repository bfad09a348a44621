/** What the customer has sent and the server has not yet acknowledged: kept in storage, so a reload loses nothing. */

import { Delivery, mayMove, move } from "./delivery";
import type { ClientMessage, Rating, Reason } from "./protocol";
import type { Store } from "./storage";

export interface Pending {
  client_id: string;
  kind: "send" | "press" | "person" | "back" | "rate";
  /** What the customer sees of it: the message, or the button's title. */
  text: string;
  button: string | null;
  /** What is rated, and how; for `rate` only. */
  rate?: { seq: number; rating: Rating; reason: Reason };
  /** Unix seconds. */
  time: number;
  delivery: Delivery;
  /** Why it failed, in the server's words. */
  reason: string | null;
  /** Null until the first welcome says which conversation this is. */
  conversation: string | null;
}

const KEY = "outbox";

export class Outbox {
  private items: Pending[];

  constructor(private readonly store: Store) {
    this.items = this.read();
  }

  get all(): readonly Pending[] {
    return this.items;
  }

  add(item: Pick<Pending, "client_id" | "kind" | "text" | "button" | "rate" | "time" | "conversation">): Pending {
    const pending: Pending = { ...item, delivery: Delivery.Sending, reason: null };
    this.items = [...this.items, pending];
    this.write();
    return pending;
  }

  find(clientId: string): Pending | undefined {
    return this.items.find((item) => item.client_id === clientId);
  }

  /** Moves one message on; a move that is not legal (a second refusal of the same message) changes nothing. */
  move(clientId: string, to: Delivery, reason: string | null = null): void {
    this.items = this.items.map((item) =>
      item.client_id === clientId && mayMove(item.delivery, to)
        ? { ...item, delivery: move(item.delivery, to), reason }
        : item,
    );
    this.write();
  }

  /** The message is in the log: its entry takes its place. */
  settle(clientId: string): void {
    if (!this.find(clientId)) return;
    this.items = this.items.filter((item) => item.client_id !== clientId);
    this.write();
  }

  /** Adopts what was written before the conversation had an id; drops what belongs to another one. */
  adopt(conversation: string): void {
    this.items = this.items
      .filter((item) => item.conversation === null || item.conversation === conversation)
      .map((item) => ({ ...item, conversation }));
    this.write();
  }

  /** The conversation is gone: what was not sent waits for the next one. */
  release(): void {
    this.items = this.items
      .filter((item) => item.delivery !== Delivery.Sent && item.kind === "send")
      .map((item) => ({ ...item, conversation: null }));
    this.write();
  }

  /** Another tab wrote: take over what is there, keep what only this tab knows to be sent. */
  refresh(): void {
    const sent = this.items.filter((item) => item.delivery === Delivery.Sent);
    const known = new Set(sent.map((item) => item.client_id));
    this.items = [...sent, ...this.read().filter((item) => !known.has(item.client_id))];
  }

  clear(): void {
    this.items = [];
    this.store.remove(KEY);
  }

  private read(): Pending[] {
    const found = this.store.get<Pending[]>(KEY);
    return Array.isArray(found) ? found : [];
  }

  private write(): void {
    this.store.set(
      KEY,
      this.items.filter((item) => item.delivery !== Delivery.Sent),
    );
  }
}

/** The frame that sends it; the same each time, so that the server recognises a resend. */
export function frameOf(item: Pending): ClientMessage {
  switch (item.kind) {
    case "send":
      return { type: "send", client_id: item.client_id, text: item.text };
    case "press":
      return { type: "press", client_id: item.client_id, button: item.button ?? "" };
    case "person":
      return { type: "person", client_id: item.client_id };
    case "back":
      return { type: "back", client_id: item.client_id };
    case "rate":
      return { type: "rate", client_id: item.client_id, ...item.rate! };
  }
}
