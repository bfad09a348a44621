/** What a move of the conversation means to the customer, in a sentence. */

import { fill } from "../shared/i18n";
import type { Entry } from "../shared/protocol";
import type { View } from "../shared/view";
import type { Said } from "./tongue";

export function noticeOf(entry: Entry, view: View, t: Said["t"]): string {
  switch (entry.state) {
    case "queued":
      return view.shop?.hours ? `${t.queued} ${fill(t.queuedHours, { hours: view.shop.hours })}` : t.queued;
    case "agent":
      return fill(t.joined, { name: entry.author.kind === "agent" ? entry.author.name : t.somebody });
    case "bot":
      return t.back;
    case "closed":
      return t.ended;
    case null:
      return entry.text;
  }
}
