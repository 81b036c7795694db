"""Learning rates of diffusers' get_scheduler: lr_schedules.json.

    python make_lr_schedules.py

Made with torch 2.15.0 and diffusers 0.42.1. A list of {"name", "rate", "warmup", "total", "cycles", "power", "rates"}:
`rates` are the learning rates of the optimizer steps 0, 1, …, two beyond `total`, as the optimizer would use them.
"""
import json
import os

import torch
from diffusers.optimization import get_scheduler

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [
    ("constant", 1e-4, 3, 10, 1, 1.0),
    ("constant_with_warmup", 2e-4, 4, 9, 1, 1.0),
    ("constant_with_warmup", 2e-4, 0, 3, 1, 1.0),
    ("linear", 1e-4, 0, 7, 1, 1.0),
    ("linear", 3e-3, 5, 17, 1, 1.0),
    ("linear", 3e-3, 6, 6, 1, 1.0),
    ("cosine", 1e-4, 0, 11, 1, 1.0),
    ("cosine", 5e-4, 3, 16, 4, 1.0),
    ("cosine_with_restarts", 1e-4, 0, 13, 1, 1.0),
    ("cosine_with_restarts", 1e-4, 2, 20, 3, 1.0),
    ("polynomial", 1e-4, 0, 10, 1, 1.0),
    ("polynomial", 2e-3, 3, 14, 1, 2.5),
]


def rates(name, rate, warmup, total, cycles, power):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedule = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total, num_cycles=cycles, power=power)
    used = []
    for _ in range(total + 3):
        used.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return used


cases = [dict(name=n, rate=r, warmup=w, total=t, cycles=c, power=p, rates=rates(n, r, w, t, c, p)) for n, r, w, t, c, p in CASES]
with open(os.path.join(HERE, "lr_schedules.json"), "w", encoding="utf-8") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
