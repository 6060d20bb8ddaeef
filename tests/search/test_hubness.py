"""Pictures that are near to captions in general come later than their similarity alone says."""

import json

import numpy as np
import pytest
from painted import names, paint
from tiny_bundle import SEARCH, graphs, search_graphs, vocabulary, write_tiny_bundle

import showtell
from showtell.errors import BadBundle
from showtell.search.finding import CANDIDATES, gather, rank
from showtell.search.hubness import BETA, CaptionClusters

WORDS = vocabulary(("en", "zh"))


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_with_a_cluster_for_each_caption_it_is_the_logarithm_of_the_mean_over_captions():
    random = np.random.default_rng(0)
    captions, pictures = unit(random.normal(size=(50, 8))), unit(random.normal(size=(20, 8)))
    clusters = CaptionClusters.of(captions, 50)
    expected = np.log(np.exp(BETA * pictures @ captions.T).mean(axis=1)) / BETA
    np.testing.assert_allclose(clusters.hubness(pictures), expected, rtol=1e-5)


def test_captions_in_two_heaps_are_two_clusters_with_their_shares():
    random = np.random.default_rng(1)
    one, other = np.eye(4, dtype=np.float32)[:2]
    captions = np.concatenate([np.tile(one, (30, 1)), np.tile(other, (10, 1))])
    clusters = CaptionClusters.of(unit(captions + random.normal(scale=0.01, size=captions.shape)), 2)
    heaps = sorted(zip(clusters.shares.tolist(), clusters.centres.argmax(axis=1).tolist(), strict=True))
    assert heaps == [(0.25, 1), (0.75, 0)]


def test_clusters_come_back_from_json_to_a_thousandth():
    clusters = CaptionClusters.of(unit(np.random.default_rng(2).normal(size=(40, 8))), 5)
    again = CaptionClusters.from_dict(json.loads(json.dumps(clusters.to_dict())), 8)
    np.testing.assert_allclose(again.centres, clusters.centres, atol=5.1e-4)
    np.testing.assert_allclose(again.shares, clusters.shares, atol=1e-4)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"centres": [[1, 2]], "shares": []},
        {"centres": [1, 2], "shares": [0.5, 0.5]},
        {"centres": [[1, "x"]], "shares": [1]},
        {"centres": [[1, 2]], "shares": [0]},
        {"centres": [[1, float("nan")]], "shares": [1]},
        {"centres": [[1, 2], [3]], "shares": [0.5, 0.5]},
        [],
    ],
)
def test_clusters_that_cannot_be_are_refused(content):
    with pytest.raises(ValueError, match=r"words\.json: 'clusters'"):
        CaptionClusters.from_dict(content, 2)


class Looked:
    """Similarities that fall from one picture to the next."""

    mean, deviation = 0.0, 1.0

    def __init__(self, number):
        self.number = number

    def nearest(self, top, among):
        return np.arange(min(top, self.number))

    def similarities(self, ids):
        return (1 - ids / self.number).astype(np.float32)


def test_a_hub_comes_after_a_picture_that_is_a_little_less_similar():
    hubness = {0: 0.5, 1: 0.1, 2: 0.1}
    found = gather(
        None, Looked(3), among=None, hubness=lambda ids: np.array([hubness[i] for i in ids.tolist()])
    )
    assert np.argsort(-rank(found.table)).tolist() == [1, 0, 2]


def test_pictures_behind_the_candidates_stay_behind_and_are_not_measured():
    number = CANDIDATES + 50
    measured = []

    def hubness(ids):
        measured.extend(ids.tolist())
        return np.where(ids % 2, 0.01, 0.0)

    ranks = rank(gather(None, Looked(number), among=None, ids=np.arange(number), hubness=hubness).table)
    assert len(measured) == CANDIDATES
    assert ranks[CANDIDATES:].max() < ranks[:CANDIDATES].min()


def bundle(folder, centres):
    """A bundle whose embedder learnt from captions of some colours."""
    nothing = [0] * len(WORDS)
    clusters = {"centres": centres, "shares": [1 / len(centres)] * len(centres)}
    content = {
        "pictures": 1,
        "counts": nothing,
        "matching": nothing,
        "overall": nothing,
        "clusters": clusters,
    }
    files = graphs(WORDS) | search_graphs(WORDS) | {"words.json": json.dumps(content).encode()}
    write_tiny_bundle(folder, languages=("en", "zh"), files=files, search=SEARCH)
    return folder


RED, BLUE = [577, -577, -577], [-577, -577, 577]


@pytest.mark.parametrize(("learnt", "first"), [(RED, "blue.png"), (BLUE, "red.png")])
def test_of_pictures_as_similar_the_one_comes_first_that_is_like_fewer_captions(tmp_path, learnt, first):
    for colour in ("red", "blue"):
        paint(tmp_path / "pictures" / f"{colour}.png", colour)
    with showtell.open_library(tmp_path / "library", model=bundle(tmp_path / "bundle", [learnt])) as library:
        library.index(tmp_path / "pictures", captions=False)
        found = library.find("red blue", anyway=True)
    assert names(found)[0] == first
    assert found.matches[0].similarity == pytest.approx(found.matches[1].similarity, abs=1e-3)


def test_clusters_of_another_space_are_a_broken_bundle(tmp_path):
    paint(tmp_path / "pictures" / "red.png", "red")
    with showtell.open_library(tmp_path / "library", model=bundle(tmp_path / "bundle", [[1, 2]])) as library:
        library.index(tmp_path / "pictures", captions=False)
        with pytest.raises(BadBundle, match=r"words\.json: 'clusters' must have .* of 3 numbers"):
            library.find("red")
