"""A small CLIP-style byte-pair vocabulary, learned from a few sentences, for the models of make_models.py.

Same construction as CLIP's own: the 256 byte symbols, the same with `</w>`, one entry per merge, then
`<|startoftext|>` and `<|endoftext|>`. Entry 0 is `!`, the byte that tokenizer_2 pads with.
"""
import json
import os
import unicodedata

import regex

TEXT = """
a photo of a olis harry potter toy and a hta corgi, simple background. a photo of a corgi and a harry potter toy,
simple background, full body view, award winning photography, highly detailed. anime, cartoon, graphic, text,
painting, crayon, graphite, abstract glitch, blurry. a photo of olis toy playing with hta corgi on the beach at
sunset, the dog's ball, it's sunny; they're standing in the snow, we've seen the teapot on the shelf in the kitchen.
a photo of a sks ceramic teapot and a red wooden robot on a table, flowers in the garden under a blue sky with clouds.
the cat and the dog are sitting on a sofa, wearing a hat and sunglasses, highly detailed oil painting of a castle,
the figure stands on the left and the corgi on the right, studio lighting, 4k, soft light, a monster toy riding a bike.
café crème brûlée naïve façade über straße жар-птица кошка и собака 犬と猫 강아지 ??? !!! ... --- ,,, :) "quoted" (round)
"""
# CLIP's own pre-tokenisation, as transformers 5 writes it.
WORDS = regex.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")


def byte_symbols():
    """byte -> printable character, in GPT-2's order (`!` first)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    symbols = {b: chr(b) for b in plain}
    for b in range(256):
        if b not in symbols:
            symbols[b] = chr(256 + len(symbols) - len(plain))
    return symbols


def learn(merge_count=230):
    """(vocab, merges): byte-pair merges by frequency, ties broken by the pair itself."""
    symbols = byte_symbols()
    counts = {}
    for word in WORDS.findall(unicodedata.normalize("NFC", TEXT).lower()):
        parts = [symbols[b] for b in word.encode("utf-8")]
        parts[-1] += "</w>"
        counts[tuple(parts)] = counts.get(tuple(parts), 0) + 1
    merges = []
    while len(merges) < merge_count:
        pairs = {}
        for word, n in counts.items():
            for pair in zip(word, word[1:]):
                pairs[pair] = pairs.get(pair, 0) + n
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        merged = {}
        for word, n in counts.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + n
        counts = merged
    base = list(symbols.values())
    entries = base + [s + "</w>" for s in base] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocab = {}
    for entry in entries:
        vocab.setdefault(entry, len(vocab))
    return vocab, merges


def write(directory, vocab, merges, pad):
    """The four files of an SDXL tokenizer directory; `pad` is `<|endoftext|>` (tokenizer) or `!` (tokenizer_2)."""
    os.makedirs(directory, exist_ok=True)

    def put(name, value):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, indent=None if name == "vocab.json" else 2)

    def token(content, normalized=True):
        return dict(content=content, lstrip=False, normalized=normalized, rstrip=False, single_word=False)

    start, end = "<|startoftext|>", "<|endoftext|>"
    put("vocab.json", vocab)
    with open(os.path.join(directory, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    added = {str(vocab[start]): token(start) | {"special": True}, str(vocab[end]): token(end) | {"special": True}}
    if pad not in (start, end):
        added = {str(vocab[pad]): token(pad, False) | {"special": True}} | added
    put("special_tokens_map.json", dict(bos_token=token(start), eos_token=token(end), pad_token=pad,
                                        unk_token=token(end)))
    put("tokenizer_config.json", dict(
        add_prefix_space=False, added_tokens_decoder=added, bos_token=start, clean_up_tokenization_spaces=True,
        do_lower_case=True, eos_token=end, errors="replace", model_max_length=77, pad_token=pad,
        tokenizer_class="CLIPTokenizer", unk_token=end))
