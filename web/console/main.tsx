import "../shared/base.css";
import "./console.css";
import "./talk.css";
import "./narrow.css";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { chooseLanguage, locale, type Language } from "../shared/i18n";
import * as en from "../shared/i18n/en";
import * as zh from "../shared/i18n/zh";
import { openStore } from "../shared/storage";
import { api, ApiError, type Me } from "./api";
import { Office } from "./office";
import { SignIn } from "./sign-in";
import { Tongue } from "./tongue";

const CATALOGUE = { en: en.agents, zh: zh.agents };
const store = openStore();

function App() {
  const [language, setLanguage] = useState(() => chooseLanguage(store.get<string>("agents.language"), ...navigator.languages));
  // Undefined: not asked yet. Null: signed out.
  const [me, setMe] = useState<Me | null | undefined>(undefined);
  const t = CATALOGUE[language];
  useEffect(() => {
    api.me().then(setMe, (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      setMe(null);
    });
  }, []);
  useEffect(() => {
    document.documentElement.lang = locale(language);
    document.title = t.title;
  }, [language]);
  const speak = (chosen: Language): void => {
    store.set("agents.language", chosen);
    setLanguage(chosen);
  };
  return (
    <Tongue.Provider value={{ t, locale: locale(language), language, speak }}>
      {me === undefined && <p class="middle">{t.loading}</p>}
      {me === null && <SignIn onSignedIn={setMe} />}
      {me && <Office me={me} onSignedOut={() => setMe(null)} />}
    </Tongue.Provider>
  );
}

render(<App />, document.getElementById("app")!);
