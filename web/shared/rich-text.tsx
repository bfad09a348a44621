/** A person's words: text as text, web addresses as safe anchors. */

import { pieces } from "./links";

export function RichText({ text }: { text: string }) {
  return (
    <span class="words" dir="auto">
      {pieces(text).map((piece) =>
        piece.href === null ? (
          piece.text
        ) : (
          <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ),
      )}
    </span>
  );
}
