/** What the demo shop shows: products of the sample log, and orders of the demo's order service. */

import type { Language } from "../shared/i18n";

export interface Product {
  id: "boots" | "shell" | "tent" | "bag" | "pack" | "stove";
  /** Euros. */
  price: number;
  name: Record<Language, string>;
  words: Record<Language, string>;
  question: Record<Language, string>;
}

export const PRODUCTS: readonly Product[] = [
  {
    id: "tent",
    price: 349,
    name: { en: "Polaris 2 tent", zh: "北极星双人帐篷" },
    words: { en: "Two people, three seasons, four minutes to pitch.", zh: "双人三季，四分钟搭好。" },
    question: { en: "Is the Polaris 2 tent waterproof?", zh: "北极星双人帐篷防水吗？" },
  },
  {
    id: "boots",
    price: 169,
    name: { en: "Fjordline Mid boots", zh: "峡湾中帮登山鞋" },
    words: { en: "Grip on wet granite, soft from the first day.", zh: "湿滑岩面也抓得稳，第一天就合脚。" },
    question: { en: "Do the Fjordline Mid boots run small?", zh: "峡湾中帮登山鞋偏小吗？" },
  },
  {
    id: "shell",
    price: 279,
    name: { en: "Squall 3-layer shell", zh: "飑风三层硬壳冲锋衣" },
    words: { en: "For rain that comes from the side.", zh: "专治横着下的雨。" },
    question: { en: "How do I wash my Squall shell jacket?", zh: "飑风冲锋衣怎么清洗？" },
  },
  {
    id: "bag",
    price: 269,
    name: { en: "Kestrel -8 sleeping bag", zh: "红隼-8度羽绒睡袋" },
    words: { en: "Warm at eight below, small in the pack.", zh: "零下八度依然暖，收起来却很小。" },
    question: { en: "What temperature is the Kestrel sleeping bag good for?", zh: "红隼睡袋适合多少度？" },
  },
  {
    id: "pack",
    price: 149,
    name: { en: "Cairn 42 backpack", zh: "石堆42升背包" },
    words: { en: "Carries a week, weighs like a weekend.", zh: "装得下一周，轻得像周末。" },
    question: { en: "When is the Cairn 42 backpack back in stock?", zh: "石堆42升背包什么时候有货？" },
  },
  {
    id: "stove",
    price: 45,
    name: { en: "Pebble gas stove", zh: "卵石分体气炉" },
    words: { en: "Tea in three minutes, even in the wind.", zh: "三分钟一壶茶，有风也不怕。" },
    question: { en: "Which gas cartridges fit the Pebble stove?", zh: "卵石气炉用哪种气罐？" },
  },
];

export interface DemoOrder {
  order: string;
  email: string;
  status: "shipped" | "processing" | "delivered";
  what: Record<Language, string>;
}

/** Some orders of `actions/services/sample_orders.jsonl`; a test compares them. */
export const ORDERS: readonly DemoOrder[] = [
  { order: "NT-104233", email: "quist.emma@example.com", status: "shipped", what: { en: "on its way", zh: "运送中" } },
  { order: "NT-104028", email: "yilmaz.hannah@example.com", status: "processing", what: { en: "being packed", zh: "备货中" } },
  { order: "NT-104042", email: "olga.clarke@example.com", status: "delivered", what: { en: "delivered, may go back", zh: "已送达，可退货" } },
];
