/** The list of conversations: who waits, mine, all. */

import { fill } from "../shared/i18n";
import type { Row } from "../shared/protocol";
import { ago, dateAndClock } from "../shared/times";
import { rowsOf, type DeskView, type Tab } from "./desk";
import { goTo } from "./office";
import { useTongue, type Said } from "./tongue";

interface InboxProps {
  view: DeskView;
  tab: Tab;
  rows: readonly Row[];
  me: string;
  onTab(tab: Tab): void;
}

const TABS: readonly Tab[] = ["waiting", "mine", "all"];

export function Inbox({ view, tab, rows, me, onTab }: InboxProps) {
  const { t } = useTongue();
  const empty = { waiting: t.emptyWaiting, mine: t.emptyMine, all: t.emptyAll }[tab];
  return (
    <nav class="inbox" aria-label={t.inbox}>
      <div class="tabs" role="group" aria-label={t.inbox}>
        {TABS.map((name) => (
          <button type="button" key={name} aria-pressed={name === tab} onClick={() => onTab(name)}>
            {t[name]} <span class="count">{rowsOf(name, view.rows, me).length}</span>
          </button>
        ))}
      </div>
      {rows.length === 0 ? (
        <p class="empty">{view.listed ? empty : t.loading}</p>
      ) : (
        <ul>
          {rows.map((row) => (
            <li key={row.conversation}>
              <RowButton row={row} chosen={row.conversation === view.chosen} typing={view.typing.has(row.conversation)} />
            </li>
          ))}
        </ul>
      )}
    </nav>
  );
}

function RowButton({ row, chosen, typing }: { row: Row; chosen: boolean; typing: boolean }) {
  const { t, locale } = useTongue();
  const said = { customer: "", bot: `${t.bot}: `, agent: `${row.agent ?? ""}: `, state: "", failure: "", feedback: "", note: `${t.note}: ` };
  const prefix = row.last_kind ? said[row.last_kind] : "";
  return (
    <button type="button" class="row" aria-current={chosen} onClick={() => goTo(row.conversation)}>
      <span class="row-top">
        <b>{customerName(row, t)}</b>
        <time dateTime={new Date(row.active * 1000).toISOString()} title={dateAndClock(row.active, locale)}>
          {ago(row.active, locale)}
        </time>
      </span>
      <span class="row-text" dir="auto">
        {typing ? <em>{t.customerTypes}</em> : `${prefix}${row.last_text}`}
      </span>
      <span class="row-foot">
        <StateChip row={row} />
        {row.language && <span class="chip">{row.language}</span>}
        {row.unanswered > 0 && <span class="chip chip-alarm">{fill(t.unanswered, { count: row.unanswered })}</span>}
      </span>
    </button>
  );
}

/** Customers are nameless; the id's end tells them apart. */
export function customerName(row: Row, t: Said["t"]): string {
  if (row.customer) return row.customer;
  return `${t.customer} ${row.conversation.replace(/[^a-z0-9]/gi, "").slice(-4)}`;
}

export function StateChip({ row }: { row: Row }) {
  const { t } = useTongue();
  const words = {
    bot: t.stateBot,
    queued: t.stateQueued,
    agent: fill(t.stateAgent, { name: row.agent ?? "" }),
    closed: t.stateClosed,
  }[row.state];
  return <span class={`chip state-${row.state}`}>{words}</span>;
}
