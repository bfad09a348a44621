"""The third lot of judged messages of the bench `reuse`: drawn from what no earlier lot holds, with weights.

Few messages are answers, so a plain draw judges mostly others. Here the messages of a log are put into two strata by a
cheap score (words and pairs of words, fitted on the verdicts of the earlier lots), and each gives half of what is
drawn. A row's weight says how many messages of its log's pool it stands for, so that weighted shares are estimates for
the log and not for the draw. The score only chooses what is looked at: the judge does not see it.

- ``blind2`` (800 rows) is for the figures. Its conversations are in no other lot. TweetSumm has only 99 such
  conversations left, and all their 359 new wordings are taken (weight 1); STAR gives the other 441.
- ``learn`` (1,600 rows) is for fitting. STAR's come from conversations in no other lot, TweetSumm's from conversations
  that earlier lots have met, in wordings that they have not.

``python -m bench.reuse_lots FOLDER`` writes both with their texts, for those who judge. Not for the repository.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.reuse import ANSWER, BLIND, LOGS, Drawn, first_wordings, labels_of, said_in

EARLIER = ("tune", "report", "tune2", "blind")
LEARN = "learn"
SIZES = {("star", BLIND): 441, ("tweetsumm", BLIND): 359, ("star", LEARN): 800, ("tweetsumm", LEARN): 800}
RICH = 0.2
"""Share of a pool, those of the highest score, that gives half of what is drawn."""
BLIND_SHARE = 0.4
"""Share of STAR's unmet conversations that are kept for ``blind2``."""
SEED = 5


@dataclass(frozen=True)
class Lotted:
    """A message of the third lot.

    Attributes:
        message: What was drawn.
        half: ``blind2`` or ``learn``.
        weight: How many messages of the pool it stands for.
    """

    message: Drawn
    half: str
    weight: float


def draw_lot(log: str) -> list[Lotted]:
    """Draws the third lot of one log, ``blind2`` first, in random order."""
    said = said_in(log)
    judged = {row.place: row.verdict for row in labels_of(EARLIER) if row.log == log}
    met = {conversation for conversation, _ in judged}
    old = [message for message in said if (message.conversation, message.turn) in judged]
    known = {message.key for message in old}
    rng = random.Random(SEED)
    rng.shuffle(said)
    unmet = sorted({message.conversation for message in said} - met)
    rng.shuffle(unmet)
    kept = set(unmet[: round(BLIND_SHARE * len(unmet))]) if log == "star" else set(unmet)
    pools = {
        BLIND: [m for m in said if m.conversation in kept],
        LEARN: [m for m in said if m.conversation not in kept and (log != "star" or m.conversation not in met)],
    }
    right = [judged[message.conversation, message.turn] == ANSWER for message in old]
    found: list[Lotted] = []
    for half, pool in pools.items():
        fresh = list(first_wordings(pool, known))
        known |= {message.key for message in fresh}
        scores = _scores([m.text for m in old], right, [m.text for m in fresh])
        found += [Lotted(message, half, weight) for message, weight in _strata(fresh, scores, SIZES[log, half], rng)]
    return found


def _scores(texts: Sequence[str], right: Sequence[bool], fresh: Sequence[str]) -> NDArray[np.float64]:
    """(fresh,) how much each looks like what was judged an answer before."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=3.0, max_iter=1000, class_weight="balanced").fit(words.fit_transform(texts), right)
    return np.asarray(model.decision_function(words.transform(fresh)))


def _strata(
    pool: Sequence[Drawn], scores: NDArray[np.float64], size: int, rng: random.Random
) -> list[tuple[Drawn, float]]:
    """Half of ``size`` from the best-scored stratum, half from the rest, shuffled; or simply all."""
    if size >= len(pool):
        return [(message, 1.0) for message in pool]
    order = np.argsort(-scores, kind="stable").tolist()
    cut = round(RICH * len(pool))
    chosen: list[tuple[Drawn, float]] = []
    for stratum, wanted in ((order[:cut], size - size // 2), (order[cut:], size // 2)):
        count = min(wanted, len(stratum))
        chosen += [(pool[place], len(stratum) / count) for place in rng.sample(stratum, count)]
    rng.shuffle(chosen)
    return chosen


def write_lot(folder: Path) -> None:
    """Writes each log's lot with texts, one numbered line a message."""
    for log in LOGS:
        with (folder / f"{log}3.tsv").open("w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out, delimiter="\t")
            for number, row in enumerate(draw_lot(log)):
                m = row.message
                rows.writerow(
                    [number, row.half, f"{row.weight:.4f}", m.conversation, m.turn, m.text.replace("\n", " / ")]
                )


if __name__ == "__main__":
    write_lot(Path(sys.argv[1]))
