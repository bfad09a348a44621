/**
 * The one line a shop puts on its page: `<script async src="https://…/widget.js" data-language="en"></script>`.
 *
 * Makes the launcher and, when it is first needed, the frame with the chat. Its only global is `Careline`. Options:
 * `data-language` (en, zh; else the page's `lang`), `data-accent` (#rrggbb), `data-side` (start, end), `data-product`,
 * `data-identity` (a token that the shop's server signed; `Careline.identify` later).
 */

import { inkOn, readColour } from "../../shared/colour";
import { listenTo, type ToPage, type ToWidget } from "../../shared/frames";
import { STYLE } from "./style";

const WORDS = {
  en: { open: "Open the chat", close: "Close the chat", title: "Chat", unread: "unread" },
  zh: { open: "打开在线客服", close: "关闭在线客服", title: "在线客服", unread: "条未读" },
};
const BUBBLE = "M12 4c4.7 0 8.5 3.1 8.5 7s-3.8 7-8.5 7c-1 0-2-.14-2.9-.4L4.5 20l1.2-3.7C4.3 15 3.5 13.1 3.5 11c0-3.9 3.8-7 8.5-7Z";
const CROSS = "M7 7l10 10M17 7 7 17";
const KNOWN = "careline.known";
const OPEN = "careline.open";

function start(script: HTMLScriptElement): CarelineApi {
  const base = new URL(".", script.src);
  const data = script.dataset;
  const host = document.createElement("careline-chat");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const accent = readColour(data.accent);
  if (accent) {
    host.style.setProperty("--accent", accent);
    host.style.setProperty("--ink", inkOn(accent));
  }
  host.dataset.side = data.side === "start" ? "start" : "end";

  const button = document.createElement("button");
  button.type = "button";
  const icon = draw();
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.hidden = true;
  button.append(icon.svg, badge);
  root.append(button);
  document.body.append(host);

  let frame: HTMLIFrameElement | null = null;
  let ready = false;
  let opened = false;
  let unread = 0;
  let identity = data.identity ?? null;
  let language = data.language ?? document.documentElement.lang ?? "";
  let waiting: ToWidget[] = [];

  const post = (message: ToWidget): void => {
    if (ready) frame?.contentWindow?.postMessage(message, base.origin);
    else waiting.push(message);
  };
  const say = (): void => {
    const words = WORDS[(language || navigator.language).toLowerCase().startsWith("zh") ? "zh" : "en"];
    const label = opened ? words.close : words.open;
    button.setAttribute("aria-label", unread > 0 && !opened ? `${label} (${unread} ${words.unread})` : label);
    button.setAttribute("aria-expanded", String(opened));
    if (frame) frame.title = words.title;
    badge.textContent = unread > 9 ? "9+" : String(unread);
    badge.hidden = unread === 0 || opened;
    icon.path.setAttribute("d", opened ? CROSS : BUBBLE);
    host.toggleAttribute("data-open", opened);
  };
  const load = (): void => {
    if (frame) return;
    const address = new URL("widget/", base);
    const query = { parent: location.origin, language, page: location.origin + location.pathname, product: data.product, accent, identified: identity && "1" };
    for (const [key, value] of Object.entries(query)) if (value) address.searchParams.set(key, value);
    if (identity) waiting.unshift({ careline: "identity", identity });
    frame = document.createElement("iframe");
    // On a shop's own site the frame keeps its origin (for its storage and socket) and may open links, nothing else.
    // On the gateway's pages a sandbox would protect nothing: the frame is of the same origin.
    if (base.origin !== location.origin)
      frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox");
    frame.allow = "";
    frame.src = address.href;
    root.insertBefore(frame, button);
  };
  const show = (): void => {
    load();
    opened = true;
    remember(sessionStorage, OPEN, "1");
    say();
    frame?.focus();
    post({ careline: "open" });
  };
  const hide = (): void => {
    if (!opened) return;
    opened = false;
    remember(sessionStorage, OPEN, null);
    say();
    post({ careline: "closed" });
    button.focus();
  };

  listenTo<ToPage>(
    () => frame?.contentWindow ?? null,
    base.origin,
    (message) => {
      if (message.careline === "ready") {
        ready = true;
        waiting.forEach(post);
        waiting = [];
      } else if (message.careline === "close") {
        hide();
      } else if (message.careline === "known") {
        remember(localStorage, KNOWN, "1");
      } else if (message.careline === "unidentified") {
        dispatchEvent(new Event("careline:unidentified"));
      } else if (message.careline === "unread") {
        unread = Number(message.count) || 0;
        say();
      } else if (message.careline === "language") {
        language = String(message.language);
        say();
      }
    },
  );
  button.addEventListener("click", () => (opened ? hide() : show()));
  addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && hide());
  say();
  // Someone who chatted before sees at once whether there is news; who had it open finds it open.
  if (recall(sessionStorage, OPEN)) show();
  else if (recall(localStorage, KNOWN)) load();

  return {
    open: show,
    close: hide,
    toggle: () => (opened ? hide() : show()),
    draft: (text) => {
      show();
      post({ careline: "draft", text });
    },
    identify: (token) => {
      identity = token;
      if (frame) post({ careline: "identity", identity });
    },
    language: (tag) => {
      language = tag;
      say();
      if (frame) post({ careline: "language", language: tag });
    },
  };
}

function draw(): { svg: SVGSVGElement; path: SVGPathElement } {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return { svg, path };
}

function remember(storage: Storage, key: string, value: string | null): void {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, value);
  } catch {
    // Storage refused: the chat works, it is only not reopened by itself.
  }
}

function recall(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    // See `remember`.
    return null;
  }
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement && !window.Careline) {
  const begin = (): void => {
    window.Careline = start(script);
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
}
