"""A smaller student: fewer layers, fewer word pieces, and the whole encoder's vectors to learn from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from data.errors import InputError
from finetune.examples import Kept
from finetune.recipe import Recipe
from retrieval.encoder import TrainingEncoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MOST_TAUGHT = 4000
"""Texts, at most, whose vectors the whole encoder teaches the student."""


def shrink(model: SentenceTransformer, texts: Sequence[str], recipe: Recipe) -> tuple[Kept | None, dict[str, int]]:
    """Makes the student that a recipe asks for.

    Args:
        model: Changed in place.
        texts: The training split.
        recipe: ``keep_layers`` and ``prune_vocabulary``; with neither nothing happens.

    Returns:
        What the whole encoder says of a sample of the texts, as soft targets (None where no layer was dropped: the
        student then says the same by itself), and how many layers and pieces were dropped.

    Raises:
        InputError: More layers are to be kept than there are.
    """
    dropped: dict[str, int] = {}
    taught = None
    if recipe.prune_vocabulary:
        dropped["pieces"] = prune_wordpieces(model, texts, most=recipe.prune_vocabulary)
    if recipe.keep_layers:
        order = np.random.default_rng(recipe.seed).permutation(len(texts))[:MOST_TAUGHT]
        sample = [texts[i] for i in order]
        vectors = TrainingEncoder(model, prompt=recipe.prompt).encode(sample)
        dropped["layers"] = keep_layers(model, recipe.keep_layers)
        taught = Kept(tuple(sample), vectors) if dropped["layers"] else None
    return taught, dropped


def keep_layers(model: SentenceTransformer, count: int) -> int:
    """Keeps so many transformer layers, evenly spaced with the first and the last among them.

    Every second layer is what DistilBERT starts from (Sanh et al. 2019, arXiv:1910.01108, section 3).

    Args:
        model: Changed in place.
        count: Layers that stay.

    Returns:
        The number of dropped layers.

    Raises:
        InputError: There are not so many.
    """
    from torch.nn import ModuleList

    transformer = model[0].auto_model
    layers = list(transformer.encoder.layer)
    if not 1 <= count <= len(layers):
        raise InputError(
            "keep_layers", got=str(count), expected=f"1 to {len(layers)}, as the base model has", next_step="Mend it."
        )
    chosen = sorted({round(i) for i in np.linspace(0, len(layers) - 1, count)}) if count > 1 else [len(layers) - 1]
    transformer.encoder.layer = ModuleList([layers[i] for i in chosen])
    transformer.config.num_hidden_layers = len(chosen)
    return len(layers) - len(chosen)


def prune_wordpieces(model: SentenceTransformer, texts: Iterable[str], *, most: int) -> int:
    """Drops the word pieces that a log has no use for, with their rows of the embedding matrix.

    Kept are the special tokens, the pieces that the texts are split into, single characters, and the first ``most``
    pieces of the vocabulary, which BERT's makers sorted by frequency. The texts are split as before; a word that is
    nowhere in them at worst into shorter pieces.

    Args:
        model: Changed in place; one whose tokenizer is no WordPiece stays as it is.
        texts: The log.
        most: Of the commonest pieces to keep besides those that the texts need.

    Returns:
        The number of dropped pieces.
    """
    tokenizer = model.tokenizer.backend_tokenizer
    state = json.loads(tokenizer.to_str())
    if state["model"]["type"] != "WordPiece":
        return 0
    vocabulary: dict[str, int] = state["model"]["vocab"]
    used = {i for line in tokenizer.encode_batch(list(texts), add_special_tokens=True) for i in line.ids}
    used |= {token["id"] for token in state["added_tokens"]} | {0}
    ordered = sorted(vocabulary, key=vocabulary.__getitem__)
    plain = [piece for piece in ordered if not piece.startswith("[unused")]
    common = set(plain[:most])
    kept = [
        piece for piece in ordered if vocabulary[piece] in used or piece in common or len(piece.removeprefix("##")) == 1
    ]
    if len(kept) == len(ordered):
        return 0
    _keep_rows(model, [vocabulary[piece] for piece in kept])
    _keep_pieces(model, state, kept)
    return len(ordered) - len(kept)


def _keep_rows(model: SentenceTransformer, rows: list[int]) -> None:
    import torch

    transformer = model[0].auto_model
    old = transformer.get_input_embeddings()
    new = torch.nn.Embedding(len(rows), old.embedding_dim, padding_idx=0, device=old.weight.device)
    with torch.no_grad():
        new.weight.copy_(old.weight[rows])
    transformer.set_input_embeddings(new)
    transformer.config.vocab_size = len(rows)


def _keep_pieces(model: SentenceTransformer, state: dict[str, object], kept: list[str]) -> None:
    """A tokenizer with the same rules over fewer pieces, numbered anew."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    place = {piece: i for i, piece in enumerate(kept)}
    before = model.tokenizer
    names = ("unk", "pad", "cls", "sep", "mask")
    model[0].processor = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(_renumbered(state, place))),
        model_max_length=before.model_max_length,
        **{f"{name}_token": getattr(before, f"{name}_token") for name in names},
    )


def _renumbered(state: dict[str, object], place: dict[str, int]) -> dict[str, object]:
    made = json.loads(json.dumps(state))
    made["model"]["vocab"] = place
    for token in made["added_tokens"]:
        token["id"] = place[token["content"]]
    special = (made.get("post_processor") or {}).get("special_tokens")
    if isinstance(special, dict):
        for name, entry in special.items():
            entry["ids"] = [place[name]]
    processor = made.get("post_processor") or {}
    for side in ("sep", "cls"):
        if isinstance(processor.get(side), list):
            processor[side][1] = place[processor[side][0]]
    return dict(made)
