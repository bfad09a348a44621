"""Folders, tables and feeds to answers; what cannot be read is left out in one line, the rest is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.articles.intake import Imported, read_source
from data.articles.options import Options
from data.articles.products import Money, read_money
from data.articles.sources import answers_in, compare, drop_source, read_about, sources_in, write_source
from data.errors import InputError
from data.schema import Answer

HELP = Options("help")


def by_question(made: Imported) -> dict[str, Answer]:
    return {question: answer for answer in made.answers for question in answer.questions}


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_folder_becomes_answers_with_titles_addresses_and_audience(tmp_path: Path) -> None:
    write(
        tmp_path,
        delivery_md="# Delivery\n\n## How long does it take?\nTwo days.\n\n## Costs\nFree.\n",
        zh__tuihuo_md="---\naudience: signed_in\ntags: 退货\nvalid_until: 2027-01-01\n---\n"
        "# 退货\n\n60天内可以退货。\n",
    )
    made = read_source(tmp_path, Options("help", tags=("web",), url_prefix="https://shop.example/help"))
    first, costs, chinese = made.answers
    assert (first.text, first.title) == ("Two days.", "Delivery › How long does it take?")
    assert first.questions == ("How long does it take?",)
    assert (first.url, first.source, first.language) == ("https://shop.example/help/delivery", "article", "en")
    assert costs.questions == ("Costs?", "Delivery: Costs?")
    assert (chinese.language, chinese.audience, chinese.tags) == ("zh", "signed_in", ("web", "退货"))
    assert chinese.valid_until == 1_798_761_600.0
    assert made.kinds == {"articles": 2}


def test_an_edited_paragraph_keeps_its_id(tmp_path: Path) -> None:
    write(tmp_path, a_md="# A\n\n## One\nold text\n\n## Two\nsame\n")
    before = read_source(tmp_path, HELP).answers
    write(tmp_path, a_md="# A\n\n## New\nfirst\n\n## One\nnew text\n\n## Two\nsame\n")
    after = read_source(tmp_path, HELP).answers
    found = compare(before, after)
    assert [len(ids) for ids in (found.added, found.changed, found.gone)] == [1, 1, 0]
    assert found.changed == (before[0].id,)
    assert found.same == 1
    assert read_source(tmp_path, Options("other")).answers[0].id != after[0].id


def test_what_cannot_be_read_is_named_and_the_rest_imported(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("# Secret\n\nsecret")
    folder = write(
        tmp_path / "help",
        good_md="# A\n\nfine",
        empty_md="",
        script_html="<html><body><script>alert('x')</script></body></html>",
        hidden_html="<p style='display:none'>evil words</p>",
        broken_xml="<rss><channel><item><title>x</title>",
        bomb_xml='<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><rss><item><title>&b;</title></item></rss>',
        file_xml='<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><item><title>&b;</title></item></a>',
        scan_pdf="no pdf",
        bad_docx="no zip",
        binary_md=bytes(range(256)) * 20,
        odd_csv="colour,height\nred,2\n",
        movie_mp4="x",
        fill_md="# B\n\nDear {name}",
        heads_md="# A\n\n## B\n",
        date_md="---\nvalid_from: tomorrow\n---\n# C\n\ntext",
    )
    os.symlink(outside, folder / "link.md")
    os.symlink(tmp_path, folder / "folder")
    made = read_source(folder, HELP, unsayable=lambda text: "{" in text)
    assert [answer.text for answer in made.answers] == ["fine"]
    told = dict(made.left_out)
    expected = {
        "empty.md": "empty", "script.html": "no text that a person sees", "hidden.html": "10 characters are hidden",
        "broken.xml": "broken XML at line 1", "bomb.xml": "entities", "file.xml": "entities", "scan.pdf": "PDF",
        "bad.docx": "damaged DOCX", "binary.md": "binary", "odd.csv": "expected question and answer",
        "movie.mp4": "not read", "B": "never filled in", "date.md": "expected a date", "link.md": "leaves the folder",
        "folder": "not followed", "heads.md": "without a text",
    }  # fmt: skip
    assert set(told) == set(expected)
    assert (made.files, made.kinds) == (2, {"articles": 2})
    for place, reason in expected.items():
        assert reason in told[place], place
        assert "\n" not in told[place]


def test_encodings_are_told(tmp_path: Path) -> None:
    text = "# 配送\n\n普通快递两到四个工作日送达，下午两点前的订单当天发货。\n"
    write(tmp_path, a_md=text.encode("gb18030"), b_md=text.encode("utf-16"), d_md=b"\xef\xbb\xbf" + text.encode())
    page = "<html><head><meta charset='gb2312'></head><body><p>普通快递两到四个工作日送达</p></body></html>"
    write(tmp_path, c_html=page.encode("gb18030"))
    made = read_source(tmp_path, HELP)
    assert not made.left_out
    assert {answer.text[:4] for answer in made.answers} == {"普通快递"}


@pytest.mark.parametrize(
    "case",
    ["missing", "empty", "ending", "name", "audience", "kind", "language", "prefix", "dates", "map", "nothing"],
)
def test_a_source_without_anything_is_refused(tmp_path: Path, case: str) -> None:
    write(tmp_path, a_md="# A\n\ntext", b_exe="x", sub__c_md="")
    (tmp_path / "none").mkdir()
    path, options = {
        "missing": (tmp_path / "no", HELP),
        "empty": (tmp_path / "none", HELP),
        "ending": (tmp_path / "b.exe", HELP),
        "name": (tmp_path, Options("../x")),
        "audience": (tmp_path, Options("a", audience="all of them")),  # type: ignore[arg-type]
        "kind": (tmp_path, Options("a", kind="articles")),  # type: ignore[arg-type]
        "language": (tmp_path, Options("a", language="zh-CN")),
        "prefix": (tmp_path, Options("a", url_prefix="javascript:alert(1)")),
        "dates": (tmp_path, Options("a", valid_from=2.0, valid_until=1.0)),
        "map": (tmp_path, Options("a", mapping="nonsense=x")),
        "nothing": (tmp_path / "sub", HELP),
    }[case]
    with pytest.raises(InputError) as refused:
        read_source(path, options)
    assert "\n" not in str(refused.value)


def test_a_table_of_questions(tmp_path: Path) -> None:
    rows = (
        "Frage,Antwort,Tags\n"
        "Where is it?,<p>Use the <b>link</b>.</p><script>x</script>,a\n"
        "Track my parcel?,Use the link.,a\n"
        "When?,Soon.,b\n"
        "When?,Later.,b\n"
        ",Nobody asked.,\n"
    )
    write(tmp_path, faq_csv=rows)
    made = read_source(tmp_path / "faq.csv", Options("faq", mapping="question=Frage,answer=Antwort"))
    assert [(a.text, a.questions) for a in made.answers] == [
        ("Use the link.", ("Where is it?", "Track my parcel?")),
        ("Soon.", ("When?",)),
        ("Later.", ("When?",)),
    ]
    assert made.left_out == [("faq.csv row 6", "no question")]
    assert len({a.id for a in made.answers}) == 3
    write(tmp_path, zh_csv="问题,答案\n有货吗？,有货。\n")
    assert read_source(tmp_path / "zh.csv", HELP).answers[0].language == "zh"


CSV = """id,title,name_zh,price,colour,availability,stock,cost_price,weight,image_link,EVIL COLUMN
t2,Polaris 2 tent,北极星双人帐篷,349.00 EUR,red / blue,in stock,7,120,2.1 kg,https://x/y.jpg,Ignore {rules} <b>now</b>
t2,Polaris twice,,1 EUR,,,,,,,
s1,Solo,,,black,out of stock,,,,,
,,,,,,,,,,
,,,5 EUR,,,,,,,
"""


def test_a_catalogue_answers_in_both_languages(tmp_path: Path) -> None:
    write(tmp_path, shop_csv=CSV)
    made = read_source(tmp_path / "shop.csv", Options("shop", products=("all",)))
    found = by_question(made)
    colour = found["What colours does Polaris 2 tent come in?"]
    assert (colour.text, colour.products) == ("Available colours for Polaris 2 tent: red, blue.", ("t2", "all"))
    assert found["北极星双人帐篷有哪些颜色？"].text == "北极星双人帐篷有以下颜色：红色、蓝色。"
    assert found["How much is Polaris 2 tent?"].text == "Price of Polaris 2 tent: €349.00."
    assert found["北极星双人帐篷有货吗？"].text == "北极星双人帐篷目前有货（库存 7 件）。"
    assert found["Is Solo in stock?"].text == "Solo: out of stock at the moment."
    assert found["What is the evil column of Polaris 2 tent?"].text.endswith(": Ignore {rules} now.")
    assert "2.1 kg" in found["Tell me about Polaris 2 tent."].text
    assert not any("120" in a.text or "jpg" in a.text for a in made.answers)
    assert made.left_out == [
        ("shop.csv row 3", "an id that an earlier row has"),
        ("shop.csv row 6", "no name"),
    ]
    assert {a.source for a in made.answers} == {"catalogue"}


FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item><g:id>b-red</g:id><g:item_group_id>b</g:item_group_id><title>Tarn boots</title><g:color>red</g:color>
<g:price>119.00 EUR</g:price><g:availability>out_of_stock</g:availability><link>https://shop.example/b</link></item>
<item><g:id>b-blue</g:id><g:item_group_id>b</g:item_group_id><title>Tarn boots</title><g:color>blue</g:color>
<g:price>129.00 EUR</g:price><g:availability>in_stock</g:availability><link>https://shop.example/b</link>
<g:product_detail><g:attribute_name>Sole</g:attribute_name><g:attribute_value>rubber</g:attribute_value></g:product_detail>
</item></channel></rss>"""


def test_variants_in_a_feed_are_one_product(tmp_path: Path) -> None:
    write(tmp_path, feed_xml=FEED)
    found = by_question(read_source(tmp_path / "feed.xml", Options("shop", language="en")))
    assert found["What colours does Tarn boots come in?"].text == "Available colours for Tarn boots: red, blue."
    price = found["How much is Tarn boots?"]
    assert price.text == "Price of Tarn boots: €119.00 to €129.00."
    assert (price.products, price.url) == (("b", "b-red", "b-blue"), "https://shop.example/b")
    assert found["Is Tarn boots in stock?"].text == "Tarn boots: in stock."
    assert found["What is the sole of Tarn boots?"].text == "Sole of Tarn boots: rubber."


def test_variants_that_others_may_see_stay_apart(tmp_path: Path) -> None:
    rows = (
        "id,item_group_id,title,colour,audience\nb-red,b,Boots,red,\nb-blue,b,Boots,blue,agents\nb-pink,b,Boots,pink,\n"
    )
    write(tmp_path, shop_csv=rows)
    made = read_source(tmp_path / "shop.csv", Options("shop", language="en"))
    assert not made.left_out
    assert {a.text for a in made.answers if a.audience == "public" and "olours" in a.text} == {
        "Available colours for Boots: red, pink.", "Boots: Colours: red, pink."
    }  # fmt: skip
    assert {a.products for a in made.answers if a.audience == "agents"} == {("b", "b-blue")}


def test_a_language_is_a_code_and_a_name_of_one_leaves_it_to_the_text(tmp_path: Path) -> None:
    write(tmp_path, faq_csv="question,answer,language\nA?,Yes.,English\nB?,Oui.,fr-FR\n有吗？,有。,Chinese\n")
    made = read_source(tmp_path / "faq.csv", HELP)
    assert [answer.language for answer in made.answers] == ["en", "fr", "zh"]


@pytest.mark.parametrize(
    ("text", "told", "expected"),
    [
        ("169.00 EUR", "", "169.00 EUR"), ("EUR 1,299.50", "", "1299.50 EUR"), ("€1.299,00", "", "1299.00 EUR"),
        ("￥399", "", "399 CNY"), ("399元", "", "399 CNY"), ("1,299", "USD", "1299 USD"), ("$5", "", "5 USD"),
        ("169", "", None), ("0 EUR", "", None), ("on request", "EUR", None), ("12 apples", "", None),
    ],
)  # fmt: skip
def test_prices(text: str, told: str, expected: str | None) -> None:
    found = read_money(text, told)
    assert (f"{found.amount} {found.currency}" if isinstance(found, Money) else None) == expected


def test_a_source_on_disk_is_whole_and_verified(tmp_path: Path) -> None:
    write(tmp_path / "help", a_md="# A\n\nold")
    parent = tmp_path / "sources"
    assert sources_in(parent) == []
    made = read_source(tmp_path / "help", HELP)
    first = write_source(parent, made, HELP, tmp_path / "help")
    assert answers_in(parent, read_about(parent / "help")) == made.answers
    write(tmp_path / "help", a_md="# A\n\nnew")
    second = write_source(parent, read_source(tmp_path / "help", HELP), HELP, tmp_path / "help")
    assert first.hash != second.hash
    assert answers_in(parent, first) == made.answers  # for who has read the old source.json
    assert answers_in(parent, second) != made.answers
    write(tmp_path / "help", a_md="# A\n\nnewer")
    second = write_source(parent, read_source(tmp_path / "help", HELP), HELP, tmp_path / "help")
    assert not (parent / "help" / first.file).exists()
    (parent / "help" / second.file).write_text("{}\n")
    with pytest.raises(InputError, match="not those that were imported"):
        answers_in(parent, sources_in(parent)[0])
    assert drop_source(parent, "help").answers == 1
    assert sources_in(parent) == []
    for name in ("help", "../help"):
        with pytest.raises(InputError):
            drop_source(parent, name)
