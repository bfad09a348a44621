/** Tells screen readers what is new, each thing once; history is there to be read, not announced. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Delivery } from "../shared/delivery";
import { fill } from "../shared/i18n";
import { isForCustomer, lastSeq, type View } from "../shared/view";
import { noticeOf } from "./notice";
import { useTongue, type Said } from "./tongue";

export function Announcer({ view }: { view: View }) {
  const { t } = useTongue();
  const [said, setSaid] = useState("");
  const upTo = useRef(0);
  const conversation = useRef<string | null>(null);
  const failed = view.pending.filter((item) => item.delivery === Delivery.Failed).length;

  useEffect(() => {
    if (conversation.current !== view.conversation) {
      conversation.current = view.conversation;
      upTo.current = view.historyUntil;
    }
    const news = wordsOf(view, Math.max(upTo.current, view.historyUntil), t);
    upTo.current = Math.max(upTo.current, lastSeq(view.entries));
    if (news) setSaid(news);
  }, [view.entries, view.conversation]);
  useEffect(() => {
    if (failed > 0) setSaid(t.failed);
  }, [failed]);

  return (
    <div class="unseen" aria-live="polite" aria-atomic="true">
      {said}
    </div>
  );
}

function wordsOf(view: View, after: number, t: Said["t"]): string {
  return view.entries
    .filter((entry) => entry.seq > after)
    .map((entry) => {
      if (entry.kind === "state") return noticeOf(entry, view, t);
      if (!isForCustomer(entry)) return "";
      return fill(t.says, { name: entry.kind === "agent" ? entry.author.name : t.bot, text: entry.text });
    })
    .filter(Boolean)
    .join("\n");
}
