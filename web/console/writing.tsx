/** Where an agent replies to the customer or leaves a note for colleagues. */

import { useRef, useState } from "preact/hooks";
import { fill } from "../shared/i18n";
import { MAX_TEXT, type Row } from "../shared/protocol";
import { sends } from "../shared/use";
import type { Desk } from "./desk";
import { useTongue, type Said } from "./tongue";

export function Writing({ desk, row, mine }: { desk: Desk; row: Row; mine: boolean }) {
  const { t } = useTongue();
  const [kind, setKind] = useState<"reply" | "note">("reply");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  // Kept until the text is stored: a second try is recognised as the same message.
  const clientId = useRef(crypto.randomUUID());
  const input = useRef<HTMLTextAreaElement>(null);
  const note = kind === "note";
  const allowed = note || mine;
  const ready = allowed && !busy && text.trim().length > 0 && text.length <= MAX_TEXT;

  const send = async (): Promise<void> => {
    setBusy(true);
    const stored = await desk.write(row.conversation, kind, clientId.current, text.trim());
    setBusy(false);
    if (stored) {
      clientId.current = crypto.randomUUID();
      setText("");
    }
    input.current?.focus();
  };
  return (
    <footer class={`writing writing-${kind}`}>
      <div class="kinds" role="group" aria-label={t.kind}>
        <button type="button" aria-pressed={!note} onClick={() => setKind("reply")}>
          {t.writeReply}
        </button>
        <button type="button" aria-pressed={note} onClick={() => setKind("note")}>
          {t.note}
        </button>
        <span class="hint">{note ? t.noteHint : !mine && whyNot(row, t)}</span>
      </div>
      <div class="field">
        <textarea
          ref={input}
          rows={2}
          dir="auto"
          value={text}
          disabled={!allowed}
          placeholder={note ? t.writeNote : t.reply}
          aria-label={note ? t.noteLabel : t.replyLabel}
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (!note) desk.types();
          }}
          onKeyDown={(event) => {
            if (!sends(event)) return;
            event.preventDefault();
            if (ready) void send();
          }}
        />
        <button type="button" class="button" disabled={!ready} onClick={() => void send()}>
          {busy ? t.sending : note ? t.keep : t.send}
        </button>
      </div>
    </footer>
  );
}

function whyNot(row: Row, t: Said["t"]): string {
  switch (row.state) {
    case "bot":
      return t.notYours;
    case "queued":
      return t.notYoursWaiting;
    case "agent":
      return fill(t.notYoursAgent, { name: row.agent ?? "" });
    case "closed":
      return t.notYoursClosed;
  }
}
