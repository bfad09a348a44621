"""Training a small addition instead of the weights, through peft: LoRA, AdaLoRA, IA3, prefix; merged before export.

LoRA: Hu et al. 2021, arXiv:2106.09685, section 4. AdaLoRA: Zhang et al. 2023, arXiv:2303.10512. IA3: Liu et al. 2022,
arXiv:2205.05638, section 3.3. Prefix: Li and Liang 2021, arXiv:2101.00190.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data.errors import InputError
from finetune.recipe import Recipe

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn

ADAPTED = ("lora", "adalora", "ia3", "prefix")
"""Methods that add weights."""

MERGED = ("lora", "adalora", "ia3")
"""Methods whose addition can be folded into the weights, so that serving costs nothing more."""

_LAYER_OUTPUT = r".*layer\.\d+\.output\.dense"


def adapt(model: SentenceTransformer, recipe: Recipe, *, new_tokens: int = 0, steps: int = 1000) -> None:
    """Puts the recipe's adapter into a model and leaves only that, and new tokens, free to learn.

    Args:
        model: Changed in place.
        recipe: For the method, rank, targets; layers below ``frozen_layers`` get no addition.
        new_tokens: The last so many rows of the embedding matrix stay free.
        steps: Expected, for AdaLoRA's schedule.

    Raises:
        InputError: The base model has no layers of the names that the recipe targets.
    """
    from peft import get_peft_model

    inner = model[0].auto_model
    try:
        wrapped = get_peft_model(inner, _config(recipe, len(inner.encoder.layer), steps))
    except ValueError as error:
        raise InputError(
            "adapter_targets", got=", ".join(recipe.adapter_targets), expected="endings of names of linear layers",
            next_step=f"Mend the recipe {recipe.name} for the base model {recipe.base_model}.",
        ) from error  # fmt: skip
    if recipe.method == "prefix":
        wrapped.base_model.encoder.register_forward_pre_hook(_with_prefix, with_kwargs=True)
        model[0].register_forward_hook(_without_mask_of_prefix)
    _place(model, wrapped)
    if new_tokens:
        from finetune.encoder import only_new_tokens

        only_new_tokens(inner, new_tokens)


def merge(model: SentenceTransformer) -> None:
    """Folds the adapter into the weights where that is possible; a prefix stays, a plain model is left alone."""
    wrapped = model[0].auto_model
    if hasattr(wrapped, "merge_and_unload") and not is_prefixed(model):
        _place(model, wrapped.merge_and_unload())


def is_prefixed(model: SentenceTransformer) -> bool:
    """Whether a prefix is part of the model: it cannot be merged, and is exported as a part of the graph."""
    config = getattr(model[0].auto_model, "active_peft_config", None)
    return bool(getattr(config, "is_prompt_learning", False))


def trained_share(model: nn.Module) -> float:
    """Weights that learn over all weights of the encoder, 0..1."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    total = sum(size for size, _ in sizes)
    return sum(size for size, free in sizes if free) / total if total else 0.0


def _place(model: SentenceTransformer, transformer: Any) -> None:
    model[0].model = transformer


def _config(recipe: Recipe, depth: int, steps: int) -> Any:
    from peft import AdaLoraConfig, IA3Config, LoraConfig, PrefixTuningConfig

    layers = list(range(max(0, recipe.frozen_layers), depth))
    if recipe.method == "prefix":
        return PrefixTuningConfig(num_virtual_tokens=recipe.prefix_tokens, task_type="FEATURE_EXTRACTION")
    if recipe.method == "ia3":
        return IA3Config(target_modules=rf".*(key|value)|{_LAYER_OUTPUT}", feedforward_modules=_LAYER_OUTPUT)
    shared: dict[str, Any] = {
        "target_modules": list(recipe.adapter_targets), "exclude_modules": r".*pooler.*",
        "lora_alpha": recipe.adapter_alpha, "lora_dropout": recipe.adapter_dropout, "layers_to_transform": layers,
    }  # fmt: skip
    if recipe.method == "lora":
        return LoraConfig(r=recipe.adapter_rank, **shared)
    begin, end = steps // 10, steps // 2
    return AdaLoraConfig(
        init_r=recipe.adapter_rank + recipe.adapter_rank // 2, target_r=recipe.adapter_rank,
        total_step=max(10, steps), tinit=begin, tfinal=max(1, end - begin), **shared,
    )  # fmt: skip


def _with_prefix(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """An encoder drops past keys and values unless told to use its cache; the prefix is just these."""
    return args, {**kwargs, "use_cache": True}


def _without_mask_of_prefix(module: Any, args: Any, features: dict[str, Any]) -> dict[str, Any]:
    """sentence-transformers lengthens the mask by the prefix, for methods whose output is longer; here it is not."""
    tokens = features["token_embeddings"].shape[1]
    return {**features, "attention_mask": features["attention_mask"][:, -tokens:]}
