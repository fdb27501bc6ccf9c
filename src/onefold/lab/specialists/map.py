"""A manifold as a map to look at: its prompts in two dimensions, by who does best there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from onefold.core.errors import MissingExtra
from onefold.experience.regions import counted
from onefold.fitted.manifold import Manifold, manifold
from onefold.lab.bench.plots import LIGHT, QUIET, Axis, Mark, Plot, Series
from onefold.learn.fit import Fit
from onefold.routers.manifold import Manifold as Router

if TYPE_CHECKING:
    from onefold.fitted.sparse import Floats, Ints

Way = Literal["pca", "umap"]
Groups = Literal["regions", "hdbscan"]
SHOWN = 3_000  # prompts on a picture


class Map(Struct, frozen=True, eq=False):
    """Prompts in two dimensions.

    places: (n, 2). groups: (n) the group of each, -1 for none. names: what each group is called.
    """

    places: Floats
    groups: Ints
    names: tuple[str, ...]

    def plot(self, title: str = "Known prompts") -> Plot:
        """The map as a picture: `svg(plot)`, or `png(plot, path)` with the extra `plots`."""
        import numpy as np

        every = max(1, -(-len(self.places) // SHOWN))
        places, groups = self.places[::every], self.groups[::every]
        sizes = np.bincount(self.groups[self.groups >= 0], minlength=len(self.names))
        listed = np.argsort(-sizes, kind="stable")[: len(LIGHT)].tolist()
        others = ~np.isin(groups, listed)
        series = [
            Series(self.names[group], marks(places[groups == group]), colour)
            for colour, group in enumerate(listed)
        ]
        if others.any():
            series.insert(0, Series("others", marks(places[others]), QUIET))
        return Plot(title, Axis("first direction"), Axis("second direction"), tuple(series))


def marks(places: Floats) -> tuple[Mark, ...]:
    """Places (n, 2) as marks."""
    return tuple(Mark(float(x), float(y)) for x, y in places)


def map_of(fit: Fit | Router, way: Way = "pca", groups: Groups = "regions", seed: int = 0) -> Map:
    """The map of a fitted manifold.

    way: principal directions, or UMAP (McInnes et al. 2018), which keeps neighbours together.
    groups: its own regions, named by their best member where drafts were graded, or those that
        HDBSCAN (Campello et al. 2013) finds on the map.

    Raises:
        MissingExtra: UMAP or HDBSCAN is wanted and not installed.
    """
    known = manifold(fit.artifact) if isinstance(fit, Fit) else fit._held()
    if way == "umap":
        drawn = extra("umap", "a map by UMAP").UMAP(n_components=2, random_state=seed, n_jobs=1)
        places = drawn.fit_transform(known.points)
    else:
        places = flat(known)
    if groups == "hdbscan":
        found = extra("hdbscan", "groups by HDBSCAN").HDBSCAN(min_cluster_size=15)
        codes = found.fit_predict(places)
        return Map(places, codes, tuple(f"group {n + 1}" for n in range(codes.max(initial=-1) + 1)))
    return Map(places, *best(known))


def extra(module: str, what: str) -> Any:
    """A module of the extra `manifold`.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra("manifold", what) from None


def flat(known: Manifold) -> Floats:
    """The points of a manifold along their two principal directions (n, 2)."""
    import numpy as np

    points = known.points.astype(np.float64) - known.points.mean(axis=0)
    _, turned = np.linalg.eigh(points.T @ points)
    made: Floats = points @ turned[:, :-3:-1]
    return made


def best(known: Manifold) -> tuple[Ints, tuple[str, ...]]:
    """The group of each point: whoever does best in its region; without grades, the region."""
    if not known.members:
        return known.codes, tuple(f"region {n + 1}" for n in range(len(known.regions.sizes)))
    counts = counted(known.scores, known.codes, len(known.regions.sizes))
    right = counts[..., 0] + known.prior[:, 0]
    quality = right / (counts[..., 1] + known.prior.sum(axis=1))
    return quality.argmax(axis=1)[known.codes], known.members
