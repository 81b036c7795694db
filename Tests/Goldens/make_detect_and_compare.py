"""Detect-and-Compare of made-up embeddings, computed with NumPy: vision/detect-and-compare.json.

    python make_detect_and_compare.py

A list of cases {"references": subjects × photos × D, "boxes": boxes × D, "similarity": S in the boxes' order, "ideal":
S_GT, "matched": the box of each subject (greedy, column by column), "score", "optimal": whether another matching has a
larger sum}. Made with numpy 2.4.6.
"""
import itertools
import json
import os

import numpy as np


def cosine(a, b):
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return a @ b.T


def case(random, subjects, boxes, width, mix):
    """`mix`: how much of another subject goes into each box."""
    centres = random.normal(size=(subjects, width))
    references = [(c + 0.5 * random.normal(size=(2 + i % 3, width))).astype(np.float32).round(3) for i, c in enumerate(centres)]
    found = np.stack([
        (1 - mix) * centres[i % subjects] + mix * centres[(i + 1) % subjects] + 0.3 * random.normal(size=width)
        for i in random.permutation(boxes)]).astype(np.float32).round(3)
    wide = [r.astype(np.float64) for r in references]
    s = np.stack([cosine(found.astype(np.float64), r).mean(1) for r in wide], 1)
    ideal = np.array([[cosine(a, b).mean() for b in wide] for a in wide])
    matched, score, optimal = None, 0.0, None
    if boxes == subjects:
        free, matched = list(range(boxes)), []
        for column in range(subjects):
            best = max(free, key=lambda row: s[row, column])
            matched.append(best)
            free.remove(best)
        score = 1 - np.linalg.norm(s[matched] - ideal, ord=2)
        total = lambda rows: sum(s[row, column] for column, row in enumerate(rows))
        optimal = bool(total(matched) >= max(map(total, itertools.permutations(range(boxes)))) - 1e-12)
    return dict(references=[r.tolist() for r in references], boxes=found.tolist(), similarity=s.tolist(), ideal=ideal.tolist(),
                matched=matched, score=float(score), optimal=optimal)


def main():
    random = np.random.default_rng(7)
    cases = [case(random, n, n, 5, mix) for n in (2, 3, 5) for mix in (0.0, 0.3, 0.5, 0.6)]
    cases += [case(random, 2, 1, 5, 0.0), case(random, 3, 4, 5, 0.0)]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vision", "detect-and-compare.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print([(len(c["references"]), len(c["boxes"]), round(c["score"], 4), c["optimal"]) for c in cases])


if __name__ == "__main__":
    main()
