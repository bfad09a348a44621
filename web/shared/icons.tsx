/** The few icons the screens use: strokes in the current colour, hidden from screen readers. */

const PATHS = {
  send: "M5 12 19 5l-5 14-3-6-6-1Z",
  close: "M6 6l12 12M18 6 6 18",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8c.6-3.6 3.4-5.5 7-5.5s6.4 1.9 7 5.5",
  bot: "M12 4v3M7 7h10a3 3 0 0 1 3 3v5a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3v-5a3 3 0 0 1 3-3Zm2 5v1.5m6-1.5v1.5",
  back: "M14 6l-6 6 6 6",
  retry: "M19 12a7 7 0 1 1-2-5m2-3v4h-4",
  info: "M12 11v5m0-8v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  end: "M7 10l5 5 5-5",
  up: "M7 11v9H4v-9h3Zm0 0 4-7c1.3 0 2 .8 2 2v3.500h5.200c1.200 0 2 1 1.800 2.100l-1.200 6.600c-.2 1-1 1.700-2 1.700H7",
  down: "M17 13V4h3v9h-3Zm0 0-4 7c-1.300 0-2-.8-2-2v-3.500H5.800c-1.200 0-2-1-1.800-2.100l1.200-6.600c.2-1 1-1.700 2-1.700H17",
  star: "M12 4l2.500 5.200 5.700.8-4.100 4 1 5.700-5.100-2.700-5.100 2.700 1-5.700-4.100-4 5.700-.8L12 4Z",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
