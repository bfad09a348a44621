/** One entry as an agent sees it: words, moves, notes, and why the bot said what it said. */

import { fill } from "../shared/i18n";
import { webAddress } from "../shared/links";
import type { Entry, Source, Why } from "../shared/protocol";
import { RichText } from "../shared/rich-text";
import { clock, dateAndClock } from "../shared/times";
import { sourcesOf } from "../shared/view";
import { useTongue, type Said } from "./tongue";

export function EntryItem({ entry, day }: { entry: Entry; day: string | null }) {
  const { t, locale } = useTongue();
  return (
    <>
      {day && <li class="day">{day}</li>}
      {entry.kind === "feedback" ? (
        <li class={`move rated rated-${entry.rating}`}>
          {rated(entry, t)} · {clock(entry.time, locale)}
        </li>
      ) : entry.kind === "state" ? (
        <li class={`move move-${entry.state}`}>
          {moved(entry, t)} · {clock(entry.time, locale)}
        </li>
      ) : (
        <Said entry={entry} />
      )}
    </>
  );
}

function Said({ entry }: { entry: Entry }) {
  const { t, locale } = useTongue();
  const author = {
    customer: t.customer,
    bot: t.bot,
    agent: entry.author.name,
    note: `${t.note} · ${entry.author.name}`,
    failure: t.failure,
    state: "",
    feedback: "",
  }[entry.kind];
  return (
    <li class={`said said-${entry.kind}${entry.suppressed ? " suppressed" : ""}`} data-seq={entry.seq}>
      <p class="by">
        {author}{" "}
        <time dateTime={new Date(entry.time * 1000).toISOString()} title={dateAndClock(entry.time, locale)}>
          {clock(entry.time, locale)}
        </time>
      </p>
      {entry.text && (
        <div class="bubble">
          <RichText text={entry.text} />
        </div>
      )}
      {entry.buttons.length > 0 && (
        <p class="offered">
          {t.choices}: {entry.buttons.map((button) => button.title).join(" · ")}
        </p>
      )}
      {entry.suppressed && <p class="offered">{entry.suggested ? t.suggested : t.suppressed}</p>}
      {entry.why && <Reasons why={entry.why} entry={entry} />}
    </li>
  );
}

function Reasons({ why, entry }: { why: Why; entry: Entry }) {
  const { t } = useTongue();
  const facts: [string, string | null][] = [
    [t.intent, why.intent],
    [t.topic, why.topic],
    [t.confidence, why.confidence > 0 ? why.confidence.toFixed(2) : null],
    [t.outcome, why.outcome],
    [t.model, why.model],
    [t.index, why.index],
  ];
  return (
    <details class="reasons">
      <summary>{t.why}</summary>
      <dl>
        {facts.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      {sourcesOf(entry).length > 0 && (
        <ol class="origins">
          {sourcesOf(entry).map((source, place) => (
            <li key={place}>
              <Origin source={source} />
            </li>
          ))}
        </ol>
      )}
      {why.evidence.length > 0 && (
        <>
          <p class="evidence-title">{t.evidence}</p>
          <ol class="evidence">
            {why.evidence.map((hit) => (
              <li key={hit.answer}>
                <span class="score">{hit.score.toFixed(2)}</span> <span dir="auto">{hit.text}</span>{" "}
                <code>{hit.answer}</code>
              </li>
            ))}
          </ol>
        </>
      )}
    </details>
  );
}

function Origin({ source }: { source: Source }) {
  const { t } = useTongue();
  const kind = { log: t.kindLog, article: t.kindArticle, catalogue: t.kindCatalogue, curated: t.kindCurated }[source.kind];
  const href = source.url === null ? null : webAddress(source.url);
  return (
    <>
      <b>{kind}</b>
      {source.title && <span dir="auto"> · {source.title}</span>}
      {source.kind === "log" && (
        <span> · {fill(t.source, { count: source.support, conversations: source.conversations })}</span>
      )}
      {href && (
        <>
          {" · "}
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {source.url}
          </a>
        </>
      )}
      {source.question && <q>{fill(t.asked, { question: source.question })}</q>}
    </>
  );
}

function rated(entry: Entry, t: Said["t"]): string {
  if (entry.rating !== "up" && entry.rating !== "down") return fill(t.ratedWhole, { count: entry.rating ?? "" });
  const reasons = { "": "", not_asked: t.reasonNotAsked, wrong: t.reasonWrong, unclear: t.reasonUnclear };
  const reason = reasons[entry.reason];
  return `${entry.rating === "up" ? t.ratedUp : t.ratedDown}${reason && ` (${reason})`}`;
}

function moved(entry: Entry, t: Said["t"]): string {
  switch (entry.state) {
    case "agent":
      return fill(t.movedAgent, { name: entry.author.name });
    case "queued":
      return t.movedQueued;
    case "closed":
      return t.movedClosed;
    case "bot":
      return t.movedBot;
    case null:
      return entry.text;
  }
}
