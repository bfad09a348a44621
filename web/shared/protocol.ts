// Made from bot/protocol.py by `python -m bot.protocol --typescript`; do not edit.

export const MAX_TEXT = 4000;
export const MAX_FRAME = 16384;

export type State = "bot" | "queued" | "agent" | "closed";
export type EntryKind = "customer" | "bot" | "agent" | "state" | "failure" | "note" | "feedback";
export type Rating = "up" | "down" | "1" | "2" | "3" | "4" | "5";
export type Reason = "" | "not_asked" | "wrong" | "unclear";
export type ErrorCode = "bad_message" | "too_long" | "too_fast" | "foreign" | "unavailable" | "closed" | "refused" | "identity" | "reused" | "busy";

/** Who said it, as the customer may know it. */
export interface Author {
  kind: "customer" | "bot" | "agent" | "system";
  name: string;
}

/** A choice under a bot's entry. ``id`` is opaque; what it stands for never leaves the server. */
export interface Button {
  id: string;
  title: string;
}

/** One logged answer behind a reply: its id, text's beginning and score. */
export interface Evidence {
  answer: string;
  text: string;
  score: number;
}

/** Something that was collected. */
export interface Slot {
  name: string;
  value: string;
}

/** Where an answer comes from, in words that a customer may see. */
export interface Source {
  title: string;
  conversations: number;
  support: number;
  last_used: number | null;
  question: string | null;
  kind: "log" | "article" | "catalogue" | "curated";
  url: string | null;
}

/** What an agent must know at a glance. */
export interface Summary {
  reason: string;
  sentences: string[];
  slots: Slot[];
}

/** Why the bot said it; sent to agents only. */
export interface Why {
  model: string;
  index: string;
  intent: string;
  confidence: number;
  topic: string | null;
  outcome: string | null;
  evidence: Evidence[];
}

/** One entry of a conversation's log, as people see it. */
export interface Entry {
  seq: number;
  kind: EntryKind;
  text: string;
  time: number;
  author: Author;
  client_id: string | null;
  buttons: Button[];
  state: State | null;
  source: Source | null;
  why: Why | null;
  suppressed: boolean;
  suggested: boolean;
  sources: Source[];
  rates: number | null;
  rating: Rating | null;
  reason: Reason;
  type: "entry";
}

/** First frame of every connection. Without ``conversation`` and ``token`` a new conversation begins. */
export interface Hello {
  conversation?: string | null;
  token?: string | null;
  last_seq?: number;
  language?: string;
  page?: string | null;
  product?: string | null;
  identity?: string | null;
  type: "hello";
}

/** A customer's message. ``client_id`` is unique in the conversation; a resend is recognised by it. */
export interface Send {
  client_id: string;
  text: string;
  type: "send";
}

/** A press of ``Button.id``; it enters the log as the button's title. */
export interface Press {
  client_id: string;
  button: string;
  type: "press";
}

/** One click: talk to a person. */
export interface Person {
  client_id: string;
  type: "person";
}

/** What the customer thinks of the answer ``seq``, or with 0 of the conversation; said again, the newest counts. */
export interface Rate {
  client_id: string;
  seq: number;
  rating: Rating;
  reason?: Reason;
  type: "rate";
}

/** One click: do not wait for a person any longer; the bot goes on. */
export interface Back {
  client_id: string;
  type: "back";
}

/** The customer types; sent at most every three seconds. */
export interface Typing {
  type: "typing";
}

/** Everything up to ``seq`` has been shown. */
export interface Seen {
  seq: number;
  type: "seen";
}

/** What the widget says about the shop, in the language of ``hello``. */
export interface ShopInfo {
  name: string;
  greeting: string;
  hours: string;
  languages: string[];
  suggested: string[];
  bot_notice: string;
}

/** Answers ``hello``. ``seq`` is the log's newest; entries after the client's ``last_seq`` follow. */
export interface Welcome {
  conversation: string;
  token: string;
  seq: number;
  state: State;
  shop: ShopInfo;
  type: "welcome";
}

/** The message is stored, at ``seq``. Nothing is acknowledged before that. */
export interface Ack {
  client_id: string;
  seq: number;
  type: "ack";
}

/** The bot works on it, or an agent types; ends with the next entry or after six seconds. */
export interface SomeoneTypes {
  who: "bot" | "agent";
  type: "typing";
}

/** Where a customer stands who waits for a person; sent whenever it changes. */
export interface Queue {
  position: number;
  wait: number | null;
  online: boolean;
  back: boolean;
  type: "queue";
}

/** The bot is busy and the customer is number ``position``; 0: no longer. Sent whenever it changes. */
export interface Busy {
  position: number;
  type: "busy";
}

/** What was refused or is not possible now; ``message`` is for people. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  client_id: string | null;
  type: "error";
}

/** A conversation in the console's list. */
export interface Row {
  conversation: string;
  state: State;
  seq: number;
  language: string;
  created: number;
  active: number;
  agent: string | null;
  last_text: string;
  last_kind: EntryKind | null;
  waiting_since: number | null;
  unanswered: number;
  channel: string;
  customer: string | null;
  type: "row";
}

/** A whole conversation for the console. */
export interface Transcript {
  row: Row;
  entries: Entry[];
  summary: Summary | null;
}

/** The console shows this conversation: its entries after ``last_seq`` follow. None stops. */
export interface Watch {
  conversation: string | null;
  last_seq?: number;
  type: "watch";
}

/** The agent types in the conversation watched. */
export interface AgentTyping {
  type: "typing";
}

/** An entry of the conversation watched. */
export interface Watched {
  conversation: string;
  entry: Entry;
  type: "watched";
}

/** The customer of this conversation types. */
export interface CustomerTyping {
  conversation: string;
  type: "customer_typing";
}

export type ClientMessage = Hello | Send | Press | Person | Back | Rate | Typing | Seen;
export type ServerMessage = Welcome | Ack | Entry | SomeoneTypes | Queue | Refusal | Busy;
export type ConsoleRequest = Watch | AgentTyping;
export type ConsoleUpdate = Row | Watched | CustomerTyping | Refusal;
