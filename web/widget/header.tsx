/** Who is on the other side, the language switch, the way out; and the banner that says the connection is lost. */

import { useEffect, useState } from "preact/hooks";
import { fill, LANGUAGES, type Language } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { Link } from "../shared/line";
import type { View } from "../shared/view";
import { useTongue } from "./tongue";

interface HeaderProps {
  view: View;
  agent: string | null;
  language: Language;
  onLanguage(language: Language): void;
  onClose: (() => void) | null;
}

export function Header({ view, agent, language, onLanguage, onClose }: HeaderProps) {
  const { t } = useTongue();
  const person = view.state === "agent";
  const status = {
    bot: t.online,
    queued: t.waitingStatus,
    agent: fill(t.personStatus, { name: agent ?? t.somebody }),
    closed: t.closedStatus,
  }[view.state];
  return (
    <header class="header">
      <Avatar name={person ? agent : null} />
      <div class="header-text">
        <h1>{view.shop?.name ?? t.title}</h1>
        <p class={`status status-${view.state}`}>{status}</p>
      </div>
      <LanguageSwitch language={language} label={t.language} onLanguage={onLanguage} />
      {onClose && (
        <button type="button" class="round quiet" aria-label={t.close} title={t.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      )}
    </header>
  );
}

/** An agent's initial, or the bot's face. */
export function Avatar({ name }: { name: string | null }) {
  return (
    <span class={name ? "avatar avatar-person" : "avatar"} aria-hidden="true">
      {name ? ([...name.trim()][0] ?? "?").toUpperCase() : <Icon name="bot" />}
    </span>
  );
}

function LanguageSwitch(props: { language: Language; label: string; onLanguage(language: Language): void }) {
  const other: Language = props.language === "en" ? "zh" : "en";
  return (
    <button
      type="button"
      class="language quiet"
      lang={other}
      aria-label={`${props.label}: ${LANGUAGES[other]}`}
      title={LANGUAGES[other]}
      onClick={() => props.onLanguage(other)}
    >
      {LANGUAGES[other]}
    </button>
  );
}

/** Shows only after a moment: a short break that heals itself is nobody's business. */
export function Banner({ link, pending, onHurry }: { link: Link; pending: number; onHurry(): void }) {
  const { t } = useTongue();
  const [patient, setPatient] = useState(true);
  const broken = link === "waiting" || link === "connecting";
  useEffect(() => {
    if (!broken) {
      setPatient(true);
      return;
    }
    const timer = setTimeout(() => setPatient(false), 1200);
    return () => clearTimeout(timer);
  }, [broken]);
  return (
    <div class="banner-place" role="status">
      {broken && !patient && (
        <div class="banner">
          <span>
            {t.lost} {pending > 0 && t.offlineKept}
          </span>
          {link === "waiting" && (
            <button type="button" onClick={onHurry}>
              {t.tryNow}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
