/** One conversation on the desk: its head with what can be done, everything said, and where to write. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { fill } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { Row, Summary } from "../shared/protocol";
import { dateAndClock, dayKey, dayName } from "../shared/times";
import type { Desk, DeskView } from "./desk";
import { EntryItem } from "./entry";
import { customerName, StateChip } from "./inbox";
import { goTo } from "./office";
import { useTongue, type Said } from "./tongue";
import { Writing } from "./writing";

interface TalkProps {
  desk: Desk;
  view: DeskView;
  row: Row;
  me: string;
  onTaken(): void;
}

export function Talk({ desk, view, row, me, onTaken }: TalkProps) {
  const { t, locale } = useTongue();
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const mine = row.state === "agent" && row.agent === me;
  useLayoutEffect(() => {
    if (box.current && stuck.current) box.current.scrollTop = box.current.scrollHeight;
  }, [view.entries, view.typing]);
  return (
    <section class="talk" aria-label={t.transcript}>
      <header class="talk-head">
        <button type="button" class="quiet round back" aria-label={t.back} title={t.back} onClick={() => goTo(null)}>
          <Icon name="back" />
        </button>
        <div class="talk-title">
          <h2>{customerName(row, t)}</h2>
          <p>
            <StateChip row={row} /> {fill(t.started, { time: dateAndClock(row.created, locale) })}
          </p>
        </div>
        <Moves desk={desk} row={row} mine={mine} onTaken={onTaken} />
      </header>
      {view.problem && (
        <p class="trouble" role="alert">
          {fill(t.failed, { reason: view.problem })}
        </p>
      )}
      {view.summary && <Brief summary={view.summary} />}
      <div
        class="scroll"
        ref={box}
        tabIndex={0}
        role="log"
        aria-label={t.transcript}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          stuck.current = scrollHeight - scrollTop - clientHeight < 60;
        }}
      >
        {view.loading && <p class="empty">{t.loading}</p>}
        <ol class="entries">
          {view.entries.map((entry, at) => {
            const before = view.entries[at - 1];
            const newDay = !before || dayKey(before.time) !== dayKey(entry.time);
            return (
              <EntryItem key={entry.seq} entry={entry} day={newDay ? dayName(entry.time, locale, dayWords(locale)) : null} />
            );
          })}
        </ol>
        {view.typing.has(row.conversation) && <p class="types">{t.customerTypes}</p>}
      </div>
      <Writing desk={desk} row={row} mine={mine} />
    </section>
  );
}

/** What an agent must know at a glance. */
function Brief({ summary }: { summary: Summary }) {
  const { t } = useTongue();
  const reason = reasonWords(summary.reason, t);
  return (
    <details class="brief" open>
      <summary>{t.summary}</summary>
      {reason && <p>{fill(t.reasonFor, { reason })}</p>}
      <ul>
        {summary.sentences.map((sentence) => (
          <li key={sentence} dir="auto">
            {sentence}
          </li>
        ))}
      </ul>
      {summary.slots.length > 0 && (
        <p dir="auto">
          {t.collected}: {summary.slots.map(({ name, value }) => `${name} ${value}`).join(" · ")}
        </p>
      )}
    </details>
  );
}

function reasonWords(reason: string, t: Said["t"]): string {
  const words: Record<string, string> = {
    asked: t.reasonAsked,
    lost: t.reasonLost,
    negative: t.reasonNegative,
    sensitive: t.reasonSensitive,
    service: t.reasonService,
    rule: t.reasonRule,
    control: t.reasonControl,
    failure: t.reasonFailure,
  };
  return words[reason] ?? reason;
}

function Moves({ desk, row, mine, onTaken }: { desk: Desk; row: Row; mine: boolean; onTaken(): void }) {
  const { t } = useTongue();
  const id = row.conversation;
  const taken = row.state === "agent" && !mine;
  const take = async (): Promise<void> => {
    if (await desk.take(id)) onTaken();
  };
  return (
    <div class="moves">
      {!mine && (
        <button type="button" class={taken ? "button plain" : "button"} onClick={() => void take()}>
          {taken ? fill(t.takeFrom, { name: row.agent ?? "" }) : t.take}
        </button>
      )}
      {(mine || row.state === "queued") && (
        <button type="button" class="button plain" onClick={() => void desk.move(id, "handback")}>
          {t.handBack}
        </button>
      )}
      {row.state !== "closed" && (
        <button type="button" class="button plain" onClick={() => void desk.move(id, "close")}>
          {t.close}
        </button>
      )}
    </div>
  );
}

/** "Today" and "yesterday" in the browser's own words. */
function dayWords(locale: string): { today: string; yesterday: string } {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  return { today: format.format(0, "day"), yesterday: format.format(-1, "day") };
}
