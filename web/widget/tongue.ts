/** The words and the locale of the moment, for every part of the widget. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { widget } from "../shared/i18n/en";
import type { Words } from "../shared/i18n";

export interface Said {
  t: Words["widget"];
  locale: string;
}

export const Tongue = createContext<Said>({ t: widget, locale: "en" });

export function useTongue(): Said {
  return useContext(Tongue);
}
