import "../shared/base.css";
import "./widget.css";
import "./transcript.css";
import "./rating.css";
import { render } from "preact";
import { Connection } from "../shared/connection";
import { listenTo, type ToPage, type ToWidget } from "../shared/frames";
import { browser, socketUrl } from "../shared/line";
import { askOver, PollWire } from "../shared/poll";
import { openStore } from "../shared/storage";
import { App } from "./app";
import { firstLanguage, paint, readOptions, rememberLanguage } from "./options";

const framed = window.parent !== window;
const options = readOptions(location.search, framed);
const store = openStore();
const language = firstLanguage(options, store);
const connection = new Connection({
  url: socketUrl("/ws/widget"),
  store,
  language,
  page: options.page,
  product: options.product,
  unidentified: () => tell({ careline: "unidentified" }),
  around: { ...browser, poll: () => new PollWire(askOver(new URL("/api/line", location.href).href)) },
});

function tell(message: ToPage): void {
  if (framed && options.parent) window.parent.postMessage(message, options.parent);
}

function listen(heard: (message: ToWidget) => void): () => void {
  return options.parent ? listenTo<ToWidget>(() => window.parent, options.parent, heard) : () => undefined;
}

paint(options.accent, document.documentElement);
// A visitor who never opened the chat makes no conversation.
if (!options.identified && (connection.known || !framed)) connection.start();
addEventListener("online", () => connection.hurry());
addEventListener("visibilitychange", () => connection.hurry());

render(
  <App
    connection={connection}
    framed={framed}
    language={language}
    listen={listen}
    remember={(chosen) => rememberLanguage(chosen, options, store)}
    tell={tell}
  />,
  document.getElementById("app")!,
);
