"""Registers the formats of news agencies: IPTC 7901, ANPA, NewsML-G2, NewsML 1, NITF, ninjs."""

from backfile.archive.formats.format import Format, Plugin, RecordFormat, Stage
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire import iptc7901, newsml1, newsml_g2, ninjs, nitf
from backfile.archive.formats.wire.telegrams import is_telegram

WIRE = Plugin(
    formats=(
        Format(
            "IPTC 7901 or ANPA",
            Stage.TRANSMISSION,
            lambda _, head: is_telegram(head),
            iptc7901.read_telegrams,
            has_nuls=True,
            records=iptc7901.telegram_records,
        ),
        Format(
            "NewsML-G2",
            Stage.MARKUP,
            lambda _, head: root_of(head) in newsml_g2.ROOTS,
            newsml_g2.read_newsml_g2,
            records=newsml_g2.newsml_g2_records,
        ),
        Format(
            "NewsML 1",
            Stage.MARKUP,
            lambda _, head: root_of(head) in newsml1.ROOTS,
            newsml1.read_newsml1,
            records=newsml1.newsml1_records,
        ),
        Format("NITF", Stage.MARKUP, lambda _, head: root_of(head) in nitf.NITF, nitf.read_nitf),
    ),
    record_formats=(RecordFormat("ninjs", ninjs.is_ninjs, ninjs.read_item),),
)
