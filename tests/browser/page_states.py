"""The pages that a reader can come upon, each in every state that it has: by name, path and words.

The words must stand on the page, so that a state that is no longer reached is noticed.
"""

SAMPLE_STATES = {
    "start": ("/", "in the archive"),
    "results": ("/?q=swing+bridge", "by words"),
    "results by words": ("/?q=swing+bridge&mode=keyword", "Why this result?"),
    "results by meaning": ("/?q=swing+bridge&mode=semantic", "close in meaning"),
    "results with copies": ("/?q=swing+bridge&copies=show", "fold duplicates"),
    "results newest first": ("/?q=bridge&sort=newest", "Newest"),
    "another spelling offered": ("/?q=swing+brigde&mode=keyword", "Why this result?"),
    "results without all words": (
        "/?q=swing+bridge+penguin&strict=1",
        "None mentions all",
    ),
    "nothing found": ("/?q=zxqv+blorp", "Nothing found"),
    "nothing found, words offered": ("/?q=brigde&strict=1", "Words that are in the archive"),
    "results of a correction": ("/?q=brigde", "24 stories"),
    "nothing under filters": ("/?q=zxqv&source=Hafenbote&since=2024", "Nothing found"),
    "filters": ("/?q=bridge&source=Northshore+Wire&since=2023&until=2024", "Northshore Wire"),
    "sentences marked": ("/?q=swing+bridge+bankruptcy&mark=sentence", "Underlined with dots"),
    "without a source": ("/?q=bridge&not_source=Northshore+Wire", "not source"),
    "without a date": ("/?date=none", "without a date"),
    "a list": ("/?q=swing+bridge&view=list", "List"),
    "words in context": ("/?q=swing+bridge&view=kwic", "occurrences in"),
    "several values of a facet": (
        "/?q=bridge&source=Northshore+Wire&source=Coastal+Courier&not_section=Sport",
        "not section",
    ),
    "a day that cannot be read": ("/?q=bridge&since=May+32", "is no date"),
    "second page": ("/?limit=5&cursor=g1o5", "First page"),
    "beyond the last page": ("/?q=bridge&cursor=g1o9000", "no more results"),
    "article": ("/article/cc-2023-004", "Cite as"),
    "article of a search": ("/article/cc-2023-004?q=budget", "Results for"),
    "article without a headline": ("/article/cc-2024-006", "without a headline"),
    "article at a match": ("/article/cc-2023-002?q=swing+bridge&step=2#m2", "2 of"),
    "article of a hit": (
        "/article/cc-2023-004?q=budget&source=Coastal+Courier&hit=g1o0",
        "Results",
    ),
    "history of an article": ("/history/cc-2023-004", "has not changed since"),
    "searches compared": ("/?q=bridge&compare=ferry&compare=storm", "number of articles"),
    "searches compared by share": (
        "/?q=bridge&compare=ferry&compare=storm&compare=budget&compare=museum&timeline=share",
        "% of all articles",
    ),
    "outlets": ("/outlets?q=swing+bridge", "Who reported on"),
    "outlets by number": ("/outlets?q=bridge&by=articles", "Each duplicate counts"),
    "citations": ("/cite?q=swing+bridge", "Citations for"),
    "citations of nothing": ("/cite?q=zxqv", "Nothing found"),
    "a search in the list": ("/batch?q=swing+bridge&source=Hafenbote", "What a table may hold"),
    "many searches": ("/batch", "What a table may hold"),
    "article not found": ("/article/nowhere", "Not in the archive"),
    "page not found": ("/nowhere", "Not in the archive"),
    "what cannot be searched": ("/?limit=many", "That cannot be searched"),
    "overview": ("/overview", "About this archive"),
    "help": ("/help", "Each example below is a link"),
    "API": ("/api", "Each request below is a link"),
}

EMPTY_STATES = {
    "empty archive": ("/", "The archive is empty"),
    "search of an empty archive": ("/?q=ferry", "Nothing found"),
    "API of an empty archive": ("/api", "Each request below is a link"),
    "overview of an empty archive": ("/overview", "The archive is empty"),
}

# With a collection, and a saved search.
COLLECTION_STATES = {
    "collections": ("/collections", "Swing bridge"),
    "a collection": ("/collections/Swing%20bridge", "2 articles"),
    "results of a collection": ("/?q=bridge&collection=Swing+bridge", "Swing bridge"),
    "results with stars": ("/?q=swing+bridge", "by words"),
}

GERMAN_STATES = {
    "start in German": ("/?lang=de", "im Archiv"),
    "results in German": (
        "/?q=swing+bridge&since=2023&not_source=Hafenbote&timeline=share&lang=de",
        "nach Wörtern",
    ),
    "nothing found in German": (
        "/?q=brigde&mode=keyword&since=2023&strict=1&lang=de",
        "Nichts gefunden",
    ),
    "article in German": ("/article/cc-2023-002?q=swing+bridge&step=2&lang=de", "Zitieren als"),
    "many searches in German": ("/batch?lang=de", "Was eine Tabelle enthalten kann"),
    "overview in German": ("/overview?lang=de", "Über dieses Archiv"),
    "API in German": ("/api?lang=de", "Jede Anfrage auf dieser Seite ist ein Link"),
    "help in German": ("/help?lang=de", "Jedes Beispiel auf dieser Seite ist ein Link"),
}

# One passage that is too long to be shown whole, and a word at its end.
LONG_TEXT = " المستشفيات والاستثمارات" * 20 + " تمساح."
RIGHT_TO_LEFT_STORIES = [
    {  # a headline that ends in a full stop, which must stand at the left of it
        "id": "arabic",
        "title": "الجسر المتحرك يغلق أبوابه.",
        "source": "صحيفة المرفأ",
        "section": "نقل",
        "author": "ليلى حداد",
        "language": "ar",
        "published": "2024-03-23",
        "text": "أغلق الجسر المتحرك يوم السبت بعد العثور على شقوق في دعامتين" + LONG_TEXT,
    },
    {  # Latin words and figures in the middle
        "id": "hebrew",
        "title": "הגשר נסגר (2024) בידי Harbour Board",
        "source": "עיתון הנמל",
        "language": "he",
        "published": "2024-03-24",
        "text": "הגשר נסגר ביום שבת. דובר של Harbour Board אמר כי 11,400 כלי רכב עברו בו ביום.",
    },
    {
        "id": "english",
        "title": "The Hebrew for bridge is גשר",
        "language": "en",
        "published": "2024-03-25",
        "text": "The Hebrew for bridge is גשר, said the harbour master, and the Arabic is جسر.",
    },
]

RIGHT_TO_LEFT_STATES = {
    "right to left": ("/", "3 articles in the archive"),
    "results right to left": ("/?q=גשר+OR+جسر+OR+الجسر+OR+הגשר", "mention"),
    "words in context right to left": ("/?q=הגשר&view=kwic", "occurrence"),
    "article right to left": ("/article/arabic?q=الجسر&step=1", "ليلى حداد"),
}
