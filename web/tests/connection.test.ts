import { beforeEach, describe, expect, it } from "vitest";
import { Connection } from "../shared/connection";
import { Delivery } from "../shared/delivery";
import { backOff } from "../shared/line";
import { inMemory, type Store } from "../shared/storage";
import { unread } from "../shared/view";
import { Around, entry, welcome } from "./around";

let around: Around;
let store: Store;
let ids: number;

function connect(): Connection {
  const connection = new Connection({
    url: "ws://test/ws/widget",
    store,
    language: "en",
    around,
    now: () => around.now,
    newId: () => `id-${++ids}`,
  });
  connection.start();
  around.wire.onopen?.();
  return connection;
}

beforeEach(() => {
  around = new Around();
  store = inMemory();
  ids = 0;
});

describe("a conversation", () => {
  it("begins without keys and is found again after a reload", () => {
    const first = connect();
    expect(around.wire.of("hello")[0]).toMatchObject({ conversation: null, token: null, last_seq: 0 });
    around.wire.say(welcome());
    expect(first.view).toMatchObject({ link: "online", conversation: "c1" });
    connect();
    expect(around.wire.of("hello")[0]).toMatchObject({ conversation: "c1", token: "t1", last_seq: 0 });
  });

  it("resumes from the last entry seen and shows each once, in order", () => {
    const connection = connect();
    around.wire.say(welcome());
    for (const seq of [1, 3, 2, 3]) around.wire.say(entry(seq));
    around.wire.drop();
    around.pass(1);
    around.wire.onopen?.();
    expect(around.wires).toHaveLength(2);
    expect(around.wire.of("hello")[0]).toMatchObject({ conversation: "c1", last_seq: 3 });
    around.wire.say(welcome({ seq: 4 }));
    around.wire.say(entry(4));
    expect(connection.view.entries.map((one) => one.seq)).toEqual([1, 2, 3, 4]);
  });

  it("begins anew when the server does not know it, and takes unsent words along", () => {
    store.set("conversation", { conversation: "gone", token: "old" });
    const connection = connect();
    connection.send("still here");
    around.wire.say({ type: "error", code: "foreign", message: "not yours", client_id: null });
    around.wire.say(welcome({ conversation: "c2", token: "t2" }));
    expect(connection.view.conversation).toBe("c2");
    expect(around.wire.of("send")).toMatchObject([{ text: "still here" }]);
    expect(store.get("conversation")).toEqual({ conversation: "c2", token: "t2" });
  });

  it("joins the one that another tab began while its own hello was on the way", () => {
    const connection = connect();
    store.set("conversation", { conversation: "theirs", token: "t" });
    around.wire.say(welcome({ conversation: "mine" }));
    around.wire.onopen?.();
    expect(around.wire.of("hello")[0]).toMatchObject({ conversation: "theirs" });
    around.wire.say(welcome({ conversation: "theirs", token: "t" }));
    expect(connection.view.conversation).toBe("theirs");
  });

  it("says who its customer is, and says hello again when that changes", () => {
    const told: string[] = [];
    const connection = new Connection({
      url: "ws://test/ws/widget",
      store,
      language: "en",
      around,
      now: () => around.now,
      newId: () => `id-${++ids}`,
      identity: "token-1",
      unidentified: () => told.push("unidentified"),
    });
    connection.start();
    around.wire.onopen?.();
    expect(around.wire.of("hello")[0]).toMatchObject({ identity: "token-1" });
    around.wire.say({ type: "error", code: "identity", message: "over", client_id: null });
    around.wire.say(welcome());
    expect(told).toEqual(["unidentified"]);
    connection.setIdentity("token-2");
    around.wire.onopen?.();
    expect(around.wires).toHaveLength(2);
    expect(around.wire.of("hello")[0]).toMatchObject({ identity: "token-2", conversation: "c1" });
    connection.setIdentity("token-2");
    expect(around.wires).toHaveLength(2);
  });

  it("goes where the customer's conversation is when this one turns out not to be it", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.send("me too");
    around.wire.say({ type: "error", code: "foreign", message: "not here", client_id: "id-1" });
    around.wire.onopen?.();
    around.wire.say(welcome({ conversation: "theirs", token: "t2" }));
    expect(connection.view.conversation).toBe("theirs");
    expect(around.wire.of("send")).toMatchObject([{ client_id: "id-1", text: "me too" }]);
  });

  it("starts over when asked", () => {
    const connection = connect();
    around.wire.say(welcome({ state: "closed" }));
    around.wire.say(entry(1));
    connection.startOver();
    around.wire.onopen?.();
    expect(around.wire.of("hello")[0]).toMatchObject({ conversation: null, last_seq: 0 });
    expect(connection.view.entries).toEqual([]);
  });

  it("counts what was never on screen as unread, also for the next tab", () => {
    const connection = connect();
    around.wire.say(welcome());
    around.wire.say(entry(1));
    around.wire.say(entry(2, { kind: "customer" }));
    around.wire.say(entry(3));
    connection.seen(1);
    expect(unread(connection.view)).toBe(1);
    expect(around.wire.of("seen")).toMatchObject([{ seq: 1 }]);
    const other = connect();
    around.wire.say(welcome({ seq: 3 }));
    around.wire.say(entry(1));
    around.wire.say(entry(3));
    expect(unread(other.view)).toBe(1);
  });
});

describe("a message", () => {
  it("is sending, then sent, then an entry", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.send("  hello  ");
    expect(around.wire.of("send")).toEqual([{ type: "send", client_id: "id-1", text: "hello" }]);
    expect(connection.view.pending[0]?.delivery).toBe(Delivery.Sending);
    around.wire.say({ type: "ack", client_id: "id-1", seq: 1 });
    expect(connection.view.pending[0]?.delivery).toBe(Delivery.Sent);
    around.wire.say(entry(1, { kind: "customer", client_id: "id-1" }));
    expect(connection.view.pending).toEqual([]);
  });

  it("written before the welcome waits for it", () => {
    const connection = connect();
    connection.send("early");
    expect(around.wire.of("send")).toEqual([]);
    around.wire.say(welcome());
    expect(around.wire.of("send")).toHaveLength(1);
  });

  it("is sent again with the same id after a reconnect, in order", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.send("one");
    connection.send("two");
    around.wire.drop();
    around.pass(1);
    around.wire.onopen?.();
    around.wire.say(welcome());
    expect(around.wire.of("send").map((frame) => frame.client_id)).toEqual(["id-1", "id-2"]);
  });

  it("survives a reload unacknowledged", () => {
    connect().send("kept");
    const later = connect();
    expect(later.view.pending.map((item) => item.text)).toEqual(["kept"]);
    around.wire.say(welcome());
    expect(around.wire.of("send")).toMatchObject([{ client_id: "id-1", text: "kept" }]);
  });

  it("fails when nothing answers, connects anew and is sent again", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.send("hello?");
    around.pass(9);
    expect(connection.view.pending[0]?.delivery).toBe(Delivery.Failed);
    expect(around.wires).toHaveLength(2);
    around.wire.onopen?.();
    around.wire.say(welcome());
    expect(around.wire.of("send")).toMatchObject([{ client_id: "id-1" }]);
    expect(connection.view.pending[0]?.delivery).toBe(Delivery.Sending);
  });

  it("refused says why and waits for the customer", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.send("x");
    around.wire.say({ type: "error", code: "too_fast", message: "Wait a moment.", client_id: "id-1" });
    expect(connection.view.pending[0]).toMatchObject({ delivery: Delivery.Failed, reason: "Wait a moment." });
    connection.retry("id-1");
    expect(around.wire.of("send")).toHaveLength(2);
    around.wire.say({ type: "ack", client_id: "id-1", seq: 1 });
    expect(connection.view.pending[0]?.delivery).toBe(Delivery.Sent);
  });

  it("of another conversation is not sent to this one", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.send("old");
    connection.startOver();
    around.wire.onopen?.();
    around.wire.say(welcome({ conversation: "c2", token: "t2" }));
    expect(around.wire.of("send")).toEqual([]);
  });

  it("asking for a person goes out once", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.person();
    connection.person();
    expect(around.wire.of("person")).toHaveLength(1);
    around.wire.say(entry(1, { kind: "state", state: "queued", client_id: "id-1" }));
    expect(connection.view).toMatchObject({ state: "queued", pending: [] });
  });
});

describe("the line", () => {
  it("backs off with jitter from half a second to fifteen", () => {
    expect([0, 1, 2, 9, 50].map((tries) => backOff(tries, 1))).toEqual([0.5, 1, 2, 15, 15]);
    expect(backOff(0, 0)).toBe(0.25);
  });

  it("waits longer each time, until a welcome", () => {
    connect();
    around.wire.drop();
    around.pass(0.5);
    around.wire.drop();
    around.pass(0.9);
    expect(around.wires).toHaveLength(2);
    around.pass(0.1);
    expect(around.wires).toHaveLength(3);
    around.wire.onopen?.();
    around.wire.say(welcome());
    around.wire.drop();
    around.pass(0.5);
    expect(around.wires).toHaveLength(4);
  });

  it("hurries when the customer says so", () => {
    const connection = connect();
    around.wire.drop();
    connection.hurry();
    expect(around.wires).toHaveLength(2);
  });

  it("says hello again in another language", () => {
    const connection = connect();
    around.wire.say(welcome());
    connection.setLanguage("zh");
    around.wire.onopen?.();
    expect(around.wires[0]?.closed).toBe(true);
    expect(around.wire.of("hello")[0]).toMatchObject({ language: "zh", conversation: "c1" });
  });

  it("shows who types until the next entry, or for six seconds", () => {
    const connection = connect();
    around.wire.say(welcome());
    around.wire.say({ type: "typing", who: "bot" });
    expect(connection.view.typing).toBe("bot");
    around.wire.say(entry(1));
    expect(connection.view.typing).toBeNull();
    around.wire.say({ type: "typing", who: "agent" });
    around.pass(6);
    expect(connection.view.typing).toBeNull();
  });

  it("tells of typing at most every three seconds", () => {
    const connection = connect();
    around.wire.say(welcome());
    around.now = 100;
    connection.typing();
    connection.typing();
    around.now = 104;
    connection.typing();
    expect(around.wire.of("typing")).toHaveLength(2);
  });
});

/** Two tabs of one browser share a storage; a server tells customers from strangers, as the gateway does. */
describe("a tab with a sign-in beside one without", () => {
  it("leave each other their conversations", () => {
    const heard = new Set<[object, (key: string) => void]>();
    const values = inMemory();
    let hellos = 0;
    let strangers = 0;
    const open = (identity: string | null): Connection => {
      const own: Store = {
        get: (key) => values.get(key),
        set: (key, value) => {
          const news = JSON.stringify(values.get(key)) !== JSON.stringify(value);
          values.set(key, value);
          if (news) tell(own, key);
        },
        remove: (key) => {
          values.remove(key);
          tell(own, key);
        },
        watch: (changed) => {
          heard.add([own, changed]);
          return () => undefined;
        },
      };
      const connection = new Connection({ url: "ws://test", store: own, language: "en", identity, around, now: () => 0 });
      connection.start();
      return connection;
    };
    const tell = (from: object, key: string): void => {
      for (const [store, changed] of heard) if (store !== from) changed(key);
    };
    const serve = (): void => {
      for (let round = 0; round < 40; round += 1) {
        const wire = around.wires.find((one) => !one.closed && one.onopen !== null && one.of("hello").length === 0);
        if (!wire) return;
        hellos += 1;
        wire.onopen!();
        const [hello] = wire.of("hello");
        if (hello!.identity) wire.say(welcome({ conversation: "ada's", token: "t" }));
        else {
          const theirs = hello!.conversation?.startsWith("stranger") ? hello!.conversation : null;
          if (hello!.conversation && !theirs)
            wire.say({ type: "error", code: "foreign", message: "no", client_id: null });
          wire.say(welcome({ conversation: theirs ?? `stranger ${++strangers}`, token: "t" }));
        }
      }
    };
    const ada = open("token");
    serve();
    const stranger = open(null);
    serve();
    ada.setLanguage("zh");
    stranger.setLanguage("zh");
    serve();
    expect([ada.view.conversation, stranger.view.conversation]).toEqual(["ada's", "stranger 1"]);
    expect(hellos).toBe(4);
    ada.setIdentity(null);
    expect(ada.view.conversation).toBe(null);
    serve();
    expect(ada.view.conversation).toBe("stranger 1");
  });
});
