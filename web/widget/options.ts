/** What the loader passes to the frame in its address. */

import { inkOn, readColour } from "../shared/colour";
import { chooseLanguage, type Language } from "../shared/i18n";
import type { Store } from "../shared/storage";

export interface WidgetOptions {
  /** Origin of the page the widget stands on; null when opened by itself. */
  parent: string | null;
  /** Language the page asks for, or null: the browser's. */
  asked: string | null;
  page: string | null;
  product: string | null;
  accent: string | null;
  /** The page will say who its customer is before the chat connects. */
  identified: boolean;
}

export function readOptions(search: string, framed: boolean): WidgetOptions {
  const query = new URLSearchParams(search);
  return {
    parent: framed ? query.get("parent") : null,
    asked: query.get("language"),
    page: query.get("page")?.slice(0, 500) ?? null,
    product: query.get("product")?.slice(0, 80) ?? null,
    accent: readColour(query.get("accent")),
    identified: framed && query.has("identified"),
  };
}

interface Choice {
  language: Language;
  /** What the page asked for when the choice was made; a page in another language asks anew. */
  under: string | null;
}

export function firstLanguage(options: WidgetOptions, store: Store): Language {
  const choice = store.get<Choice>("language");
  if (choice && choice.under === options.asked) return choice.language;
  return chooseLanguage(options.asked, ...navigator.languages);
}

export function rememberLanguage(language: Language, options: WidgetOptions, store: Store): void {
  store.set("language", { language, under: options.asked } satisfies Choice);
}

/** Sets the shop's colour and what is written on it. */
export function paint(accent: string | null, root: HTMLElement): void {
  if (!accent) return;
  root.style.setProperty("--accent", accent);
  root.style.setProperty("--on-accent", inkOn(accent));
}
