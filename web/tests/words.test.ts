import { describe, expect, it } from "vitest";
import orders from "../../actions/services/sample_orders.jsonl?raw";
import items from "../../data/samples/items.txt?raw";
import { inkOn, readColour } from "../shared/colour";
import { Delivery, mayMove, move } from "../shared/delivery";
import { chooseLanguage, fill } from "../shared/i18n";
import * as en from "../shared/i18n/en";
import * as zh from "../shared/i18n/zh";
import { pieces } from "../shared/links";
import { ago, dayName } from "../shared/times";
import { ORDERS, PRODUCTS } from "../shop/goods";

const holes = (sentence: string): string[] => [...sentence.matchAll(/\{(\w+)\}/g)].map((hit) => hit[1]!).sort();

describe.each(["widget", "agents", "shop"] as const)("the words of %s", (page) => {
  const english: Record<string, string> = en[page];
  const chinese: Record<string, string> = zh[page];

  it("are complete in Chinese", () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });

  it("say something and leave the same open", () => {
    for (const [key, sentence] of Object.entries(english)) {
      expect(sentence, key).not.toBe("");
      expect(chinese[key], key).toMatch(/[\u4e00-\u9fff\uff1a]/);
      expect(holes(chinese[key]!), key).toEqual(holes(sentence));
    }
  });
});

describe("languages", () => {
  it("are chosen by the first wish we can fulfil", () => {
    expect(chooseLanguage(null, "fr", "zh-Hant-TW", "en")).toBe("zh");
    expect(chooseLanguage("de")).toBe("en");
    expect(chooseLanguage("EN-us", "zh")).toBe("en");
  });

  it("fill what a sentence leaves open", () => {
    expect(fill("{name} says {text}", { name: "Bo", text: "{name}" })).toBe("Bo says {name}");
    expect(fill("{other}", {})).toBe("{other}");
  });

  it("name days and spans", () => {
    const now = 1_790_000_000;
    expect(dayName(now - 86_400, "en", { today: "Today", yesterday: "Yesterday" }, now)).toBe("Yesterday");
    expect(ago(now - 300, "en", now)).toContain("5");
    expect(ago(now + 50, "en", now)).toBe("now");
  });
});

describe("addresses in words", () => {
  const hrefs = (text: string): (string | null)[] => pieces(text).map((piece) => piece.href);

  it("become anchors, without the sentence's mark", () => {
    expect(pieces("See https://a.example/x?y=1. Bye")).toEqual([
      { text: "See ", href: null },
      { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { text: ". Bye", href: null },
    ]);
    expect(pieces("看https://a.example/路径，好")[1]?.text).toBe("https://a.example/路径");
    expect(pieces("(https://a.example/b_(c))")[1]?.text).toBe("https://a.example/b_(c)");
  });

  it("are http or https only, and markup stays text", () => {
    const hostile = ["javascript:alert(1)", "data:text/html,x", "<img src=x onerror=alert(1)>", "https://", "ftp://a.b"];
    for (const text of hostile) expect(hrefs(text)).toEqual([null]);
    expect(pieces('https://a.example/"onclick="x').map((piece) => piece.text)[0]).toBe("https://a.example/");
  });

  it("lose nothing of the text", () => {
    for (const text of ["", "plain", "https://a.example", "a https://b.example/?q=(1) c https://d.example!"])
      expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
  });
});

describe("a shop's colour", () => {
  it("gets ink that reads on it, and is a colour or nothing", () => {
    expect([inkOn("#ffd400"), inkOn("#1d5a44"), inkOn("#FFFFFF"), inkOn("#000000")]).toEqual([
      "#000000",
      "#ffffff",
      "#000000",
      "#ffffff",
    ]);
    expect(["#abc", "red", "#1d5a44;x:y", "", null].map(readColour)).toEqual([null, null, null, null, null]);
  });
});

describe("delivery", () => {
  it("moves only as the table says", () => {
    const states = Object.values(Delivery);
    const legal = states.flatMap((from) => states.filter((to) => mayMove(from, to)).map((to) => `${from} → ${to}`));
    expect(legal).toEqual(["sending → sent", "sending → failed", "failed → sending", "failed → sent"]);
    expect(() => move(Delivery.Sent, Delivery.Failed)).toThrow("sent → failed");
  });
});

describe("the demo shop", () => {
  it("shows orders that the demo's service knows", () => {
    const known = new Map(
      orders
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { number: string; email: string; status: string })
        .map((row) => [row.number, `${row.email} ${row.status}`]),
    );
    for (const { order, email, status } of ORDERS) expect(known.get(order), order).toBe(`${email} ${status}`);
  });

  it("sells what the sample log speaks of, at its prices", () => {
    for (const { name, price } of PRODUCTS) {
      expect(items).toContain(name.zh);
      expect(items).toContain(`| ${price} | ${name.zh}`);
    }
  });
});
