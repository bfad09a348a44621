"""National ids are told by checksum, shape or the word before them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.national_ids import is_aadhaar, is_dni, is_insee, national_ids
from data.patterns import find_structured


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my DNI is 12345678Z", "12345678Z"),
        ("NIE X1234567L ok", "X1234567L"),
        ("NI number QQ 12 34 56 C", None),
        ("NI number AB 12 34 56 C", "AB123456C"),
        ("codice fiscale RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("insee 2 55 08 14 168 025 38", "255081416802538"),
        ("PAN ABCPE1234F", "ABCPE1234F"),
        ("passport no. 53308221K here", "53308221K"),
        ("my driver's license number is D612-4087", "D6124087"),
        ("护照号是E12345678", "E12345678"),
        ("my DNI is 12345678A", None),
    ],
)
def test_ids_are_found(text: str, value: str | None) -> None:
    assert [found for _, _, found in national_ids(text)] == ([value] if value else [])


def test_published_examples_fulfil_their_checksums() -> None:
    assert is_dni("12345678Z")
    assert is_insee("255081416802538")
    assert is_aadhaar("234123412346")


@given(st.integers(0, 10**8 - 1), st.integers(1, 22))
def test_every_other_letter_is_refused(number: int, shift: int) -> None:
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    assert is_dni(f"{number:08d}{letters[number % 23]}")
    assert not is_dni(f"{number:08d}{letters[(number + shift) % 23]}")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("the verification code is 4821", "4821"),
        ("OTP 93021 expired", "93021"),
        ("验证码是 123456", "123456"),
        ("取件码：8-2-3011", "8-2-3011"),
        ("cvv 123", "123"),
        ("password: Tr0ub4dor", "Tr0ub4dor"),
        ("password: correcthorse", "correcthorse"),
        ("密码是“abcdef”", "abcdef"),
        ("My PIN is 9503.", "9503"),
    ],
)
def test_codes_and_passwords_are_found(text: str, secret: str) -> None:
    assert [(s.kind, s.value) for s in find_structured(text)] == [("PASSWORD", secret)]


@pytest.mark.parametrize(
    "text", ["my password is wrong", "the code does not work", "I forgot the password again", "密码不对"]
)
def test_talk_about_passwords_holds_none(text: str) -> None:
    assert find_structured(text) == []
