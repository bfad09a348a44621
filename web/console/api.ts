/** The gateway's HTTP side for agents. Every failure is an `ApiError` with words for people. */

import type { Row, Transcript } from "../shared/protocol";

export interface Me {
  name: string;
  role: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const ROOT = new URL("/api/console/", location.href);

export type Mode = "off" | "suggest" | "answer";

export interface Control {
  mode: Mode;
  topics: Record<string, Mode>;
  may: boolean;
}

async function call<T>(path: string, body?: Record<string, string>): Promise<T> {
  const init: RequestInit = { headers: { accept: "application/json" }, credentials: "same-origin" };
  if (body) {
    init.method = "POST";
    // A form or an image of another site cannot set this header.
    init.headers = { ...init.headers, "content-type": "application/json", "x-careline": "1" };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(new URL(path, ROOT), init);
  } catch (error) {
    throw new ApiError(0, "unavailable", error instanceof Error ? error.message : String(error));
  }
  const answer = (await response.json().catch(() => ({}))) as T & { code?: string; message?: string };
  if (!response.ok) throw new ApiError(response.status, answer.code ?? "", answer.message ?? response.statusText);
  return answer;
}

const one = (conversation: string, rest = ""): string => `conversations/${encodeURIComponent(conversation)}${rest}`;

export const api = {
  me: () => call<Me>("me"),
  login: (name: string, password: string) => call<Me>("login", { name, password }),
  logout: () => call<object>("logout", {}),
  transcript: (conversation: string) => call<Transcript>(one(conversation)),
  control: () => call<Control>("control"),
  turn: (mode: Mode) => call<Control>("control", { mode }),
  take: (conversation: string) => call<Row>(one(conversation, "/take"), {}),
  move: (conversation: string, move: "handback" | "close") => call<Row>(one(conversation, `/${move}`), {}),
  write: (conversation: string, kind: "reply" | "note", clientId: string, text: string) =>
    call<{ seq: number }>(one(conversation, `/${kind}`), { client_id: clientId, text }),
};
