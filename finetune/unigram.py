"""Tokenizers that split into the likeliest pieces (sentencepiece's unigram), rebuilt and cut to what a log needs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

SPACE = "\u2581"
"""What stands for a space before a word in sentencepiece's pieces."""

KEPT_TILDE, _STAND_IN = "\uff5e", "\ue000"
"""NFKC turns the wide tilde of Chinese chat into ``~``; sentencepiece leaves it alone."""

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")

_BATCH = 1000


def unigram_tokenizer(pieces: Sequence[str], scores: Sequence[float], *, unknown: int) -> Tokenizer:
    """XLM-RoBERTa's tokenizer of pieces and their log probabilities.

    Args:
        pieces: (n,) text of each piece; a leading ``SPACE`` means that a word begins.
        scores: (n,) log probabilities (Kudo 2018, arXiv:1804.10959, section 3.2).
        unknown: Number of the piece that stands for what no piece covers.

    Returns:
        A tokenizer that puts ``<s>`` before and ``</s>`` behind a text.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    rows = [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)]
    tokenizer = Tokenizer(models.Unigram(rows, unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(KEPT_TILDE, _STAND_IN),
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(_STAND_IN, KEPT_TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(SPACE, prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(SPACE, prepend_scheme="always")
    ends = [("<s>", pieces.index("<s>")), ("</s>", pieces.index("</s>"))]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ends)
    special = [name for name in (*SPECIAL, "<mask>") if name in pieces]
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in special])
    return tokenizer


def prune_vocabulary(model: SentenceTransformer, texts: Iterable[str], *, most: int) -> int:
    """Drops the pieces of a unigram tokenizer that a log has no use for, with their rows of the embedding matrix.

    XLM-RoBERTa's 250,002 pieces serve a hundred languages and are four fifths of multilingual-e5-small. Kept are the
    pieces that the texts are split into, every single character of the texts' scripts, of ASCII and of punctuation,
    and the likeliest pieces of those scripts. The texts are split as before; another text in these scripts at worst
    into shorter pieces.

    Args:
        model: Changed in place; a model with another kind of tokenizer stays as it is.
        texts: The log.
        most: Pieces to keep besides those that the texts need; 0 keeps all.

    Returns:
        The number of dropped pieces.
    """
    state = json.loads(model.tokenizer.backend_tokenizer.to_str())
    if not most or state["model"]["type"] != "Unigram":
        return 0
    pieces = [piece for piece, _ in state["model"]["vocab"]]
    used, scripts = _needs(model.tokenizer.backend_tokenizer, list(texts))
    used |= {token["id"] for token in state["added_tokens"]}
    kept = _kept(pieces, used, scripts, most)
    if len(kept) == len(pieces):
        return 0
    _keep_rows(model, kept)
    _keep_pieces(model, state, kept)
    return len(pieces) - len(kept)


def script_of(character: str) -> str:
    """``LATIN``, ``CJK``, ``CYRILLIC``, …; empty for digits, punctuation and what is of no script."""
    if character.isascii():
        return "LATIN" if character.isalpha() else ""
    return unicodedata.name(character, "").split(" ")[0].removesuffix("-") if character.isalpha() else ""


def _needs(tokenizer: Tokenizer, texts: list[str]) -> tuple[set[int], set[str]]:
    """The pieces that texts are split into, and the scripts that they are written in."""
    used: set[int] = set()
    characters: set[str] = set()
    for start in range(0, len(texts), _BATCH):
        some = texts[start : start + _BATCH]
        characters.update(*(unicodedata.normalize("NFKC", text) for text in some))
        for row in tokenizer.encode_batch(some):
            used.update(row.ids)
    return used, {"LATIN", *map(script_of, characters)}


def _kept(pieces: Sequence[str], used: set[int], scripts: set[str], most: int) -> NDArray[np.int64]:
    """Numbers of the pieces that stay, in order. Pieces are sorted by their probability, the likeliest first."""
    kept, room = set(used), most
    for number, piece in enumerate(pieces):
        if number in kept:
            continue
        letters = {script_of(c) for c in piece if c != SPACE}
        if not letters <= scripts | {""}:
            continue
        if len(piece.removeprefix(SPACE)) <= 1:
            kept.add(number)
        elif room:
            kept.add(number)
            room -= 1
    return np.array(sorted(kept), dtype=np.int64)


def _keep_rows(model: SentenceTransformer, kept: NDArray[np.int64]) -> None:
    import torch
    from torch import nn

    transformer = model[0].auto_model
    table = transformer.get_input_embeddings()
    rows = table.weight.detach()[torch.from_numpy(kept).to(table.weight.device)].clone()  # (kept, dim)
    smaller = nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=table.padding_idx)
    transformer.set_input_embeddings(smaller)
    transformer.config.vocab_size = len(kept)


def _keep_pieces(model: SentenceTransformer, state: dict[str, Any], kept: NDArray[np.int64]) -> None:
    """Puts a tokenizer of the kept pieces in the place of the model's."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    number = {int(old): new for new, old in enumerate(kept)}
    before = model.tokenizer
    state["model"]["vocab"] = [state["model"]["vocab"][old] for old in kept]
    state["model"]["unk_id"] = number[state["model"]["unk_id"]]
    for token in state["added_tokens"]:
        token["id"] = number[token["id"]]
    for token in (state.get("post_processor") or {}).get("special_tokens", {}).values():
        token["ids"] = [number[old] for old in token["ids"]]
    model[0].processor = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        model_max_length=before.model_max_length,
        **{f"{name}_token": getattr(before, f"{name}_token") for name in ("bos", "eos", "unk", "pad", "cls", "sep")},
        **({"mask_token": before.mask_token} if before.mask_token in dict.fromkeys(before.all_special_tokens) else {}),
    )
