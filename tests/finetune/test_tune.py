"""Tuning on intents: the loss against brute force, and that it learns, on a few messages."""

import numpy as np
import pytest
import torch

from data.errors import InputError
from finetune.encoder import find_base, load_encoder
from finetune.recipe import load_recipe
from finetune.tune import Tuned, Tuning, neighbour_loss, tune_intents, tuning_of, two_ways
from finetune.upper import States, UpperLayers, by_length, thinned
from retrieval.encoder import TrainingEncoder

TEXTS = ["where is my parcel", "track my parcel", "when does it arrive", "send it back", "I want a refund", "return it"]
GOLD = np.array([0, 0, 0, 1, 1, 1])
SHORT = Tuning(frozen=5, epochs=2, batch=4)


@pytest.fixture(scope="module")
def base():
    return find_base(load_recipe("tiny").base_model)


def test_the_neighbours_loss_is_that_of_brute_force() -> None:
    random = np.random.default_rng(0)
    memory = random.normal(size=(6, 4))
    memory /= np.linalg.norm(memory, axis=1, keepdims=True)
    rows, expected = [1, 3], []
    for i in rows:
        raised = np.exp(memory @ memory[i] / 0.1)
        raised[i] = 0
        expected.append(-np.log(raised[GOLD[i] == GOLD].sum() / raised.sum()))
    gold, vectors = torch.tensor(GOLD), torch.tensor(memory)
    loss = neighbour_loss(vectors[rows], vectors, gold[rows], gold, torch.tensor(rows), temperature=0.1)
    assert float(loss) == pytest.approx(np.mean(expected))


def test_a_message_alone_in_its_class_has_no_neighbours() -> None:
    memory = torch.eye(3)
    gold = torch.arange(3)
    assert float(neighbour_loss(memory, memory, gold, gold, torch.arange(3), temperature=0.1)) == 0.0


def test_states_and_upper_layers_are_the_encoder(base) -> None:
    model = load_encoder(base, max_length=32, device="cpu")
    whole = TrainingEncoder(model).encode([*TEXTS, "", "x" * 100_000])
    upper = UpperLayers(model, frozen=2, longest=32)
    upper.bf16 = False
    parts = upper.encode(upper.states([*TEXTS, "", "x" * 100_000]))
    assert (whole * parts).sum(axis=1).min() > 0.999


def test_left_out_tokens_are_as_if_never_there(base) -> None:
    upper = UpperLayers(load_encoder(base, max_length=32, device="cpu"), frozen=2)
    upper.bf16 = False
    upper.layers.eval()
    states = upper.states(TEXTS)
    torch.manual_seed(3)
    offsets, there = thinned(
        torch.arange(int(states.lengths.max()))[None, :] < torch.tensor(states.lengths)[:, None], 0.5
    )
    kept = [places[seen].numpy() for places, seen in zip(offsets, there, strict=True)]
    rows = np.concatenate([start + places for start, places in zip(states.starts, kept, strict=False)])
    fewer = States(states.values[rows], np.cumsum([0, *map(len, kept)]))
    assert len(rows) < len(states.values)
    torch.manual_seed(3)
    with torch.no_grad():
        seen = upper.forward(states, np.arange(6), unseen=0.5)
        assert torch.allclose(seen, upper.forward(fewer, np.arange(6)), atol=1e-5)


def test_the_first_and_the_last_token_stay_and_so_many_others() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([40, 1, 2, 30]).repeat(200)
    offsets, there = thinned(torch.arange(40)[None, :] < lengths[:, None], 0.3)
    for places, seen, length in zip(offsets, there, lengths, strict=True):
        kept = places[seen].tolist()
        assert kept == sorted(set(kept))
        assert kept[0] == 0
        assert kept[-1] == length - 1
    shares = (there.sum(dim=1) - 2)[lengths > 2] / (lengths - 2)[lengths > 2]
    assert float(shares.mean()) == pytest.approx(0.7, abs=0.01)
    offsets, there = thinned(torch.arange(40)[None, :] < lengths[:, None], 0.0)
    assert torch.equal(there.sum(dim=1), lengths)
    assert (offsets == torch.arange(40)).all()


def test_tuning_learns_and_says_so(base) -> None:
    model = load_encoder(base, max_length=32, device="cpu")
    tuned = tune_intents(model, TEXTS, GOLD, classes=2, tuning=Tuning(frozen=5, epochs=6, batch=4))
    assert tuned.losses[-1] < tuned.losses[0]
    assert tuned.steps == 12
    vectors = TrainingEncoder(model).encode(TEXTS)
    logits = vectors @ tuned.class_layer[:, :-1].T + tuned.class_layer[:, -1]
    assert (logits.argmax(axis=1) == GOLD).all()


def test_the_same_seed_gives_the_same_weights(base) -> None:
    layers = [
        tune_intents(load_encoder(base, max_length=32, device="cpu"), TEXTS, GOLD, classes=2, tuning=SHORT).class_layer
        for _ in range(2)
    ]
    assert np.array_equal(*layers)


def test_two_runs_are_the_mean_of_each_from_the_same_start(base) -> None:
    ways, told = two_ways(SHORT), []

    def tuned(first, *others) -> tuple[Tuned, dict[str, torch.Tensor]]:
        model = load_encoder(base, max_length=32, device="cpu")
        found = tune_intents(
            model, TEXTS, GOLD, classes=2, tuning=first, others=others, progress=lambda done, _: told.append(done)
        )
        return found, {name: weight.clone() for name, weight in model[0].auto_model.named_parameters()}

    (one, first), (other, second), (both, mean) = tuned(ways[0]), tuned(ways[1]), tuned(*ways)
    assert any(not torch.equal(first[name], second[name]) for name in mean)
    assert all(torch.allclose(mean[name], (first[name] + second[name]) / 2, atol=1e-6) for name in mean)
    assert np.allclose(both.class_layer, (one.class_layer + other.class_layer) / 2, atol=1e-5)
    assert both.steps == one.steps + other.steps
    assert both.losses == one.losses + other.losses
    course = told[-both.steps :]
    assert course == sorted(course)
    assert course[-1] == 1.0


def test_two_ways_differ_and_share_the_time() -> None:
    longer, faster = two_ways(Tuning(epochs=6, minutes=40))
    assert (longer.epochs, longer.unseen, longer.minutes) == (8, 0.15, 20)
    assert (faster.epochs, faster.rate, faster.minutes) == (6, 2e-4, 20)


def test_a_loss_that_is_no_number_is_one_clear_line(base) -> None:
    model = load_encoder(base, max_length=32, device="cpu")
    with torch.no_grad():
        model[0].auto_model.encoder.layer[-1].output.dense.weight[0, 0] = float("nan")
    with pytest.raises(InputError, match="a loss of nan"):
        tune_intents(model, TEXTS, GOLD, classes=2, tuning=SHORT)


def test_few_messages_are_passed_over_more_often() -> None:
    few, many = tuning_of(100, 20, minutes=1), tuning_of(10_000, 77, minutes=1)
    assert few.epochs > many.epochs
    assert tuning_of(10_000, 10_000, minutes=1).epochs >= 4


def test_batches_hold_each_row_once() -> None:
    lengths = np.array([5, 1, 9, 2, 2, 7, 3])
    assert sorted(np.concatenate(list(by_length(lengths, 3)))) == list(range(7))
