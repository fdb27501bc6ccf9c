"""A network of random weights, and the same arithmetic written plainly, token by token."""

import numpy as np

from onefold.providers.local.network import BACK, THETA, Network
from onefold.providers.local.tokens import Tokens

WORDS = (*"+=:,.?", '"', "Ann", "Ben", "apples", "has", "have", "many", "yes", "no")
PIECES = len(Tokens(WORDS))
WIDTH, LAYERS, HEADS = 16, 2, 2


def arrays(seed=0):
    """Weights as large as trained ones."""
    draw = np.random.default_rng(seed)

    def drawn(*shape):
        return (draw.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)

    made = {"embed": 2 * drawn(PIECES, WIDTH), "gain": 1 + 0.1 * drawn(WIDTH)}
    for block in range(LAYERS):
        name = f"blocks.{block}."
        made[f"{name}conv"] = drawn(BACK, WIDTH)
        made[f"{name}qkv"] = 2 * drawn(3 * WIDTH, WIDTH)
        made[f"{name}out"] = drawn(WIDTH, WIDTH)
        made[f"{name}up"] = drawn(4 * WIDTH, WIDTH)
        made[f"{name}down"] = drawn(WIDTH, 4 * WIDTH)
    return made


def network(seed=0):
    """A network of random weights."""
    return Network(arrays(seed), LAYERS, HEADS)


def plainly(weights, codes):
    """Logits after each token, as the papers write it, in double precision."""
    weights = {name: np.asarray(array, dtype=np.float64) for name, array in weights.items()}
    x = normed(weights["embed"][codes])
    head = WIDTH // HEADS
    for block in range(LAYERS):
        conv, qkv, out, up, down = (
            weights[f"blocks.{block}.{name}"] for name in ("conv", "qkv", "out", "up", "down")
        )
        seen = normed(x)
        for back in range(BACK):
            x = x + conv[back] * np.concatenate([np.zeros((back, WIDTH)), seen])[: len(x)]
        q, k, v = (normed(x) @ qkv.T).reshape(len(x), 3, HEADS, head).transpose(1, 2, 0, 3)
        q, k = turned(q), turned(k)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(head)
        scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        x = x + (shares @ v).transpose(1, 0, 2).reshape(len(x), WIDTH) @ out.T
        x = x + np.square(np.maximum(normed(x) @ up.T, 0)) @ down.T
    return (normed(x) * weights["gain"]) @ weights["embed"].T


def normed(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def turned(x):
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[1])[:, None] * THETA ** -(np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate(
        [a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], -1
    )
