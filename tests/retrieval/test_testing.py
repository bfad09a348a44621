from retrieval.testing import HashEncoder
from tests.contracts.encoder_contract import check_encoder


def test_hash_encoder_keeps_the_contract() -> None:
    check_encoder(HashEncoder(dim=32))


def test_like_texts_are_near() -> None:
    a, b, c = HashEncoder(dim=256).encode(["where is my parcel", "where is the parcel", "冲锋衣怎么洗"])
    assert a @ b > 0.4 > a @ c
