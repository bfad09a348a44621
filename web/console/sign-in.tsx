/** The door to the agents' page. */

import { useState } from "preact/hooks";
import { LANGUAGES, type Language } from "../shared/i18n";
import { api, ApiError, type Me } from "./api";
import { useTongue } from "./tongue";

export function SignIn({ onSignedIn }: { onSignedIn(me: Me): void }) {
  const { t } = useTongue();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const enter = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onSignedIn(await api.login(name, password));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem({ 401: t.wrong, 422: t.wrong, 429: t.tooFast }[error.status] ?? t.unavailable);
      setBusy(false);
    }
  };
  return (
    <main class="door">
      <form class="door-card" onSubmit={(event) => void enter(event)}>
        <Mark />
        <h1>{t.title}</h1>
        <p>{t.signInLead}</p>
        <label>
          {t.name}
          <input
            name="username"
            autocomplete="username"
            autocapitalize="none"
            required
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label>
          {t.password}
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <p class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="button" disabled={busy}>
          {t.signIn}
        </button>
        <Languages />
      </form>
    </main>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <path
        d="M16 7.5c5.2 0 9.5 3.4 9.5 7.7s-4.3 7.7-9.5 7.7c-1.1 0-2.2-.2-3.2-.5L8 24.5l1.2-4A7.2 7.2 0 0 1 6.5 15.2c0-4.3 4.3-7.7 9.5-7.7Z"
        fill="var(--on-accent)"
      />
    </svg>
  );
}

export function Languages() {
  const { t, language, speak } = useTongue();
  return (
    <div class="languages" role="group" aria-label={t.language}>
      {(Object.keys(LANGUAGES) as Language[]).map((tag) => (
        <button type="button" key={tag} lang={tag} aria-pressed={tag === language} onClick={() => speak(tag)}>
          {LANGUAGES[tag]}
        </button>
      ))}
    </div>
  );
}
