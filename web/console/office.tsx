/** The agents' page when signed in: the inbox beside the conversation, one of them at a time on a narrow screen. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { fill } from "../shared/i18n";
import { socketUrl } from "../shared/line";
import { useKey } from "../shared/use";
import { api, type Me } from "./api";
import { Switch } from "./control";
import { Desk, rowsOf, type DeskView, type Tab } from "./desk";
import { Inbox } from "./inbox";
import { Languages, Mark } from "./sign-in";
import { Talk } from "./talk";
import { useTongue } from "./tongue";

export function Office({ me, onSignedOut }: { me: Me; onSignedOut(): void }) {
  const { t } = useTongue();
  const desk = useMemo(() => new Desk(socketUrl("/ws/console"), onSignedOut), []);
  const view = useDesk(desk);
  const [tab, setTab] = useState<Tab>("waiting");
  const waiting = rowsOf("waiting", view.rows, me.name).length;
  const rows = rowsOf(tab, view.rows, me.name);
  const row = view.chosen ? view.rows.get(view.chosen) : undefined;
  useHash(desk);
  useEffect(() => {
    document.title = waiting > 0 ? `(${waiting}) ${t.title}` : t.title;
  }, [waiting, t]);
  useKey((event) => {
    if (!event.altKey || (event.key !== "ArrowDown" && event.key !== "ArrowUp") || rows.length === 0) return;
    event.preventDefault();
    const at = rows.findIndex((other) => other.conversation === view.chosen);
    const next = event.key === "ArrowDown" ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0);
    goTo(rows[next]!.conversation);
  });
  return (
    <div class={view.chosen ? "office office-chosen" : "office"}>
      <header class="bar">
        <Mark />
        <h1>{t.title}</h1>
        <LinkState view={view} onHurry={() => desk.hurry()} />
        <Switch />
        <Languages />
        <span class="who">{fill(t.signedInAs, { name: me.name })}</span>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            desk.stop();
            void api.logout().then(onSignedOut, onSignedOut);
          }}
        >
          {t.signOut}
        </button>
      </header>
      <main class="desk">
        <Inbox view={view} tab={tab} rows={rows} me={me.name} onTab={setTab} />
        {row ? (
          <Talk key={row.conversation} desk={desk} view={view} row={row} me={me.name} onTaken={() => setTab("mine")} />
        ) : (
          <section class="talk talk-empty">
            {view.loading ? (
              <p>{t.loading}</p>
            ) : (
              <>
                <p>{view.problem ?? t.choose}</p>
                <p class="hint">{t.chooseHint}</p>
              </>
            )}
          </section>
        )}
      </main>
      <div class="unseen" aria-live="polite">
        {waiting > 0 && fill(t.waitingCount, { count: waiting })}
      </div>
    </div>
  );
}

/** The address names the conversation on the desk, so that it can be kept, sent and gone back from. */
export function goTo(conversation: string | null): void {
  location.hash = conversation ? `#/${encodeURIComponent(conversation)}` : "#/";
}

function useHash(desk: Desk): void {
  useEffect(() => {
    const follow = (): void => {
      const named = location.hash.match(/^#\/(.+)$/)?.[1];
      void desk.choose(named ? decodeURIComponent(named) : null);
    };
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, [desk]);
}

function useDesk(desk: Desk): DeskView {
  const [view, setView] = useState(desk.view);
  useEffect(() => {
    const stop = desk.subscribe(setView);
    const hurry = (): void => desk.hurry();
    desk.start();
    addEventListener("online", hurry);
    return () => {
      removeEventListener("online", hurry);
      stop();
      desk.stop();
    };
  }, [desk]);
  return view;
}

function LinkState({ view, onHurry }: { view: DeskView; onHurry(): void }) {
  const { t } = useTongue();
  const words = { online: t.live, connecting: t.connecting, waiting: t.lost, idle: t.lost }[view.link];
  return (
    <button type="button" class={`link link-${view.link}`} disabled={view.link !== "waiting"} onClick={onHurry}>
      {words}
    </button>
  );
}
