/** What the loader passes to the frame in its address. */

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
}

export function readOptions(search: string, framed: boolean): WidgetOptions {
  const query = new URLSearchParams(search);
  return {
    parent: framed ? query.get("parent") : null,
    asked: query.get("language"),
    page: query.get("page")?.slice(0, 500) ?? null,
    product: query.get("product")?.slice(0, 80) ?? null,
    accent: query.get("accent"),
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

/** Sets the shop's colour (`#rrggbb`) with black or white on it, whichever reads better (WCAG relative luminance). */
export function paint(accent: string | null, root: HTMLElement): void {
  const parts = accent?.match(/^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i);
  if (!parts) return;
  const [red, green, blue] = parts.slice(1).map((part) => {
    const value = parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  root.style.setProperty("--accent", parts[0]);
  root.style.setProperty("--on-accent", luminance > 0.179 ? "#000000" : "#ffffff");
}
