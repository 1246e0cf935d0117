"""Writes files of many articles, one for each format whose pieces are made by other processes."""

import html
import json
from importlib.util import find_spec

PACKAGES = {"wiki.xml": "mwparserfromhell", "a.bib": "pybtex", "lexis.rtf": "striprtf"}


def stories_of(count):
    """Stories, one of them without a title and a text."""
    stories = [
        {"id": f"s{n}", "title": f"Rain <&> {n}", "text": f"{n} mm fell on Ash & Elm.\nIt rains."}
        for n in range(count)
    ]
    stories[count // 2] |= {"title": "", "text": ""}
    return stories


def mailbox(stories):
    """Every fifth message has another one attached, so it gives two articles."""
    return "".join(
        "From news@courier.example Sat Mar 23 07:00:00 2024\n"
        f"Message-ID: <{each['id']}@courier.example>\nFrom: Courier <news@courier.example>\n"
        f"To: a@b.example\nSubject: {each['title']}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="x"\n\n'
        f"--x\nContent-Type: text/plain\n\n{each['text']}\n>From here on it snows.\n"
        + (
            f"--x\nContent-Type: message/rfc822\n\nSubject: Fwd {n}\n\nSnow, {n} mm.\n"
            if not n % 5
            else ""
        )
        + "--x--\n\n"
        if each["text"]
        else "From news@courier.example Sat Mar 23 07:00:00 2024\nSubject: Nothing\n\n\n"
        for n, each in enumerate(stories)
    )


def sgml(stories):
    return "".join(
        f"<DOC>\n<DOCNO> {each['id']} </DOCNO>\n<HEADLINE>{html.escape(each['title'])}</HEADLINE>\n"
        f"<TEXT>\n{html.escape(each['text'])}\n</TEXT>\n</DOC>\n"
        for each in stories
    )


def wordpress(stories):
    """Every seventh item is a draft; an author is named before the first item, one behind it."""
    author = (
        "<wp:author><wp:author_login>ana</wp:author_login>"
        "<wp:author_display_name>{}</wp:author_display_name></wp:author>"
    )
    items = [
        f"<item><title>{html.escape(each['title'])}</title><dc:creator>ana</dc:creator>"
        f"<content:encoded><![CDATA[{each['text']}]]></content:encoded>"
        f"<excerpt:encoded></excerpt:encoded><wp:post_id>{each['id']}</wp:post_id>"
        f"<wp:status>{'publish' if n % 7 else 'draft'}</wp:status></item>\n"
        for n, each in enumerate(stories)
    ]
    return (
        '<rss xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">'
        "<channel><title>Courier</title><language>en</language>"
        f"{author.format('Ana Ruiz')}{items[0]}{author.format('Ana R. Ruiz')}"
        f"{''.join(items[1:])}</channel></rss>"
    )


def newsml_g2(stories):
    """Every seventh item is a package, every ninth is withdrawn."""
    return (
        '<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>'
        + "".join(
            f'<packageItem guid="p{n}"/>'
            if not n % 7
            else f'<newsItem guid="{each["id"]}" version="2" xml:lang="en"><itemMeta>'
            f'<pubStatus qcode="stat:{"usable" if n % 9 else "canceled"}"/></itemMeta>'
            f"<contentMeta><headline>{html.escape(each['title'])}</headline></contentMeta>"
            '<contentSet><inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body>'
            f"<p>{html.escape(each['text'])}</p></body></html></inlineXML></contentSet></newsItem>"
            for n, each in enumerate(stories)
        )
        + "</itemSet></newsMessage>"
    )


def newsml1(stories):
    """Every fifth item has two languages; the day and the source are those of the envelope."""
    component = (
        '<NewsComponent><DescriptiveMetadata><Language FormalName="{}"/></DescriptiveMetadata>'
        "<NewsLines><HeadLine>{}</HeadLine></NewsLines>"
        "<ContentItem><DataContent><p>{}</p></DataContent></ContentItem></NewsComponent>"
    )
    return (
        '<!DOCTYPE NewsML SYSTEM "NewsML.dtd" [<!ENTITY own "main">]><NewsML><NewsEnvelope>'
        '<SentFrom><Party FormalName="Courier"/></SentFrom>'
        "<DateAndTime>20240324T000000Z</DateAndTime></NewsEnvelope>"
        + "".join(
            "<NewsItem><Identification><NewsIdentifier><ProviderId>cc</ProviderId><DateId>1</DateId>"
            f"<NewsItemId>{each['id']}</NewsItemId></NewsIdentifier></Identification><NewsComponent>"
            '<Role FormalName="&own;"/>'
            + component.format("en", html.escape(each["title"]), html.escape(each["text"]))
            + ("" if n % 5 else component.format("de", f"Regen {n}", f"Es regnet {n} Stunden."))
            + "</NewsComponent></NewsItem>\n"
            for n, each in enumerate(stories)
        )
        + "</NewsML>"
    )


def telegrams(stories):
    return "".join(
        f"\x01ccc{n:04} 4 sp 85 Courier\r\n\x02{each['title']} =\r\n\r\n   {each['text']}\r\n"
        f"\x03232340 GMT Mar 24\r\n\x04"
        for n, each in enumerate(stories)
    )


def ris(stories):
    return "".join(
        f"TY  - NEWS\nID  - {each['id']}\nTI  - {each['title']}\nAB  - {each['text']}\nER  - \n\n"
        for each in stories
    )


def bibtex(stories):
    return "\n".join(
        f"@article{{{each['id']}, title={{{each['title'].replace('&', 'and')}}}}}"
        for each in stories
    )


def zotero(stories):
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:z="http://www.zotero.org/namespaces/export#"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        + "".join(
            f'<rdf:Description rdf:about="{each["id"]}"><z:itemType>newspaperArticle</z:itemType>'
            f"<dc:title>{html.escape(each['title'])}</dc:title>"
            f"<dcterms:abstract>{html.escape(each['text'])}</dcterms:abstract></rdf:Description>"
            for each in stories
        )
        + "</rdf:RDF>"
    )


def lexis(stories):
    return "\n\n".join(
        f"{n} of {len(stories)} DOCUMENTS\n\nCourier\n\nMarch 23, 2024\n\n{each['title']}\n\n"
        f"LENGTH: 9 words\n\nBODY:\n\n{each['text']}\n\nLOAD-DATE: March 25, 2024"
        for n, each in enumerate(stories, 1)
    )


def lexis_page(stories):
    paragraphs = (f"<p>{html.escape(line)}</p>" for line in lexis(stories).split("\n\n"))
    return f"<html><body>{''.join(paragraphs)}</body></html>"


def lexis_rtf(stories):
    return "{\\rtf1 " + lexis(stories).replace("\n", "\\par\n") + "}"


def feed(stories):
    """Every fifth entry has neither an id nor an address."""
    return (
        '<rss version="2.0"><channel><title>Courier</title><link>https://courier.example/</link>'
        + "".join(
            f"<item><title>{html.escape(each['title'])}</title>"
            f"<description>{html.escape(html.escape(each['text']))}</description>"
            f"{f'<link>/{n}</link>' if n % 5 else ''}"
            "<pubDate>Sat, 23 Mar 2024 07:00:00 GMT</pubDate></item>"
            for n, each in enumerate(stories)
        )
        + "</channel></rss>"
    )


def json_feed(stories):
    """One item is no object."""
    items = [
        {"title": each["title"], "content_html": html.escape(each["text"])}
        | ({"url": f"/{n}"} if n % 5 else {})
        for n, each in enumerate(stories)
    ]
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Courier",
            "home_page_url": "https://courier.example/",
            "items": [*items[:9], "none", *items[9:]],
        }
    )


def wiki(stories):
    return (
        '<mediawiki xml:lang="en"><siteinfo><sitename>Ash News</sitename></siteinfo>'
        + "".join(
            f"<page><title>{html.escape(each['title'])}</title><ns>0</ns><id>{n}</id><revision>"
            f"<text>{html.escape(each['text'])}</text></revision></page>"
            for n, each in enumerate(stories)
        )
        + "</mediawiki>"
    )


EXPORTS = {
    "a.mbox": mailbox,
    "a.sgm": sgml,
    "wxr.xml": wordpress,
    "g2.xml": newsml_g2,
    "newsml.xml": newsml1,
    "wire.7901": telegrams,
    "a.ris": ris,
    "a.bib": bibtex,
    "library.rdf": zotero,
    "lexis.txt": lexis,
    "lexis.html": lexis_page,
    "lexis.rtf": lexis_rtf,
    "feed.xml": feed,
    "feed.json": json_feed,
    "wiki.xml": wiki,
}
READABLE = [name for name in EXPORTS if name not in PACKAGES or find_spec(PACKAGES[name])]
