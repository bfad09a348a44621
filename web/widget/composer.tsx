/** Where the customer writes; with one click to a person. */

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { fill } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { MAX_TEXT, type Queue } from "../shared/protocol";
import { sends } from "../shared/use";
import type { View } from "../shared/view";
import { useTongue, type Said } from "./tongue";

interface ComposerProps {
  view: View;
  draft: string;
  input: RefObject<HTMLTextAreaElement | null>;
  onDraft(text: string): void;
  onSend(): void;
  onPerson(): void;
  onBack(): void;
  onStartOver(): void;
}

const HIGHEST = 140;

/** A finished conversation goes on when its customer writes again; the other way is to begin a new one. */
export function Composer({ view, draft, input, onDraft, onSend, onPerson, onBack, onStartOver }: ComposerProps) {
  const { t } = useTongue();
  const over = draft.length - MAX_TEXT;
  const ready = draft.trim().length > 0 && over <= 0;
  useLayoutEffect(() => {
    const element = input.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(HIGHEST, element.scrollHeight)}px`;
  }, [draft]);
  return (
    <footer class="composer">
      {view.refusal && <p class="refusal" role="alert">{view.refusal.message}</p>}
      <div class="field">
        <textarea
          ref={input}
          rows={1}
          dir="auto"
          value={draft}
          placeholder={t.write}
          aria-label={t.writeLabel}
          aria-invalid={over > 0}
          enterkeyhint="send"
          onInput={(event) => onDraft(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (!sends(event)) return;
            event.preventDefault();
            if (ready) onSend();
          }}
        />
        <button type="button" class="round send" aria-label={t.send} title={t.send} disabled={!ready} onClick={onSend}>
          <Icon name="send" />
        </button>
      </div>
      <div class="under">
        {view.state === "closed" ? (
          <button type="button" class="person" onClick={onStartOver}>
            <Icon name="retry" />
            {t.startOver}
          </button>
        ) : (
          <PersonButton view={view} onPerson={onPerson} onBack={onBack} />
        )}
        {over > 0 && <span class="over">{fill(t.tooLong, { over })}</span>}
      </div>
    </footer>
  );
}

/** Where the customer stands, and how long others waited lately, where that was measured. */
function placeWords(queue: Queue, t: Said["t"]): string {
  if (!queue.online) return t.nobodyHere;
  const place = fill(t.place, { position: queue.position });
  return queue.wait === null ? place : `${place} ${fill(t.usualWait, { minutes: queue.wait })}`;
}

/** There while the bot answers; a quiet word once a person has been asked for. */
function PersonButton({ view, onPerson, onBack }: { view: View; onPerson(): void; onBack(): void }) {
  const { t } = useTongue();
  const asked = view.state === "queued" || view.pending.some((item) => item.kind === "person");
  if (view.state === "agent") return null;
  if (asked) {
    return (
      <>
        <span class="asked" role="status">
          <Icon name="check" />
          {view.state === "queued" && view.queue ? placeWords(view.queue, t) : t.personAsked}
        </span>
        {view.state === "queued" && view.queue?.back !== false && (
          <button type="button" class="person" onClick={onBack}>
            {t.backToBot}
          </button>
        )}
      </>
    );
  }
  return (
    <button type="button" class="person" onClick={onPerson}>
      <Icon name="person" />
      {t.person}
    </button>
  );
}
