import { beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../shared/connection";
import { type Ask, PollWire } from "../shared/poll";
import type { ServerMessage } from "../shared/protocol";
import { inMemory } from "../shared/storage";
import { Around, entry, welcome } from "./around";

interface Asked {
  body: { hello: Record<string, unknown>; frames: { type: string; client_id?: string; text?: string }[]; wait: number };
  answer(frames: (ServerMessage | object)[], status?: number): void;
  fail(): void;
}

let asked: Asked[];
let around: Around;

const ask: Ask = (body, stop) =>
  new Promise((resolve, reject) => {
    stop.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    asked.push({
      body: body as Asked["body"],
      answer: (frames, status = 200) => resolve({ status, frames: frames as ServerMessage[] }),
      fail: () => reject(new TypeError("no network")),
    });
  });

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const last = (): Asked => asked.at(-1)!;

/** A connection whose sockets never open, so that it polls. */
async function polling(): Promise<Connection> {
  const connection = new Connection({
    url: "ws://test/ws/widget",
    store: inMemory(),
    language: "en",
    around: Object.assign(around, { poll: () => new PollWire(ask) }),
    now: () => around.now,
    newId: () => `id-${asked.length}`,
  });
  connection.start();
  around.wire.drop();
  around.pass(20);
  around.wire.drop();
  around.pass(20);
  await settled();
  return connection;
}

beforeEach(() => {
  asked = [];
  around = new Around();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

describe("where sockets are blocked", () => {
  it("polls after two sockets that never opened", async () => {
    const connection = await polling();
    expect(around.wires).toHaveLength(2);
    expect(asked).toHaveLength(1);
    expect(last().body).toMatchObject({ frames: [], wait: 0, hello: { conversation: null, last_seq: 0 } });
    last().answer([welcome()]);
    await settled();
    expect(connection.view).toMatchObject({ link: "online", conversation: "c1" });
    expect(last().body).toMatchObject({ wait: 25, hello: { conversation: "c1", token: "t1" } });
  });

  it("sends beside the request that waits, and shows each entry once and in order", async () => {
    const connection = await polling();
    last().answer([welcome()]);
    await settled();
    const waiting = last();
    connection.send("hello");
    connection.send("again");
    await settled();
    const first = last();
    expect(first.body.frames.map((frame) => frame.text)).toEqual(["hello"]);
    first.answer([welcome(), { type: "ack", client_id: first.body.frames[0]!.client_id, seq: 1 }, entry(1)]);
    await settled();
    expect(last().body.frames.map((frame) => frame.text)).toEqual(["again"]);
    expect(connection.view.entries).toEqual([]);
    waiting.answer([welcome({ seq: 2 }), entry(1), entry(2)]);
    await settled();
    expect(connection.view.entries.map((one) => one.seq)).toEqual([1, 2]);
    expect(last().body).toMatchObject({ wait: 25, hello: { last_seq: 2 } });
  });

  it("keeps what had no answer and sends it again under the same id", async () => {
    const connection = await polling();
    last().answer([welcome()]);
    await settled();
    connection.send("hello");
    await settled();
    const id = last().body.frames[0]!.client_id;
    last().fail();
    await settled();
    expect(connection.view.link).toBe("waiting");
    around.pass(20);
    around.wire.drop();
    around.pass(20);
    around.wire.drop();
    around.pass(20);
    await settled();
    last().answer([welcome()]);
    await settled();
    expect(asked.filter((one) => one.body.frames.some((frame) => frame.client_id === id))).toHaveLength(2);
  });

  it("goes to the new conversation where the server does not know the old one", async () => {
    const connection = await polling();
    last().answer([welcome()]);
    await settled();
    last().answer([
      { type: "error", code: "foreign", message: "not here", client_id: null },
      welcome({ conversation: "c2", token: "t2" }),
    ]);
    await settled();
    expect(connection.view.conversation).toBe("c2");
    expect(last().body).toMatchObject({ hello: { conversation: "c2", token: "t2", last_seq: 0 } });
  });

  it("stops asking when it is stopped", async () => {
    const connection = await polling();
    last().answer([welcome()]);
    await settled();
    const before = asked.length;
    connection.stop();
    await settled();
    around.pass(60);
    expect(asked).toHaveLength(before);
  });
});
