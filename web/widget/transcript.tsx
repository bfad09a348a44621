/** The conversation so far: days, messages in groups, notices, and who is typing. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Connection } from "../shared/connection";
import { fill } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { Entry } from "../shared/protocol";
import { dayKey, dayName } from "../shared/times";
import { ratingOf, type View } from "../shared/view";
import { Avatar } from "./header";
import { Message, PendingMessage } from "./message";
import { noticeOf } from "./notice";
import { Stars } from "./rating";
import { useTongue } from "./tongue";

interface TranscriptProps {
  view: View;
  agent: string | null;
  connection: Connection;
  open: boolean;
}

const GROUP_SECONDS = 300;

export function Transcript({ view, agent, connection, open }: TranscriptProps) {
  const { t } = useTongue();
  const { box, away, toEnd } = useStickToEnd(view, open);
  const shown = view.entries.filter((entry) => entry.kind !== "note" && entry.kind !== "feedback" && !entry.suppressed);
  const pending = view.pending.filter((item) => item.kind === "send" || item.kind === "press");
  const untouched = pending.length === 0 && !shown.some((entry) => entry.kind === "customer");
  const lastOwn = shown.findLast((entry) => entry.kind === "customer");
  return (
    <div class="scroll" ref={box} tabIndex={0} role="group" aria-label={t.transcript}>
      <Opening view={view} />
      <ol class="transcript">
        {shown.map((entry, at) => (
          <Row key={entry.seq} entry={entry} before={shown[at - 1]} view={view}>
            <Message
              entry={entry}
              first={!together(shown[at - 1], entry)}
              last={!together(entry, shown[at + 1])}
              choosable={at === shown.length - 1 && pending.length === 0}
              showSent={entry === lastOwn && pending.length === 0 && at === shown.length - 1}
              onPress={(button) => connection.press(button.id, button.title)}
              rating={ratingOf(view, entry.seq)}
              onRate={(rating, reason) => connection.rate(entry.seq, rating, reason)}
            />
          </Row>
        ))}
        {pending.map((item) => (
          <PendingMessage
            key={item.client_id}
            item={item}
            online={view.link === "online"}
            onRetry={() => connection.retry(item.client_id)}
          />
        ))}
        {view.state === "closed" && (
          <Stars chosen={ratingOf(view, 0)?.rating ?? null} onRate={(rating) => connection.rate(0, rating)} />
        )}
        {view.busy > 1 && (
          <li class="notice" role="status">
            {fill(t.busy, { position: view.busy })}
          </li>
        )}
        {view.typing && <TypingRow name={view.typing === "agent" ? (agent ?? t.somebody) : null} />}
      </ol>
      {untouched && view.shop && view.shop.suggested.length > 0 && (
        <Suggestions questions={view.shop.suggested} onAsk={(question) => connection.send(question)} />
      )}
      {away && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="end" /> {t.newMessages}
        </button>
      )}
    </div>
  );
}

/** The shop's first words and the notice that a bot answers; said by the widget, not part of the log. */
function Opening({ view }: { view: View }) {
  const { t } = useTongue();
  if (!view.shop) return view.link === "connecting" ? <p class="notice">{t.connecting}</p> : null;
  return (
    <div class="opening">
      <Avatar name={null} />
      <p class="greeting" dir="auto">
        {view.shop.greeting}
      </p>
      <p class="bot-notice">{view.shop.bot_notice || t.botNotice}</p>
    </div>
  );
}

function Suggestions({ questions, onAsk }: { questions: readonly string[]; onAsk(question: string): void }) {
  const { t } = useTongue();
  return (
    <div class="suggested" role="group" aria-labelledby="suggested">
      <p id="suggested">{t.suggested}</p>
      {questions.map((question) => (
        <button type="button" class="choice" dir="auto" key={question} onClick={() => onAsk(question)}>
          {question}
        </button>
      ))}
    </div>
  );
}

interface RowProps {
  entry: Entry;
  before: Entry | undefined;
  view: View;
  children: preact.ComponentChildren;
}

function Row({ entry, before, view, children }: RowProps) {
  const { t, locale } = useTongue();
  const newDay = !before || dayKey(before.time) !== dayKey(entry.time);
  return (
    <>
      {newDay && (
        <li class="day">
          <span>{dayName(entry.time, locale, t)}</span>
        </li>
      )}
      {entry.kind === "state" ? (
        <li class="notice" data-state={entry.state}>
          {noticeOf(entry, view, t)}
        </li>
      ) : (
        children
      )}
    </>
  );
}

function TypingRow({ name }: { name: string | null }) {
  const { t } = useTongue();
  const words = name ? fill(t.agentTypes, { name }) : t.botTypes;
  return (
    <li class="message theirs typing first last">
      <Avatar name={name} />
      <div class="column">
        <div class="bubble">
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span class="unseen">{words}</span>
        </div>
      </div>
    </li>
  );
}

/** Whether two neighbours belong to one group: the same author, on the same day, close in time. */
function together(one: Entry | undefined, other: Entry | undefined): boolean {
  if (!one || !other || one.kind === "state" || other.kind === "state") return false;
  return (
    one.author.kind === other.author.kind &&
    one.author.name === other.author.name &&
    one.kind === other.kind &&
    other.time - one.time < GROUP_SECONDS &&
    dayKey(one.time) === dayKey(other.time)
  );
}

/** Keeps the end in sight unless the reader has scrolled away from it. */
function useStickToEnd(view: View, open: boolean) {
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const [away, setAway] = useState(false);
  const toEnd = (): void => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = element.scrollHeight;
    stuck.current = true;
    setAway(false);
  };
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const scrolled = (): void => {
      stuck.current = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
      if (stuck.current) setAway(false);
    };
    const sized = new ResizeObserver(() => stuck.current && toEnd());
    sized.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      sized.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }, []);
  useLayoutEffect(() => {
    if (stuck.current || view.pending.length > 0) toEnd();
    else setAway(true);
  }, [view.entries, view.pending.length, view.typing, open]);
  return { box, away, toEnd };
}
