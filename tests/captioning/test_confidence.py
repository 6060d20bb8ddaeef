"""Confidence keeps its word: of the captions it gives 0.7, about 70 % are good."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from showtell.captioning.confidence import FEATURES, Calibration, cross_validated, fit, measure, reliability


@dataclass(frozen=True)
class Scored:
    tokens: tuple[int, ...]
    log_probability: float
    similarity: float | None = None


def beams(sure):
    """Three hypotheses, of which the first is far ahead or not."""
    behind = 4.0 if sure else 0.2
    others = [Scored((5, 6, 8), -2 - behind), Scored((9, 6, 7), -2.1 - behind)]
    return [Scored((5, 6, 7), -2.0), *others]


def drawn(number=4000, seed=0):
    """Captions whose chance of being good follows the logistic function exactly."""
    generator = np.random.default_rng(seed)
    table = generator.normal(size=(number, len(FEATURES))) * [0.3, 0.2, 0.1, 3, 0.1] + [-1, 0.6, 0.5, 9, 0.4]
    logits = 3 * (table[:, 0] + 1) + 6 * (table[:, 1] - 0.6) - 0.2 * (table[:, 3] - 9)
    return table, generator.random(number) < 1 / (1 + np.exp(-logits))


def test_the_features_of_a_beam():
    found = dict(zip(FEATURES, measure(beams(sure=False)), strict=True))
    assert found["mean_log_probability"] == -0.5  # the end token counts
    assert found["share"] == pytest.approx(1 / (1 + math.exp(-0.2) + math.exp(-0.3)))
    assert found["agreement"] == 0.5  # {5, 6} of {5, 6, 7, 8}; {6, 7} of {5, 6, 7, 9}
    assert found["length"] == 3
    assert math.isnan(found["similarity"])  # nothing has measured it


def test_the_similarity_is_that_of_the_best():
    found = dict(zip(FEATURES, measure([Scored((5, 6), -1.0, 0.4), Scored((5,), -2.0, 0.9)]), strict=True))
    assert found["similarity"] == 0.4


def test_a_feature_that_nothing_measured_counts_for_nothing():
    table, good = drawn()
    table[:, list(FEATURES).index("similarity")] = math.nan
    calibration = fit(table, good)
    assert calibration.coefficients[-1] == 0
    assert np.isfinite(calibration.probabilities(table)).all()


def test_one_hypothesis_says_nothing_about_others():
    found = dict(zip(FEATURES, measure([Scored((5, 6), -1.0)]), strict=True))
    assert math.isnan(found["share"])
    assert math.isnan(found["agreement"])


def test_the_fit_finds_the_weights_that_made_the_data():
    table, good = drawn(40_000)
    calibration = fit(table, good)
    assert np.allclose(calibration.coefficients[1:], [3, 6, 0, -0.2, 0], atol=0.4)


def test_confidence_is_the_share_of_good_captions():
    table, good = drawn()
    rows = reliability(cross_validated(table, good), good)
    assert sum(row.captions for row in rows) == len(good)
    for row in rows:
        assert row.confidence == pytest.approx(row.good, abs=3 * math.sqrt(0.25 / row.captions))


@pytest.mark.parametrize("number", [1, 2, 9])
def test_a_few_captions_have_cross_validated_confidences_too(number):
    table, good = drawn(number)
    confidences = cross_validated(table, good)
    assert confidences.shape == (number,)
    assert ((confidences > 0) & (confidences < 1)).all()
    assert sum(row.captions for row in reliability(confidences, good)) == number


def test_more_hesitation_means_less_confidence():
    table, good = drawn()
    calibration = fit(table, good)
    assert calibration.confidence(beams(sure=True)) > calibration.confidence(beams(sure=False)) + 0.1


def test_where_a_feature_is_missing_its_mean_stands_in():
    calibration = Calibration(("share",), (1.0, 2.0), (0.7,))
    assert calibration.confidence([Scored((5,), -1)]) == pytest.approx(1 / (1 + math.exp(-2.4)))


def test_what_can_be_told_apart_without_error_still_has_finite_weights():
    table = np.arange(20, dtype=float).reshape(20, 1)
    calibration = fit(table, table[:, 0] > 9, names=["length"])
    assert np.isfinite(calibration.coefficients).all()
    assert calibration.confidence([Scored(tuple(range(19)), 0)]) > 0.9


@pytest.mark.parametrize("good", [True, False])
def test_when_all_are_alike_the_confidence_is_sure_but_not_certain(good):
    table, _ = drawn(200)
    confidences = fit(table, np.full(200, good)).probabilities(table)
    assert ((confidences > 0) & (confidences < 1)).all()
    assert (confidences > 0.5).all() == good


def test_a_feature_that_never_varies_does_no_harm():
    table, good = drawn(300)
    table[:, 1] = 0.5
    table[:, 2] = np.nan
    assert np.isfinite(fit(table, good).coefficients).all()


def test_an_impossible_caption_has_a_confidence_too():
    table, good = drawn(300)
    found = [Scored((5,), -1e6), Scored((6,), -1.0)]
    assert 0 <= fit(table, good).confidence(found) <= 1


def test_shapes_that_do_not_belong_together():
    for table, good in ((np.zeros((3, 2)), np.zeros(3, bool)), (np.zeros((0, 4)), np.zeros(0, bool))):
        with pytest.raises(ValueError, match="a table of"):
            fit(table, good)


def test_a_calibration_survives_json():
    table, good = drawn(300)
    calibration = fit(table, good, target="CIDEr of at least 50")
    assert Calibration.from_dict(calibration.to_dict()) == calibration


@pytest.mark.parametrize(
    "change",
    [
        {"method": "isotonic"},
        {"features": ["luck"]},
        {"features": "length"},
        {"features": [["length"]]},
        {"coefficients": [1.0]},
        {"coefficients": [1.0, float("nan")]},
        {"coefficients": [1.0, "2"]},
        {"means": []},
        {"means": None},
        {"means": [10**400]},
    ],
)
def test_settings_that_cannot_be(change):
    settings = Calibration(("length",), (0.0, 1.0), (9.0,)).to_dict()
    with pytest.raises(ValueError, match="calibration"):
        Calibration.from_dict(settings | change)
