"""Which words mattered by integrated gradients: offline, on the training model, to compare with occlusion.

``python -m finetune.gradients MODEL_FOLDER`` reads a JSON object a line with ``text`` and optionally ``intent``, and
writes one with ``text``, ``intent`` and ``words``; serving and the console never load torch for it.

Integrated gradients (Sundararajan, Taly and Yan 2017) go from the embeddings of a text of padding to those of the
message; what a word's tokens sum up to is how much they raise the logit of the intent. The model is the float one from
before quantisation, and the n-grams of the head have no gradient: both are why occlusion, which asks the served model,
is what the product shows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.artifacts import ModelLayout
from data.errors import InputError
from finetune.encoder import quiet
from retrieval.encoder import EncoderConfig
from retrieval.head import LinearHead
from retrieval.occlusion import Word, parts_of

STEPS = 32
"""Of the integral; on short messages the sum of attributions is then within a few percent of the logit's change."""

_ROOT = Path(__file__).resolve().parent.parent


class Gradients:
    """Integrated gradients of an intent's logit.

    Args:
        model: A sentence-transformers model with mean pooling, in float.
        head: Over its vectors.
        prompt: Put before each text.
    """

    def __init__(self, model: Any, head: LinearHead, *, prompt: str = "") -> None:
        import torch

        self.head, self.prompt = head, prompt
        self.tokenizer, self.transformer = model.tokenizer, model[0].auto_model.to("cpu").eval()
        self.max_length = int(model.max_seq_length)
        self._weights = torch.from_numpy(np.ascontiguousarray(head.dense_weights / head.temperature, dtype=np.float32))

    @classmethod
    def load(cls, layout: ModelLayout) -> Gradients:
        """Opens the checkpoint of a model.

        Raises:
            InputError: The model has no checkpoint or no intent head, or they do not fit together.
        """
        for path, what in ((layout.checkpoint, "the checkpoint"), (layout.intent_head, "an intent head")):
            if not path.exists():
                raise InputError(str(layout.folder), got=f"no {path.name}", expected=what,
                                 next_step="Explain by occlusion, which needs neither.")  # fmt: skip
        with quiet():
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(layout.checkpoint), device="cpu")
        head, config = LinearHead.load(layout.intent_head), EncoderConfig.load(layout.encoder_config)
        model.max_seq_length = config.max_length
        if head.dim != int(model.get_embedding_dimension() or 0):
            raise InputError(
                str(layout.folder), got=f"a head over {head.dim} dimensions",
                expected=f"the encoder's {model.get_embedding_dimension()}", next_step="Explain by occlusion.",
            )  # fmt: skip
        return cls(model, head, prompt=config.prompt)

    def words(self, text: str, label: str) -> tuple[Word, ...]:
        """How much each word raises the logit of an intent.

        Args:
            text: A message; what lies beyond the model's length has weight 0.
            label: One of the head's.

        Returns:
            The same words as ``retrieval.occlusion.occlude`` has, in order. Weights are logits, not probabilities.
        """
        spans = parts_of(text)
        if not spans:
            return ()
        encoded = self.tokenizer(
            self.prompt + text, truncation=True, max_length=self.max_length, return_offsets_mapping=True
        )
        weights = self._token_weights(encoded, label)
        totals = [0.0] * len(spans)
        for (start, end), weight in zip(encoded["offset_mapping"], weights, strict=True):
            middle = (start + end) / 2 - len(self.prompt)
            at = next((i for i, (a, b) in enumerate(spans) if end > start and a <= middle <= b), None)
            if at is not None:
                totals[at] += float(weight)
        return tuple(Word(text[a:b], a, b, total) for (a, b), total in zip(spans, totals, strict=True))

    def _token_weights(self, encoded: Any, label: str) -> Any:
        """(tokens,) attributions."""
        import torch
        from captum.attr import LayerIntegratedGradients  # type: ignore[import-untyped]

        ids = torch.tensor([encoded["input_ids"]])  # (1, tokens)
        mask = torch.ones_like(ids)
        empty = torch.full_like(ids, self.tokenizer.pad_token_id or 0)
        for place, token in enumerate(encoded["input_ids"]):
            if token in self.tokenizer.all_special_ids:
                empty[0, place] = token
        weight = self._weights[self.head.labels.index(label)]  # (dim,)

        def logit(given: Any, attention: Any) -> Any:
            hidden = self.transformer(input_ids=given, attention_mask=attention).last_hidden_state
            column = attention.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
            pooled = (hidden * column).sum(dim=1) / column.sum(dim=1)  # (batch, dim)
            return torch.nn.functional.normalize(pooled, dim=1) @ weight

        method = LayerIntegratedGradients(logit, self.transformer.get_input_embeddings())
        found = method.attribute(
            ids, baselines=empty, additional_forward_args=(mask,), n_steps=STEPS, internal_batch_size=STEPS
        )
        return found.sum(dim=-1)[0].detach().numpy()  # (1, tokens, dim) -> (tokens,)


def gradient_words(model: ModelLayout, asked: Sequence[tuple[str, str]]) -> list[tuple[Word, ...]]:
    """Asks a process of its own, so that the caller stays without torch.

    Args:
        model: The model.
        asked: (text, intent) pairs.

    Raises:
        InputError: What the process says about the model.
    """
    lines = "".join(json.dumps({"text": text, "intent": intent}) + "\n" for text, intent in asked)
    command = [sys.executable, "-m", "finetune.gradients", str(model.folder.resolve())]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=_ROOT, check=False)
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"gradients of {model.folder.name}", got=told.removeprefix("careline: "),
                         expected="a model that can be differentiated", next_step="Leave out --gradients.")  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [tuple(Word(**word) for word in row["words"]) for row in rows]


def main(arguments: Sequence[str], lines: Iterable[str]) -> int:
    """Answers each line of JSON with one; exit code 2 and one line for bad input."""
    if len(arguments) != 1:
        print("careline: usage: python -m finetune.gradients MODEL_FOLDER < questions.jsonl", file=sys.stderr)
        return 2
    try:
        gradients = Gradients.load(ModelLayout(Path(arguments[0])))
        for line in lines:
            asked = json.loads(line)
            if asked["intent"] not in gradients.head.labels:
                raise InputError(
                    "intent", got=asked["intent"], expected="one that the model knows", next_step="Mend it."
                )
            words = gradients.words(asked["text"], asked["intent"])
            row = {"text": asked["text"], "intent": asked["intent"], "words": [word.to_json() for word in words]}
            print(json.dumps(row, ensure_ascii=False), flush=True)
    except (InputError, json.JSONDecodeError, KeyError) as error:
        print(f"careline: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin))
