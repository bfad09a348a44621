/** The words and the locale of the moment, for every part of the agents' page. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Language, Words } from "../shared/i18n";
import { agents } from "../shared/i18n/en";

export interface Said {
  t: Words["agents"];
  locale: string;
  language: Language;
  speak(language: Language): void;
}

export const Tongue = createContext<Said>({ t: agents, locale: "en", language: "en", speak: () => undefined });

export function useTongue(): Said {
  return useContext(Tongue);
}
