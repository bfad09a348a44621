/** The demo shop's one page: a place for the chat to stand on. */

import { useEffect, useState } from "preact/hooks";
import { fill, LANGUAGES, type Language } from "../shared/i18n";
import * as en from "../shared/i18n/en";
import * as zh from "../shared/i18n/zh";
import { Landscape, Mark, Picture } from "./art";
import { ORDERS, PRODUCTS } from "./goods";

const CATALOGUE = { en: en.shop, zh: zh.shop };
const NAME: Record<Language, string> = { en: "Northwind Trail", zh: "北径户外" };

type Words = (typeof CATALOGUE)[Language];

export function Page({ first }: { first: Language }) {
  const [language, setLanguage] = useState(first);
  const t = CATALOGUE[language];
  useEffect(() => {
    const differs = document.documentElement.lang !== language;
    document.documentElement.lang = language;
    document.title = t.title;
    if (differs) window.Careline?.language(language);
  }, [language]);
  return (
    <>
      <aside class="demo">{t.demo}</aside>
      <Top t={t} language={language} onLanguage={setLanguage} />
      <main>
        <Hero t={t} />
        <Gear t={t} language={language} />
        <Orders t={t} language={language} />
        <Behind t={t} />
      </main>
      <footer class="foot">
        <Mark />
        <p>{t.foot}</p>
      </footer>
    </>
  );
}

function Top({ t, language, onLanguage }: { t: Words; language: Language; onLanguage(language: Language): void }) {
  return (
    <header class="top">
      <a class="brand" href="#">
        <Mark />
        {NAME[language]}
      </a>
      <nav aria-label={t.nav}>
        <a href="#gear">{t.gear}</a>
        <a href="#orders">{t.help}</a>
        <a href="../console/">{t.agents}</a>
      </nav>
      <div class="languages" role="group" aria-label={t.language}>
        {(Object.keys(LANGUAGES) as Language[]).map((tag) => (
          <button type="button" key={tag} lang={tag} aria-pressed={tag === language} onClick={() => onLanguage(tag)}>
            {LANGUAGES[tag]}
          </button>
        ))}
      </div>
    </header>
  );
}

function Hero({ t }: { t: Words }) {
  return (
    <section class="hero">
      <Landscape />
      <div class="hero-text">
        <p class="kicker">{t.kicker}</p>
        <h1>{t.lead}</h1>
        <p class="sub">{t.sub}</p>
        <p class="doors">
          <button type="button" class="button" onClick={() => window.Careline?.open()}>
            {t.ask}
          </button>
          <a class="button plain" href="#gear">
            {t.see}
          </a>
        </p>
      </div>
    </section>
  );
}

function Gear({ t, language }: { t: Words; language: Language }) {
  const price = new Intl.NumberFormat(language, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
  return (
    <section class="gear" id="gear" aria-labelledby="gear-title">
      <h2 id="gear-title">{t.gearTitle}</h2>
      <ul class="cards">
        {PRODUCTS.map((product) => (
          <li class={`card card-${product.id}`} key={product.id}>
            <Picture id={product.id} />
            <div class="card-text">
              <h3>{product.name[language]}</h3>
              <p>{product.words[language]}</p>
              <p class="card-foot">
                <span class="price">{price.format(product.price)}</span>
                <button type="button" class="ask" onClick={() => window.Careline?.draft(product.question[language])}>
                  {t.about}
                </button>
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Orders({ t, language }: { t: Words; language: Language }) {
  return (
    <section class="orders" id="orders" aria-labelledby="orders-title">
      <div>
        <h2 id="orders-title">{t.tryTitle}</h2>
        <p>{t.tryLead}</p>
      </div>
      <ul>
        {ORDERS.map((item) => (
          <li key={item.order}>
            <span>
              <b>{item.order}</b>
              <span class="email">{item.email}</span>
              <span class="what">{item.what[language]}</span>
            </span>
            <button
              type="button"
              class="ask"
              aria-label={`${t.copy}: ${item.order}`}
              onClick={() => window.Careline?.draft(fill(t.askOrder, { order: item.order, email: item.email }))}
            >
              {t.copy}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Behind({ t }: { t: Words }) {
  return (
    <section class="behind" aria-labelledby="behind-title">
      <h2 id="behind-title">{t.behindTitle}</h2>
      <p>{t.behindText}</p>
      <a class="button light" href="../console/" target="_blank" rel="noopener">
        {t.behindLink}
      </a>
    </section>
  );
}
