/** Languages of the screens: which there are, which one to show, and filling in what a sentence leaves open. */

import type * as en from "./en";

export type Language = "en" | "zh";

export const LANGUAGES: Record<Language, string> = { en: "English", zh: "中文" };

type Strings<T> = { readonly [K in keyof T]: string };

/** The catalogue of each page: what `en.ts` says there is, in any language. */
export interface Words {
  widget: Strings<typeof en.widget>;
  agents: Strings<typeof en.agents>;
  shop: Strings<typeof en.shop>;
}

/** The first wish that is one of ours (`zh-CN` counts as `zh`), else English. */
export function chooseLanguage(...wishes: readonly (string | null | undefined)[]): Language {
  for (const wish of wishes) {
    const base = wish?.toLowerCase().split("-")[0];
    if (base === "en" || base === "zh") return base;
  }
  return "en";
}

/** What to tell Intl and the `lang` attribute: this browser's own region where it fits the language. */
export function locale(language: Language): string {
  const own = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language));
  return own ?? (language === "zh" ? "zh-CN" : "en-GB");
}

/** Fills `{name}` in a sentence. */
export function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
