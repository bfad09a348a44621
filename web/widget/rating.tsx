/** What the customer thinks: thumbs under an answer, stars at the end of the conversation. */

import { fill } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { Rating, Reason } from "../shared/protocol";
import { useTongue } from "./tongue";

interface ThumbsProps {
  given: { rating: Rating; reason: Reason } | null;
  onRate(rating: Rating, reason?: Reason): void;
}

/** Thumbs down asks why, once, in one click. */
export function Thumbs({ given, onRate }: ThumbsProps) {
  const { t } = useTongue();
  const reasons: [Reason, string][] = [
    ["not_asked", t.reasonNotAsked],
    ["wrong", t.reasonWrong],
    ["unclear", t.reasonUnclear],
  ];
  const thumb = (rating: "up" | "down", label: string) => (
    <button
      type="button"
      class="thumb"
      aria-label={label}
      title={label}
      aria-pressed={given?.rating === rating}
      onClick={() => given?.rating !== rating && onRate(rating)}
    >
      <Icon name={rating} />
    </button>
  );
  return (
    <div class="rating" role="group" aria-label={t.helped}>
      {thumb("up", t.helpedYes)}
      {thumb("down", t.helpedNo)}
      {given?.rating === "down" && given.reason === "" && (
        <span class="reasons" role="group" aria-label={t.reason}>
          {reasons.map(([reason, words]) => (
            <button type="button" class="reason" key={reason} onClick={() => onRate("down", reason)}>
              {words}
            </button>
          ))}
        </span>
      )}
      {given && (given.rating === "up" || given.reason !== "") && (
        <span class="thanks" role="status">
          {t.ratingThanks}
        </span>
      )}
    </div>
  );
}

const SCALE = ["1", "2", "3", "4", "5"] as const;

export function Stars({ chosen, onRate }: { chosen: Rating | null; onRate(rating: Rating): void }) {
  const { t } = useTongue();
  const number = Number(chosen ?? 0);
  return (
    <li class="stars">
      <p id="stars">{chosen ? t.ratingThanks : t.howWasIt}</p>
      <div role="group" aria-labelledby="stars">
        {SCALE.map((rating) => (
          <button
            type="button"
            class={`star${Number(rating) <= number ? " full" : ""}`}
            key={rating}
            aria-label={fill(t.starsOf, { count: rating })}
            aria-pressed={chosen === rating}
            onClick={() => chosen !== rating && onRate(rating)}
          >
            <Icon name="star" />
          </button>
        ))}
      </div>
    </li>
  );
}
