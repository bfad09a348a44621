import numpy as np
import pytest

from retrieval.fuse import fuse


def test_fusion_by_hand() -> None:
    fused = fuse([[2, 0], [0, 2, 1], []], 4, constant=10)
    assert fused.tolist() == pytest.approx([(11 / 12 + 1) / 2, 11 / 13 / 2, (1 + 11 / 12) / 2, 0])


def test_what_is_first_everywhere_gets_one_and_no_lists_get_nothing() -> None:
    assert fuse([[1], [1, 0]], 2)[1] == 1
    assert not fuse([], 3).any()
    assert fuse([np.zeros(0, dtype=np.int64)], 0).shape == (0,)
