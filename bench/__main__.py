"""`python -m bench list` names the benches, `python -m bench NAME [--json] [--quick]` runs one."""

from __future__ import annotations

import argparse
import importlib
import sys

from bench.page import write_page
from bench.printer import ROOT, CannotRun, Printer

BENCHES = {
    "import": "careline data build on a million messages: speed, memory, cores, growth",
    "learn": "careline learn on STAR beside TF-IDF and BM25; make demo and a spreadsheet, timed",
    "reuse": "answers that can be said again: precision and recall against judgements by hand",
    "redaction": "personal data found in English (beside Presidio) and Chinese; planted values that got through",
    "encoder": "encoder and head: int8 beside fp32 and eager torch; memory of a process that serves",
    "discover": "topics of BANKING77 without labels beside k-means; actively chosen labels beside random ones",
    "explanations": "whether the words that an explanation names matter: deletion test, occlusion and gradients",
    "lora": "low-rank adapters against full fine-tuning on BANKING77",
    "gpu": "training and FAISS on a graphics card; cannot run without one",
    "ranking": "the agent's answer among all (STAR) or 100 (TweetSumm) beside TF-IDF and BM25; moods; Chinese",
    "hybrid": "the product's search beside BM25 and vectors alone: paraphrased bank FAQs, STAR with context",
    "scale": "an index of a million answers: recall, time, memory, opening; batches beside raw FAISS",
    "intents": "BANKING77 with all its data: accuracy, minutes, what int8 costs",
    "few_shot": "BANKING77 with ten and with five examples an intent",
    "out_of_scope": "CLINC150: in scope, out of scope, calibration; texts that mean nothing",
    "turns": "turns a second, latency, long conversations, workers, beside stock Rasa 3.6.21",
    "invariants": "what the log promises, under kill -9 and cut sockets; take-overs; stock Rasa before the checker",
    "widget": "the chat: weight, time until it can be used, accessibility in every state, hostile words everywhere",
    "living_index": "one answer added to a million, seen elsewhere; writers killed with -9 at random moments",
    "replies": "the check of a language model's sentences; follow-ups read with the question they lean on",
    "entities": "order numbers, dates, amounts, products in messages beside plain patterns; sensitive topics",
    "readers": "how fast logs are read, in how much memory; where rows without ids are split",
}


def main() -> int:
    """Runs a bench; exit code 3 with a reason when it cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "name", choices=["list", "page", *BENCHES], help="which bench; `page` writes the last figures down"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="leave out what takes long, and say what")
    parser.add_argument("--only", help="one figure's group, where a bench has several")
    options = parser.parse_args()
    if options.name == "list":
        for name, summary in BENCHES.items():
            print(f"{name:14} {summary}")
        return 0
    if options.name == "page":
        print(write_page().relative_to(ROOT))
        return 0
    printer = Printer(options.name, options.json, options.quick)
    try:
        importlib.import_module(f"bench.{options.name}").run(printer, quick=options.quick, only=options.only)
    except CannotRun as error:
        print(f"bench {options.name}: {error}", file=sys.stderr)
        return 3
    finally:
        printer.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
