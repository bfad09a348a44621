"""What of a PDF's page is drawn so that a person can see it. The only importer of pdfminer's devices."""

from __future__ import annotations

from typing import Any

from pdfminer.converter import PDFPageAggregator
from pdfminer.layout import LTChar, LTFigure, LTImage, LTRect

_UNSEEN_MODES = (3, 7)
"""Text rendering modes (ISO 32000-1, 9.3.6) that draw nothing."""

_SMALLEST = 2.0
"""Points; smaller letters are not meant to be read."""

_SCAN = 0.6
"""Share of a page that a picture covers on a scan; unseen text on it is what text recognition read."""


class SeenText(PDFPageAggregator):
    """Collects the letters of a page, without those that are drawn invisibly, too small, outside, or white on white.

    Attributes:
        hidden: Letters that were dropped, on all pages so far.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.hidden = 0
        self._mode = 0
        self._read: list[LTChar] = []

    def render_string(self, textstate: Any, *args: Any) -> None:
        """See parent."""
        self._mode = textstate.render
        super().render_string(textstate, *args)

    def render_char(self, *args: Any, **named: Any) -> float:
        """See parent."""
        advance = super().render_char(*args, **named)
        letter = self.cur_item._objs[-1]
        if isinstance(letter, LTChar) and self._is_unseen(letter):
            self.cur_item._objs.pop()
            if self._mode in _UNSEEN_MODES:
                self._read.append(letter)
            elif letter.get_text().strip():
                self.hidden += 1
        return float(advance)

    def end_page(self, page: Any) -> None:
        """See parent."""
        sheet = self.cur_item
        if any(_covers(item, sheet) for item in sheet._objs):
            sheet._objs.extend(self._read)
        else:
            self.hidden += sum(bool(letter.get_text().strip()) for letter in self._read)
        self._read = []
        super().end_page(page)

    def _is_unseen(self, letter: LTChar) -> bool:
        if self._mode in _UNSEEN_MODES or letter.size < _SMALLEST:
            return True
        if not isinstance(self.cur_item, LTFigure) and not letter.is_voverlap(self.cur_item):
            return True
        return _is_white(letter.graphicstate.ncolor) and not any(
            isinstance(item, (LTImage, LTFigure))
            or (isinstance(item, LTRect) and item.fill and not _is_white(item.non_stroking_color))
            for item in self.cur_item._objs
            if item is not letter and not isinstance(item, LTChar) and _holds(item, letter)
        )


def _is_white(colour: Any) -> bool:
    parts = colour if isinstance(colour, (tuple, list)) else (colour,)
    if not parts or not all(isinstance(part, (int, float)) for part in parts):
        return False
    return all(part <= 0.02 for part in parts) if len(parts) == 4 else all(part >= 0.98 for part in parts)


def _holds(item: Any, letter: LTChar) -> bool:
    middle = (letter.x0 + letter.x1) / 2, (letter.y0 + letter.y1) / 2
    return bool(item.x0 <= middle[0] <= item.x1 and item.y0 <= middle[1] <= item.y1)


def _covers(item: Any, sheet: Any) -> bool:
    """Whether an item is a picture over most of the page."""
    if isinstance(item, LTFigure):
        return any(_covers(part, sheet) for part in item._objs)
    return isinstance(item, LTImage) and item.width * item.height >= _SCAN * sheet.width * sheet.height
