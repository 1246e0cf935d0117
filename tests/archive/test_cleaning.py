"""Tests of how text is cleaned on its way in."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backfile.archive.formats.cleaning import clean_line, clean_text

PIECES = st.sampled_from(
    [
        *"ae \t\n\r\x0c\x00\u0301\u2028\u2029\ufeff\ud800\u00ad\u200b\u2060",
        "\n\n",
        "Advertisment",
        "Word.",
        *(
            '"',
            '""',
            "&",
            "amp;",
            "&#38;",
            "&#8203;",
            "lt;",
            "Ã©",
            "â€œ",
            "Ã",
            "\x9d",
            "Share",
            "-",
            " ",
        ),
        "a line that goes on for as long as lines that were wrapped would do\n",
        "goes on in lower case and is as full as wrapped lines mostly are, but\n",
    ]
)
DIRTY = st.text(st.characters(codec=None), max_size=200) | st.lists(PIECES, max_size=60).map(
    "".join
)


@given(DIRTY)
@example("e\x00\u0301")  # composed only once the control character is gone
@settings(deadline=None)
def test_cleaning_twice_is_cleaning_once(dirty):
    assert clean_text(clean_text(dirty)) == clean_text(dirty)
    assert clean_line(clean_line(dirty)) == clean_line(dirty)


@given(DIRTY)
@settings(deadline=None)
def test_cleaned_text_can_be_stored_and_shown(dirty):
    cleaned = clean_text(dirty)
    assert cleaned.encode().decode() == cleaned
    assert cleaned == cleaned.strip()
    assert not {"\r", "\x00", "\x0c", "\ufeff"} & set(cleaned)
    assert "\n\n\n" not in cleaned
    assert "\n" not in clean_line(dirty)


@pytest.mark.parametrize(
    "mark", ["Advertisment", "Advertisement", "ADVERTISEMENT", "  advertisements \t"]
)
def test_a_line_that_is_only_an_advertisement_mark_is_dropped(mark):
    assert clean_text(f"Rain fell.\n\n{mark}\n\nIt stopped.") == "Rain fell.\n\nIt stopped."


def test_an_advertisement_within_a_sentence_stays():
    sentence = "An advertisement for tea hung there."
    assert clean_text(sentence) == sentence


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("One.\r\nTwo.\rThree.", "One.\nTwo.\nThree."),
        ("One.\x0cTwo.", "One.\n\nTwo."),
        ("One.\u2029Two.\u2028Three.", "One.\n\nTwo.\nThree."),
        ("One.  \t\nTwo.", "One.\nTwo."),
        ("One.\n\n\n\n\nTwo.", "One.\n\nTwo."),
        ("Cafe\u0301", "Caf\u00e9"),
        ("a\ud800b", "a?b"),
        ("har\u00adbour\u200b wa\u2060ll", "harbour wall"),
        ("می\u200cخواهم 👩\u200d🚒", "می\u200cخواهم 👩\u200d🚒"),
    ],
)
def test_line_ends_spaces_and_characters_are_normalised(dirty, clean):
    assert clean_text(dirty) == clean


@pytest.mark.parametrize("clean", [clean_text, clean_line])
def test_what_is_still_quoted_as_in_a_csv_file_is_unquoted(clean):
    assert clean('"A ""swing"" bridge opened."') == 'A "swing" bridge opened.'
    assert clean('""",""a"", she said"') == '","a", she said'
    for meant in (
        '"A swing bridge."',
        '"A," she said, "B."',
        'He said ""A"".',
        '"A" or ""B"',
        '""',
    ):
        assert clean(meant) == meant


def test_a_line_is_joined_with_single_spaces():
    assert clean_line(" Ash \n bridge\t\tshut\x00 ") == "Ash bridge shut"


SENTENCES = {
    "fr": "« Où êtes-vous ? » – À l’été, l’œuvre « Été » coûte 5 €, ça va : Noël, naïf, où, ÿ.",
    "de": "„Spaß“, sagt er; Größe, Übermut, Äpfel – und ‚Maß‘: 20 °C, § 5, 3½ Öfen, Straße“…",
    "pl": "Zażółć gęślą jaźń – „Łódź” i ›Świnoujście‹, źdźbło, 5 zł, Ćma, Ńemen, Żółw.",
    "tr": "İstanbul’da şöyle dedi: “Çağrı, ığdır, üçüncü göğüs” – Ğ, Ş, İ, â, î, û.",
    "vi": "Thủ tướng: “Việt Nam sẽ đổi mới”, Đà Nẵng, Huế, ngữ, ượng, ẫ, Ậ – ỹ.",
    "es": "¿Qué pasó? ¡Año nuevo! «Sí», dijo Núñez, pingüino, 1.ª y 2.º, Á É Í Ó Ú Ñ.",
    "pt": "São João: “Não há pão”, açúcar, AVÓS, Â, Ã, Õ, À, maçã » e « é ».",
    "cs": "Příliš žluťoučký kůň úpěl ďábelské ódy – „Ěščřžýáíé“, ť, ň, ů.",
    "ru": "«Её ёжик», — сказал он; № 5, Вильнюс, Россия, Ёлка, объём.",
    "uk": "Київ — «її їжак» і ґанок, Єва, Ірпінь, Європа.",
    "el": "«Η Αθήνα», είπε· Ώρα, Ύδρα, ΐ, ΰ, Έ.",
    "is": "„Þetta er ást“, sagði Ægir, ðæöý, Ísland.",
    "ja": "「東京」で会議が開かれた。カナダ・パリ、が、ぱ。",
    "ko": "서울에서 회의가 열렸다.",
    "ar": "قال الوزير: «لا» في القاهرة.",
    "fa": "می\u200cخواهم کتاب\u200cها را",
    "hi": "दिल्ली में क्\u200dष बारिश हुई।",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_right_text_in_any_language_stays_as_it_is(language):
    assert clean_text(SENTENCES[language]) == SENTENCES[language]


@given(st.lists(st.sampled_from(sorted(" ".join(SENTENCES.values()).split())), max_size=30))
@settings(deadline=None)
def test_words_of_any_language_in_any_order_stay_as_they_are(words):
    text = "Word " + " ".join(words)
    assert clean_text(text) == text.strip()


@pytest.mark.parametrize("language", sorted(SENTENCES.keys() - {"fa", "hi"}))
def test_what_was_read_in_the_wrong_encoding_is_repaired(language):
    mistaken = SENTENCES[language].encode().decode("latin-1")
    assert clean_text(mistaken) == SENTENCES[language]


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("The cafÃ© â€œRoseâ€\x9d isnâ€™t shut.", "The café “Rose” isn’t shut."),
        ("“Right” and caf\u00c3\u00a9 in one line.", "“Right” and café in one line."),
        ("Obama\u00c3\u00a2\u00e2\u201a\u00ac\u00e2\u201e\u00a2s plan", "Obama’s plan"),
        ("It\x92s \x93shut\x94 \x96 now", "It’s “shut” – now"),
        ("ﬁve ｆｕｌｌ “quotes” …", "ﬁve ｆｕｌｌ “quotes” …"),
        ("Rain &amp; snow &amp;amp; wind&#8217;s&nbsp;end", "Rain & snow & wind’s end"),
        ("AT&T, R&D; Q&A; &notanything; &copy 2024", "AT&T, R&D; Q&A; &notanything; &copy 2024"),
        ("Write &lt;b&gt; for bold.", "Write <b> for bold."),
        ("5\u00a0km, «\u202fOui\u202f»", "5 km, « Oui »"),
        ("One.\x0bTwo.", "One.\nTwo."),
        ("a\u202eb\u200ec\u2066d", "abcd"),
        ("Auf\u200clage", "Auflage"),
        ("\ud83d\ude00 smiles", "😀 smiles"),
        ("lost \ufffd stays", "lost \ufffd stays"),
    ],
)
def test_mojibake_entities_and_unseen_characters_are_mended(dirty, clean):
    assert clean_text(dirty) == clean
    assert clean_line(dirty) == " ".join(clean.split())
