/** Times as people read them, in their own language and zone. All times are Unix seconds. */

export function clock(time: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }).format(time * 1000);
}

export function date(time: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", day: "numeric" }).format(time * 1000);
}

export function dateAndClock(time: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(time * 1000);
}

/** The calendar day, for telling days apart. */
export function dayKey(time: number): string {
  return new Date(time * 1000).toDateString();
}

export function dayName(
  time: number,
  locale: string,
  words: { today: string; yesterday: string },
  now: number = Date.now() / 1000,
): string {
  if (dayKey(time) === dayKey(now)) return words.today;
  if (dayKey(time) === dayKey(now - 86_400)) return words.yesterday;
  return new Intl.DateTimeFormat(locale, { weekday: "long", month: "long", day: "numeric" }).format(time * 1000);
}

/** "5 min ago", "yesterday": how long it is since. */
export function ago(time: number, locale: string, now: number = Date.now() / 1000): string {
  const seconds = Math.min(0, time - now);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "narrow" });
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
  ];
  for (const [size, unit] of steps) if (seconds <= -size) return format.format(Math.ceil(seconds / size), unit);
  return format.format(0, "second");
}
