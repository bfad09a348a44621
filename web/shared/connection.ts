/**
 * The connection of a widget to its conversation: says hello, resumes from the last entry seen, keeps what is not
 * acknowledged in the outbox and sends it again with the same id. Screens read `view` and are told when it changes.
 */

import { Delivery } from "./delivery";
import { browser, Line, type Link, type Surroundings } from "./line";
import { frameOf, Outbox, type Pending } from "./outbox";
import type { Entry, Hello, Rating, Reason, Refusal, ServerMessage, Welcome } from "./protocol";
import type { Store } from "./storage";
import { EMPTY, insert, lastSeq, stateAfter, type View } from "./view";

export interface ConnectionOptions {
  url: string;
  store: Store;
  language: string;
  page?: string | null;
  product?: string | null;
  /** The shop's token for a customer it knows; told by the page, never kept here. */
  identity?: string | null;
  /** The shop's token does not hold: the page may have a new one. */
  unidentified?: () => void;
  around?: Surroundings;
  /** Unix seconds. */
  now?: () => number;
  newId?: () => string;
}

interface Keys {
  conversation: string;
  token: string;
}

const KEYS = "conversation";
/** Of a customer who signed in: another tab, where nobody did, must not lose its own conversation to this one. */
const KNOWN_KEYS = "known";
const SEEN = "seen";
/** A message unanswered for so long means that the socket is dead: connect anew. */
const ACK_SECONDS = 8;
const TYPING_SECONDS = 6;
const TYPING_EVERY = 3;

export class Connection {
  private current: View;
  private readonly listeners = new Set<(view: View) => void>();
  private readonly line: Line;
  private readonly outbox: Outbox;
  private readonly around: Surroundings;
  private readonly now: () => number;
  private readonly newId: () => string;
  private welcomed = false;
  /** The conversation named in the last hello; null when it asked for a new one. */
  private askedFor: string | null = null;
  private lastTyping = 0;
  private cancelTyping: (() => void) | null = null;
  private readonly waiting = new Map<string, () => void>();

  constructor(private readonly options: ConnectionOptions) {
    this.around = options.around ?? browser;
    this.now = options.now ?? (() => Date.now() / 1000);
    this.newId = options.newId ?? (() => crypto.randomUUID());
    this.outbox = new Outbox(options.store);
    this.current = { ...EMPTY, pending: this.outbox.all, seen: options.store.get<number>(SEEN) ?? 0 };
    this.line = new Line(
      options.url,
      {
        opened: () => this.hello(),
        frame: (message) => this.receive(message as ServerMessage),
        link: (link) => this.linked(link),
      },
      this.around,
    );
    options.store.watch((key) => this.otherTab(key));
  }

  get view(): View {
    return this.current;
  }

  /** True when this browser already has a conversation with the shop. */
  get known(): boolean {
    return this.keys() !== null;
  }

  subscribe(listener: (view: View) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    this.line.start();
  }

  stop(): void {
    this.line.stop();
  }

  /** Tries at once instead of waiting for the back-off. */
  hurry(): void {
    this.line.hurry();
  }

  send(text: string): void {
    const words = text.trim();
    if (words) this.post({ kind: "send", text: words, button: null });
  }

  press(button: string, title: string): void {
    this.post({ kind: "press", text: title, button });
  }

  /** Ends the waiting for a person; `title` is what the customer sees to have said. */
  back(title: string): void {
    if (!this.outbox.all.some((item) => item.kind === "back" && item.delivery !== Delivery.Failed))
      this.post({ kind: "back", text: title, button: null });
  }

  person(): void {
    if (!this.outbox.all.some((item) => item.kind === "person" && item.delivery !== Delivery.Failed))
      this.post({ kind: "person", text: "", button: null });
  }

  /** Says whether an answer helped, or with `seq` 0 how the conversation was. */
  rate(seq: number, rating: Rating, reason: Reason = ""): void {
    this.post({ kind: "rate", text: "", button: null, rate: { seq, rating, reason } });
  }

  retry(clientId: string): void {
    this.outbox.move(clientId, Delivery.Sending);
    const item = this.outbox.find(clientId);
    if (item) this.transmit(item);
    this.line.hurry();
    this.publish({ pending: this.outbox.all });
  }

  typing(): void {
    if (this.now() - this.lastTyping < TYPING_EVERY) return;
    if (this.line.send({ type: "typing" })) this.lastTyping = this.now();
  }

  /** Everything up to `seq` was on screen. */
  seen(seq: number): void {
    if (seq <= this.current.seen) return;
    this.options.store.set(SEEN, seq);
    this.line.send({ type: "seen", seq });
    this.publish({ seen: seq });
  }

  /** Says hello again in another language. */
  setLanguage(language: string): void {
    if (language === this.options.language) return;
    this.options.language = language;
    if (this.line.link !== "idle") this.line.restart();
  }

  /** Says hello again as another customer, or as a stranger. */
  setIdentity(identity: string | null): void {
    if (identity === (this.options.identity ?? null)) return;
    this.options.identity = identity;
    if (identity === null) {
      // Signed out: the next person at this machine sees nothing, even where the server does not answer.
      this.options.store.remove(KNOWN_KEYS);
      this.publish({ ...EMPTY, link: this.current.link, shop: this.current.shop, pending: this.outbox.all });
    }
    if (this.line.link !== "idle") this.line.restart();
  }

  /** Leaves a finished conversation and begins another. */
  startOver(): void {
    this.outbox.clear();
    this.forget();
    this.line.restart();
  }

  private post(item: Pick<Pending, "kind" | "text" | "button" | "rate">): void {
    const { conversation } = this.current;
    const pending = this.outbox.add({ ...item, client_id: this.newId(), time: this.now(), conversation });
    this.publish({ pending: this.outbox.all, refusal: null });
    if (this.line.link === "idle") this.line.start();
    else this.transmit(pending);
  }

  private transmit(item: Pending): void {
    if (!this.welcomed || !this.line.send(frameOf(item))) return;
    this.settleWait(item.client_id);
    this.waiting.set(
      item.client_id,
      this.around.later(ACK_SECONDS, () => this.unanswered(item.client_id)),
    );
  }

  private unanswered(clientId: string): void {
    this.waiting.delete(clientId);
    this.outbox.move(clientId, Delivery.Failed);
    this.publish({ pending: this.outbox.all });
    this.line.restart();
  }

  private settleWait(clientId: string): void {
    this.waiting.get(clientId)?.();
    this.waiting.delete(clientId);
  }

  private hello(): void {
    const keys = this.keys();
    this.askedFor = keys?.conversation ?? null;
    const frame: Hello = {
      type: "hello",
      language: this.options.language,
      last_seq: keys?.conversation === this.current.conversation ? lastSeq(this.current.entries) : 0,
      page: this.options.page ?? null,
      product: this.options.product ?? null,
      identity: this.options.identity ?? null,
      conversation: keys?.conversation ?? null,
      token: keys?.token ?? null,
    };
    this.line.send(frame);
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
        return this.greeted(message);
      case "ack":
        return this.acknowledged(message.client_id);
      case "entry":
        return this.entered(message);
      case "typing":
        return this.someoneTypes(message.who);
      case "busy":
        return this.publish({ busy: message.position });
      case "queue":
        return this.publish({ queue: message });
      case "error":
        return this.refused(message);
    }
  }

  private greeted(welcome: Welcome): void {
    const { conversation, token, seq, state, shop } = welcome;
    const other = this.keys();
    if (other && other.conversation !== conversation && this.askedFor === null) {
      // Another tab began a conversation while this hello was on its way: that one is the customer's.
      this.line.restart();
      return;
    }
    const fresh = conversation !== this.current.conversation;
    if (fresh && other?.conversation !== conversation) this.options.store.set(SEEN, 0);
    this.keep({ conversation, token });
    // A customer who signed in was led to the conversation they have: what was not sent yet is meant for it.
    if (this.askedFor !== null && this.askedFor !== conversation) this.outbox.release();
    this.outbox.adopt(conversation);
    this.welcomed = true;
    this.line.settled();
    this.publish({
      ...(fresh ? { entries: [], historyUntil: seq, seen: this.options.store.get<number>(SEEN) ?? 0 } : {}),
      conversation,
      state,
      shop,
      pending: this.outbox.all,
      refusal: null,
    });
    for (const item of this.outbox.all) this.resend(item);
  }

  /** After a reconnect everything unacknowledged goes out again; what the server refused waits for the customer. */
  private resend(item: Pending): void {
    if (item.delivery === Delivery.Sent || item.reason !== null) return;
    if (item.delivery === Delivery.Failed) this.outbox.move(item.client_id, Delivery.Sending);
    this.transmit(item);
    this.publish({ pending: this.outbox.all });
  }

  private acknowledged(clientId: string): void {
    this.settleWait(clientId);
    const item = this.outbox.find(clientId);
    // A request for a person and a rating have no bubble: the entry that follows shows them.
    if (item?.kind === "person" || item?.kind === "rate") this.outbox.settle(clientId);
    else this.outbox.move(clientId, Delivery.Sent);
    this.publish({ pending: this.outbox.all });
  }

  private entered(entry: Entry): void {
    if (entry.client_id) {
      this.settleWait(entry.client_id);
      this.outbox.settle(entry.client_id);
    }
    const newest = entry.seq > lastSeq(this.current.entries);
    this.publish({
      entries: insert(this.current.entries, entry),
      pending: this.outbox.all,
      ...(newest ? { state: stateAfter(this.current.state, entry) } : {}),
      ...(newest && entry.kind === "state" && entry.state !== "queued" ? { queue: null } : {}),
      ...(entry.kind === "customer" || entry.kind === "feedback" ? {} : { typing: null, busy: 0 }),
    });
  }

  private someoneTypes(who: "bot" | "agent"): void {
    this.cancelTyping?.();
    this.cancelTyping = this.around.later(TYPING_SECONDS, () => this.publish({ typing: null }));
    this.publish({ typing: who });
  }

  private refused(refusal: Refusal): void {
    if (refusal.code === "identity") {
      this.options.unidentified?.();
      return;
    }
    if (refusal.code === "foreign" && refusal.client_id) {
      // This customer has another conversation: the next welcome names it, and the message goes there.
      this.line.restart();
      return;
    }
    if (refusal.code === "foreign") {
      // The server no longer knows it; a new one follows, and what was not yet sent goes there.
      this.askedFor = null;
      this.forget();
      return;
    }
    if (refusal.client_id) {
      this.settleWait(refusal.client_id);
      this.outbox.move(refusal.client_id, Delivery.Failed, refusal.message);
    }
    this.publish({ pending: this.outbox.all, refusal: refusal.client_id ? null : refusal });
  }

  private forget(): void {
    for (const clientId of [...this.waiting.keys()]) this.settleWait(clientId);
    this.options.store.remove(this.options.identity ? KNOWN_KEYS : KEYS);
    this.options.store.set(SEEN, 0);
    this.outbox.release();
    this.welcomed = false;
    this.publish({ ...EMPTY, link: this.current.link, shop: this.current.shop, pending: this.outbox.all });
  }

  private otherTab(key: string): void {
    if (key === SEEN) {
      this.publish({ seen: this.options.store.get<number>(SEEN) ?? 0 });
    } else if (key === "outbox") {
      this.outbox.refresh();
      this.publish({ pending: this.outbox.all });
    } else if (key === KEYS && !this.options.identity) {
      const keys = this.keys();
      if (keys && keys.conversation !== this.current.conversation) this.follow();
    }
  }

  /** Another tab began a new conversation: show that one. */
  private follow(): void {
    this.welcomed = false;
    this.publish({ ...EMPTY, link: this.current.link, shop: this.current.shop, pending: this.outbox.all });
    if (this.line.link === "idle") this.line.start();
    else this.line.restart();
  }

  /** What a stranger began here is offered to the customer who signs in. */
  private keys(): Keys | null {
    const known = this.options.identity ? this.options.store.get<Keys>(KNOWN_KEYS) : null;
    return known ?? this.options.store.get<Keys>(KEYS);
  }

  private keep(keys: Keys): void {
    const { identity, store } = this.options;
    store.set(identity ? KNOWN_KEYS : KEYS, keys);
    if (identity && store.get<Keys>(KEYS)?.conversation === keys.conversation) store.remove(KEYS);
  }

  private linked(link: Link): void {
    if (link !== "online") {
      this.welcomed = false;
      for (const clientId of [...this.waiting.keys()]) this.settleWait(clientId);
    }
    this.publish({ link, ...(link === "online" ? {} : { typing: null }) });
  }

  private publish(change: Partial<View>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener(this.current);
  }
}
