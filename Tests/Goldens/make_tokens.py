"""Token ids of prompts that are hard to get right: models/tokens.json.

Made with transformers 5.23.0 and tokenizers 0.23.3, over the small vocabulary of models/odd-a (make_models.py first).

    {"texts": [text…], "tokenizer": [[id…]…], "tokenizer_2": [[id…]…], "lengths": [[n, n]…]}

The ids are what SDXL's pipeline asks for: padded to 77, cut at 77. `lengths` counts the tokens before cutting and
padding, by tokenizer and tokenizer_2, start and end included.

    python make_tokens.py VOCABULARY TEXTS OUT      the same for another vocabulary (a directory with vocab.json and
                                                    merges.txt) and the texts of a JSON list, by hand
"""
import json
import os
import sys
import tempfile

from transformers import CLIPTokenizer

import small_vocabulary

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = [
    "",
    " ",
    "a photo of a olis harry potter toy and a hta corgi, simple background.",
    "a photo of a corgi, simple background, full body view, award winning photography, highly detailed",
    "A PHOTO OF A CORGI",
    "a  photo\tof\n\na   corgi ",
    "hello! world!! !!! a!b ?!? !'s",
    "the dog's ball, it's they're we've I'm you'll he'd DON'T 'twas 'sun rock'n'roll o'clock''s",
    "12345 3.14 1st 4k ½ ² Ⅷ ٣٤ 五 ①",
    "café cafe\u0301 naïve crème brûlée Ångström A\u030angstro\u0308m \u212bngstrom",
    "STRASSE straße ΟΔΥΣΣΕΥΣ Σ ς İstanbul ıI ǅ ﬁ ẞ",
    "жар-птица КОШКА и СОБАКА Ёлка й й",
    "犬と猫 小さな犬。 강아지 한국어 ᄒ\u1161\u11ab 中文字符,测试",
    "emoji 🐶🐱 👩‍🚀 🇩🇪 ❤️ ☕️ 👍🏽 🤖!",
    "हिन्दी में नमस्ते ไทย สวัสดี עִבְרִית العَرَبِيَّة",
    "<|startoftext|> a <|endoftext|> corgi<|endoftext|>",
    "<|STARTOFTEXT|>A<|EndOfText|>B <|startoftext|",
    "html &amp; &lt;b&gt; &#39;quoted&#39; &nbsp; <b>bold</b>",
    "control \x00\x01\x07\x1b[0m \x7f \x1c\x1d\x1e\x1f a\x1cb \x85c\u200bd\u00ade\ufefff",
    "spaces a\u00a0b\u1680c\u2003d\u2028e\u3000f\u180eg\u200bh\u205fi\u202fj",
    "(weights:1.2) [a|b] {c} a_b snake_case camelCase http://example.com/a?b=c&d=e #tag @user 100%",
    "\"double\" “curly” ‘single’ «guillemets» — – … • ° © ® ™ € £ ¥",
    "math ∑∫√∞ ≠ ≤ ± × ÷ 𝐛𝐨𝐥𝐝 𝒻 ℝ ℵ",
    "e\u0301\u0323 \u0301 q\u0307\u0323 \u1e0b\u0323 \u0344 \u2126 \u0958",
    "\ud7ff \uf8ff \ufffd \U0001f9ff \U000e0001 \U0010ffff \u0378",
    "pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "corgi " * 74 + "toy",
    "corgi " * 75,
    "corgi " * 75 + "dog",
    "!" * 74,
    "!" * 90,
    "a photo of a olis toy and a hta corgi on the beach at sunset, " * 8 + "the last words are cut",
    "Photo Of A Corgi<|endoftext|>!and!a!toy!",
    "a!\u0301 e!\u0338",
    "word.word,word;word:word/word\\word-word+word=word*word&word^word%word$word#word@word~word`word",
]


def tokens(directory, texts):
    t = CLIPTokenizer.from_pretrained(directory)
    cut = t(texts, padding="max_length", max_length=t.model_max_length, truncation=True).input_ids
    return cut, [len(ids) for ids in t(texts).input_ids]


def record(first, second, texts, path):
    (ids, lengths), (ids_2, lengths_2) = tokens(first, texts), tokens(second, texts)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(dict(texts=texts, tokenizer=ids, tokenizer_2=ids_2,
                       lengths=[list(p) for p in zip(lengths, lengths_2)]), f, separators=(",", ":"))
        f.write("\n")


def main(arguments):
    if not arguments:
        root = os.path.join(HERE, "models", "odd-a")
        return record(f"{root}/tokenizer", f"{root}/tokenizer_2", TEXTS, os.path.join(HERE, "models", "tokens.json"))
    vocabulary, texts, out = arguments
    with open(f"{vocabulary}/vocab.json", encoding="utf-8") as f:
        vocab = json.load(f)
    with open(f"{vocabulary}/merges.txt", encoding="utf-8") as f:
        merges = [tuple(line.split(" ")) for line in f.read().splitlines() if not line.startswith("#version")]
    with open(texts, encoding="utf-8") as f:
        texts = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        small_vocabulary.write(f"{folder}/1", vocab, merges, "<|endoftext|>")
        small_vocabulary.write(f"{folder}/2", vocab, merges, "!")
        record(f"{folder}/1", f"{folder}/2", texts, out)


if __name__ == "__main__":
    main(sys.argv[1:])
