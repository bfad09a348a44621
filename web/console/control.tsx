/** The bot's switch: off, suggests, answers. Leads and admins turn it, everybody sees it. */

import { useEffect, useState } from "preact/hooks";
import { fill } from "../shared/i18n";
import { api, ApiError, type Control, type Mode } from "./api";
import { useTongue } from "./tongue";

/** Colleagues and the command line turn it, too. */
const LOOK_SECONDS = 10;

const MODES: readonly Mode[] = ["off", "suggest", "answer"];

export function Switch() {
  const { t } = useTongue();
  const [control, setControl] = useState<Control | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const show = (asked: Promise<Control>): Promise<void> =>
    asked.then(
      (now) => {
        setControl(now);
        setProblem(null);
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        setProblem(error.message);
      },
    );
  useEffect(() => {
    void show(api.control());
    const timer = setInterval(() => void show(api.control()), LOOK_SECONDS * 1000);
    return () => clearInterval(timer);
  }, []);
  if (!control) return null;
  const words = { off: t.controlOff, suggest: t.controlSuggest, answer: t.controlAnswer };
  const own = Object.keys(control.topics).length;
  return (
    <span class="who" title={own > 0 ? fill(t.controlTopics, { count: own }) : undefined}>
      <label>
        {t.control}{" "}
        <select
          value={control.mode}
          disabled={!control.may}
          aria-invalid={problem !== null}
          title={problem ?? undefined}
          onChange={(event) => void show(api.turn(event.currentTarget.value as Mode))}
        >
          {MODES.map((mode) => (
            <option key={mode} value={mode}>
              {words[mode]}
            </option>
          ))}
        </select>
      </label>
    </span>
  );
}
