"""What every encoder must do; each implementation's test module calls ``check_encoder``."""

from __future__ import annotations

import numpy as np

from retrieval.encoder import Encoder, coverage

TEXTS = [
    "Where is my order?",
    "",
    "   \n\t",
    "?!",
    "我的包裹什么时候到？",
    "How long does delivery to Canada take, and what does it cost when I need two tents by Friday?",
    "Where is my order?",
    "🙂" * 5,
    "x" * 5000,
]


def check_encoder(encoder: Encoder, *, cosine: float = 1 - 1e-5) -> None:
    """Runs the contract list.

    Args:
        encoder: Under test.
        cosine: Least cosine between a text's vector in a batch and alone; lower for quantised graphs.
    """
    batch = encoder.encode(TEXTS)
    assert batch.shape == (len(TEXTS), encoder.dim)
    assert batch.dtype == np.float32
    assert np.isfinite(batch).all()
    np.testing.assert_allclose(np.linalg.norm(batch, axis=1), 1.0, atol=1e-4)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert ((batch * alone).sum(axis=1) >= cosine).all(), "batch differs from one by one"
    np.testing.assert_array_equal(encoder.encode(TEXTS[:1]), encoder.encode(TEXTS[:1]))
    pieces = encoder.encode(TEXTS, batch_size=2)
    assert ((batch * pieces).sum(axis=1) >= cosine).all(), "the batch size matters"
    assert encoder.encode([]).shape == (0, encoder.dim)
    shares = coverage(encoder, TEXTS)
    assert shares.shape == (len(TEXTS),)
    assert ((shares >= 0) & (shares <= 1)).all()
