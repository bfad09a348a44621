/** The chat's window: header, transcript, composer, and what keeps them in step with the page around. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Connection } from "../shared/connection";
import type { ToPage, ToWidget } from "../shared/frames";
import { chooseLanguage, locale, type Language } from "../shared/i18n";
import * as en from "../shared/i18n/en";
import * as zh from "../shared/i18n/zh";
import { useKey } from "../shared/use";
import { agentName, lastSeq, unread, type View } from "../shared/view";
import { Announcer } from "./announcer";
import { Composer } from "./composer";
import { Banner, Header } from "./header";
import { Transcript } from "./transcript";
import { Tongue } from "./tongue";

const CATALOGUE = { en: en.widget, zh: zh.widget };

export interface AppProps {
  connection: Connection;
  /** False when opened by itself, as a page. */
  framed: boolean;
  language: Language;
  listen(heard: (message: ToWidget) => void): () => void;
  remember(language: Language): void;
  tell(message: ToPage): void;
}

export function App({ connection, framed, language: first, listen, remember, tell }: AppProps) {
  const view = useView(connection);
  const [language, setLanguage] = useState(first);
  const [open, setOpen] = useState(!framed);
  const [draft, setDraft] = useState("");
  const input = useRef<HTMLTextAreaElement>(null);
  const t = CATALOGUE[language];

  const speak = (chosen: Language): void => {
    setLanguage(chosen);
    remember(chosen);
    connection.setLanguage(chosen);
    tell({ careline: "language", language: chosen });
  };
  const focus = (): void => input.current?.focus();
  const heard = (message: ToWidget): void => {
    if (message.careline === "open") {
      setOpen(true);
      connection.start();
      focus();
    } else if (message.careline === "closed") {
      setOpen(false);
    } else if (message.careline === "language") {
      speak(chooseLanguage(message.language, language));
    } else if (message.careline === "identity") {
      connection.setIdentity(message.identity);
      if (connection.known || open) connection.start();
    } else if (message.careline === "draft") {
      setDraft(String(message.text).slice(0, 1000));
      focus();
    }
  };
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(() => {
    const stop = listen((message) => latest.current(message));
    tell({ careline: "ready" });
    return stop;
  }, []);
  useEffect(() => {
    document.documentElement.lang = locale(language);
    document.title = view.shop ? `${view.shop.name} · ${t.title}` : t.title;
  }, [language, view.shop]);
  useSeen(connection, view, open);
  useEffect(() => tell({ careline: "unread", count: open ? 0 : unread(view) }), [open, unread(view)]);
  useEffect(() => {
    if (view.conversation) tell({ careline: "known" });
  }, [view.conversation]);
  useKey((event) => {
    if (event.key === "Escape" && framed && !event.isComposing) tell({ careline: "close" });
  });

  const agent = agentName(view.entries);
  return (
    <Tongue.Provider value={{ t, locale: locale(language) }}>
      <Header
        view={view}
        agent={agent}
        language={language}
        onLanguage={speak}
        onClose={framed ? () => tell({ careline: "close" }) : null}
      />
      <Banner link={view.link} pending={view.pending.length} onHurry={() => connection.hurry()} />
      <Transcript view={view} agent={agent} connection={connection} open={open} />
      <Composer
        view={view}
        draft={draft}
        input={input}
        onDraft={(text) => {
          setDraft(text);
          if (text) connection.typing();
        }}
        onSend={() => {
          connection.send(draft);
          setDraft("");
          focus();
        }}
        onPerson={() => connection.person()}
        onBack={() => connection.back(t.backToBot)}
        onStartOver={() => connection.startOver()}
      />
      <Announcer view={view} />
    </Tongue.Provider>
  );
}

function useView(connection: Connection): View {
  const [view, setView] = useState(connection.view);
  useEffect(() => {
    setView(connection.view);
    return connection.subscribe(setView);
  }, [connection]);
  return view;
}

/** What is on screen in a visible page counts as seen. */
function useSeen(connection: Connection, view: View, open: boolean): void {
  useEffect(() => {
    const look = (): void => {
      if (open && document.visibilityState === "visible") connection.seen(lastSeq(connection.view.entries));
    };
    look();
    addEventListener("visibilitychange", look);
    return () => removeEventListener("visibilitychange", look);
  }, [connection, open, view.entries]);
}
