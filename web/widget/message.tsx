/** One message: its author, words, choices, where the answer comes from, and how its delivery stands. */

import { Delivery } from "../shared/delivery";
import { fill } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { Pending } from "../shared/outbox";
import { webAddress } from "../shared/links";
import type { Button, Entry, Rating, Reason, Source } from "../shared/protocol";
import { RichText } from "../shared/rich-text";
import { clock, date, dateAndClock } from "../shared/times";
import { sourcesOf } from "../shared/view";
import { Avatar } from "./header";
import { Thumbs } from "./rating";
import { useTongue } from "./tongue";

interface MessageProps {
  entry: Entry;
  /** First of a group: shows its author. */
  first: boolean;
  /** Last of a group: shows its time. */
  last: boolean;
  /** Its buttons can still be pressed. */
  choosable: boolean;
  /** Says that it arrived. */
  showSent: boolean;
  onPress(button: Button): void;
  /** What the customer thinks of it so far. */
  rating: { rating: Rating; reason: Reason } | null;
  onRate(rating: Rating, reason?: Reason): void;
}

export function Message({ entry, first, last, choosable, showSent, onPress, rating, onRate }: MessageProps) {
  const { t, locale } = useTongue();
  const own = entry.kind === "customer";
  const name = own ? t.you : entry.kind === "agent" ? entry.author.name : t.bot;
  const shape = `message ${own ? "own" : "theirs"} kind-${entry.kind}${first ? " first" : ""}${last ? " last" : ""}`;
  return (
    <li class={shape} data-seq={entry.seq}>
      {!own && <Avatar name={entry.kind === "agent" ? entry.author.name : null} />}
      <div class="column">
        <span class={first && !own ? "author" : "unseen"}>{name}</span>
        <div class="bubble">
          <RichText text={entry.text} />
        </div>
        {sourcesOf(entry).length > 0 && <Why sources={sourcesOf(entry)} />}
        {entry.kind === "bot" && sourcesOf(entry).length > 0 && <Thumbs given={rating} onRate={onRate} />}
        {choosable && entry.buttons.length > 0 && <Choices buttons={entry.buttons} onPress={onPress} />}
        {(last || showSent) && (
          <span class="foot">
            <time dateTime={new Date(entry.time * 1000).toISOString()} title={dateAndClock(entry.time, locale)}>
              {clock(entry.time, locale)}
            </time>
            {showSent && (
              <>
                {" · "}
                <Icon name="check" />
                {t.sent}
              </>
            )}
          </span>
        )}
      </div>
    </li>
  );
}

function Choices({ buttons, onPress }: { buttons: readonly Button[]; onPress(button: Button): void }) {
  const { t } = useTongue();
  return (
    <div class="choices" role="group" aria-label={t.choices}>
      {buttons.map((button) => (
        <button type="button" class="choice" dir="auto" key={button.id} onClick={() => onPress(button)}>
          {button.title}
        </button>
      ))}
    </div>
  );
}

/** Where the answer comes from; folded until asked for. Several are numbered as in the text. */
function Why({ sources }: { sources: readonly Source[] }) {
  const { t } = useTongue();
  const several = sources.length > 1;
  return (
    <details class="why" onToggle={(event) => event.currentTarget.scrollIntoView({ block: "nearest" })}>
      <summary>
        <Icon name="info" />
        {several ? fill(t.sources, { count: sources.length }) : t.why}
      </summary>
      <ol class={`why-body${several ? " numbered" : ""}`}>
        {sources.map((source, place) => (
          <li key={place}>
            <Origin source={source} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function Origin({ source }: { source: Source }) {
  const { t, locale } = useTongue();
  const kind = { log: t.kindLog, article: t.kindArticle, catalogue: t.kindCatalogue, curated: t.kindCurated }[source.kind];
  const times = source.support > 1 ? fill(t.whyGiven, { count: source.support }) : t.whyGivenOnce;
  const href = source.url === null ? null : webAddress(source.url);
  return (
    <>
      {(source.title || source.kind !== "log") && (
        <p class="why-title" dir="auto">
          {source.title || kind}
        </p>
      )}
      {source.kind === "log" ? (
        <p>
          {times} {source.last_used !== null && fill(t.whyLast, { date: date(source.last_used, locale) })}
        </p>
      ) : (
        source.title && <p>{kind}</p>
      )}
      {href && (
        <p>
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {t.read}
          </a>
        </p>
      )}
      {source.kind === "log" && source.question && (
        <>
          <p>{t.whyQuestion}</p>
          <blockquote dir="auto">{source.question}</blockquote>
        </>
      )}
    </>
  );
}

interface PendingProps {
  item: Pending;
  online: boolean;
  onRetry(): void;
}

/** A message on its way: the customer's words are on screen before the server has them. */
export function PendingMessage({ item, online, onRetry }: PendingProps) {
  const { t } = useTongue();
  const failed = item.delivery === Delivery.Failed;
  const words = { sending: online ? t.sending : t.unsent, sent: t.sent, failed: t.failed }[item.delivery];
  return (
    <li class={`message own pending first last delivery-${item.delivery}`}>
      <div class="column">
        <span class="unseen">{t.you}</span>
        <div class="bubble">
          <RichText text={item.text} />
        </div>
        <span class="foot">
          {words}
          {failed && item.reason && ` · ${item.reason}`}
          {failed && (
            <button type="button" class="retry" onClick={onRetry}>
              <Icon name="retry" />
              {t.retry}
            </button>
          )}
        </span>
      </div>
    </li>
  );
}
