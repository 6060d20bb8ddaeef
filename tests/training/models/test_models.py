"""Every model keeps the contract of begin and step; then what is special in each."""

import pytest
import torch
from small_models import REGIONS, SENTINEL, VOCABULARY, WIDTH, small
from torch.nn import functional as F

from showtell.errors import BadRecipe
from showtell.training.data.batches import Batch
from showtell.training.engine.losses import CrossEntropy, uneven_attention
from showtell.training.models import MODELS, build_model
from showtell.training.models.pooling import PooledCaptioner


@pytest.fixture(params=[*sorted(MODELS), SENTINEL])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def batch_of(regions, tokens, pictures, weights=None) -> Batch:
    weights = torch.ones(len(tokens)) if weights is None else weights
    ids, plain = tuple(map(str, range(len(regions)))), torch.zeros(len(regions), dtype=torch.bool)
    return Batch(ids, regions, tokens, pictures, weights, mirrored=plain)


def test_one_call_with_the_whole_caption_equals_one_call_a_word(name: str) -> None:
    model = small(name).eval()
    regions, tokens = torch.randn(3, REGIONS, WIDTH), torch.randint(VOCABULARY, (3, 9))
    with torch.inference_mode():
        logits, attention, _ = model.step(tokens, model.begin(regions))
        state, each = model.begin(regions), []
        for place in range(tokens.shape[1]):
            one, looked, state = model.step(tokens[:, place : place + 1], state)
            each.append((one, looked))
    torch.testing.assert_close(torch.cat([one for one, _ in each], dim=1), logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        torch.cat([looked for _, looked in each], dim=1), attention, atol=1e-5, rtol=1e-4
    )


def test_before_learning_no_model_repeats_the_word_that_it_has_just_heard(name: str) -> None:
    model = small(name, vocabulary=500).eval()
    tokens = torch.randint(500, (8, 10))
    with torch.inference_mode():
        logits, _, _ = model.step(tokens, model.begin(torch.randn(8, REGIONS, WIDTH)))
        again = logits.softmax(dim=-1).gather(2, tokens[..., None])  # [8, 10, 1]
    assert float(again.mean()) < 3 / 500


def test_no_word_depends_on_a_later_one(name: str) -> None:
    model = small(name).eval()
    regions, tokens = torch.randn(2, REGIONS, WIDTH), torch.randint(VOCABULARY, (2, 8))
    changed = tokens.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % VOCABULARY
    with torch.inference_mode():
        before, after = (model.step(ids, model.begin(regions))[0] for ids in (tokens, changed))
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_state_has_the_batch_first_a_name_for_each_tensor_and_fixed_tensors_stay(name: str) -> None:
    model = small(name).eval()
    with torch.inference_mode():
        first = model.begin(torch.randn(3, REGIONS, WIDTH))
        _, _, second = model.step(torch.zeros(3, 1, dtype=torch.long), first)
    assert len(first) == len(second) == len(model.state_names) == len(set(model.state_names))
    assert all(tensor.shape[0] == 3 for tensor in (*first, *second))
    for place, (before, after) in enumerate(zip(first, second, strict=True)):
        assert (before is after) == (place in model.fixed)


def test_attention_over_the_regions_sums_to_one(name: str) -> None:
    model = small(name).eval()
    with torch.inference_mode():
        _, attention, _ = model.step(
            torch.randint(VOCABULARY, (2, 5)), model.begin(torch.randn(2, REGIONS, WIDTH))
        )
    assert attention.shape == (2, 5, REGIONS)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(2, 5))


def test_a_handful_of_pictures_is_learnt_by_heart(name: str) -> None:
    model = small(name, dropout=0.0, region_dropout=0.0)
    regions, captions = torch.randn(4, REGIONS, WIDTH), torch.randint(4, VOCABULARY, (4, 7))
    loss = CrossEntropy(pad=0, smoothing=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        value = loss(model, batch_of(regions, captions, torch.arange(4)))
        value.backward()
        optimizer.step()
    assert value < 0.05


def test_captions_of_one_picture_share_what_was_begun(name: str) -> None:
    model = small(name).eval()
    regions, tokens = torch.randn(2, REGIONS, WIDTH), torch.randint(1, VOCABULARY, (5, 6))
    pictures = torch.tensor([0, 0, 1, 1, 1])
    loss = CrossEntropy(pad=0, smoothing=0.1)
    shared = loss(model, batch_of(regions, tokens, pictures))
    apart = loss(model, batch_of(regions[pictures], tokens, torch.arange(5)))
    torch.testing.assert_close(shared, apart)


def test_only_pooled_models_look_everywhere_alike(name: str) -> None:
    model = small(name).eval()
    with torch.inference_mode():
        _, attention, _ = model.step(
            torch.randint(VOCABULARY, (2, 5)), model.begin(torch.randn(2, REGIONS, WIDTH))
        )
    assert torch.allclose(attention, torch.tensor(1 / REGIONS)) == isinstance(model, PooledCaptioner)


def test_pooled_models_see_the_mean_of_the_regions_alone(name: str) -> None:
    model = small(name).eval()
    regions, tokens = torch.randn(2, REGIONS, WIDTH), torch.randint(VOCABULARY, (2, 5))
    blurred = regions.mean(dim=1, keepdim=True).expand_as(regions)
    with torch.inference_mode():
        sharp, blind = (model.step(tokens, model.begin(seen))[0] for seen in (regions, blurred))
    assert torch.allclose(sharp, blind, atol=1e-5) == isinstance(model, PooledCaptioner)


def test_merge_adds_picture_and_sentence_before_the_dense_layer() -> None:
    model = small("merge").eval()
    picture, heard = torch.randn(2, 32), torch.randn(2, 5, 32)
    with torch.inference_mode():
        merged = model.merged(picture, heard)
        swapped = model.merged(heard[:, 2], picture[:, None])
        by_hand = F.relu((picture[1] + heard[1, 2]) @ model.dense.weight.T + model.dense.bias)
    torch.testing.assert_close(merged[1, 2], by_hand)
    torch.testing.assert_close(merged[:, 2], swapped[:, 0])  # nobody knows which of the two was which


def test_the_lstm_of_merge_never_sees_the_picture() -> None:
    model = small("merge").eval()
    tokens = torch.randint(VOCABULARY, (2, 5))
    with torch.inference_mode():
        ends = [model.step(tokens, model.begin(torch.randn(2, REGIONS, WIDTH)))[2] for _ in range(2)]
    for name, one, other in zip(model.state_names, *ends, strict=True):
        assert torch.equal(one, other) == (name != "picture")


def test_nic_sees_the_picture_first_and_never_again() -> None:
    model = small("nic").eval()
    regions, tokens = torch.randn(2, REGIONS, WIDTH), torch.randint(VOCABULARY, (2, 5))
    with torch.inference_mode():
        # The picture is an input like a word's: one call of the LSTM over picture and words says the same.
        picture = model.project(regions.mean(dim=1))[:, None]
        words = model.embedding(tokens) * model.embedding.embedding_dim**0.5
        spoken, _ = model.lstm(torch.cat((picture, words), dim=1))
        expected = F.linear(model.norm(spoken[:, 1:]), model.embedding.weight, model.bias)
        logits, _, _ = model.step(tokens, model.begin(regions))
    torch.testing.assert_close(logits, expected)
    assert model.state_names == ("hidden", "cell")  # nothing else of the picture is kept


def test_where_soft_attention_looks_does_not_depend_on_the_word_it_has_just_said() -> None:
    # h_t-1 asks, before the LSTM has heard y_t; with a sentinel h_t asks, and has.
    regions, tokens = torch.randn(2, REGIONS, WIDTH), torch.randint(VOCABULARY - 1, (2, 5))
    changed = tokens.clone()
    changed[:, 3] += 1
    for name, same in (("soft_attention", True), (SENTINEL, False)):
        model = small(name).eval()
        with torch.inference_mode():
            one, other = (model.step(ids, model.begin(regions))[1] for ids in (tokens, changed))
        assert torch.equal(one[:, :3], other[:, :3])
        assert torch.equal(one[:, 3], other[:, 3]) == same
        assert not torch.equal(one[:, 4], other[:, 4])


def test_the_sentinel_takes_a_share_between_none_and_all() -> None:
    attention = small(SENTINEL).eval().attention
    seen, asks, sentinel = torch.randn(5, REGIONS, 32), torch.randn(5, 32), torch.randn(5, 32)
    with torch.inference_mode():
        context, weights = attention(asks, attention.keys(seen), seen, sentinel)
        # A sentinel is one more region: the softmax over all of them gives the same mixture.
        keys = torch.cat((attention.keys(seen), attention.sentinel_key(sentinel)[:, None]), dim=1)
        mixture, all_weights = attention(asks, keys, torch.cat((seen, sentinel[:, None]), dim=1))
    torch.testing.assert_close(context, mixture)
    assert (all_weights[:, -1] > 0).all()
    # What is shown are the regions' weights among themselves.
    torch.testing.assert_close(weights, F.normalize(all_weights[:, :-1], p=1))


def test_the_doubly_stochastic_term_is_what_is_computed_by_hand() -> None:
    # Two tokens look at two regions: sums 1.5 and 0.5; the padding behind them does not count.
    one = [[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]]
    # Three tokens: sums 1 and 2.
    two = [[0.0, 1.0], [0.5, 0.5], [0.5, 0.5]]
    said = torch.tensor([[True, True, False], [True, True, True]])
    uneven = uneven_attention(torch.tensor([one, two]), said)
    assert uneven.item() == pytest.approx((0.5**2 + 0.5**2) + (0.0 + 1.0))


def test_the_doubly_stochastic_term_is_a_mean_over_captions_with_its_weight() -> None:
    model = small("soft_attention").eval()
    regions, tokens = torch.randn(3, REGIONS, WIDTH), torch.randint(1, VOCABULARY, (3, 6))
    tokens[0, 4:] = 0
    batch = batch_of(regions, tokens, torch.arange(3))
    without, with_it = (CrossEntropy(0, 0.1, weight)(model, batch) for weight in (0.0, 0.5))
    _, attention, _ = model.step(tokens[:, :-1], model.begin(regions))
    expected = 0.5 * uneven_attention(attention, tokens[:, 1:] != 0) / 3
    torch.testing.assert_close(with_it - without, expected)


def test_a_caption_of_no_weight_counts_for_nothing_and_one_of_twice_the_weight_for_two() -> None:
    model = small("two_lstm").eval()
    regions, tokens = torch.randn(3, REGIONS, WIDTH), torch.randint(1, VOCABULARY, (3, 6))
    loss, pictures = CrossEntropy(pad=0), torch.arange(3)
    weighed = loss(model, batch_of(regions, tokens, pictures, torch.tensor([2.0, 0.0, 1.0])))
    repeated = torch.tensor([0, 0, 2])
    torch.testing.assert_close(weighed, loss(model, batch_of(regions[repeated], tokens[repeated], pictures)))


def test_padding_counts_for_nothing() -> None:
    model = small("two_lstm").eval()
    regions, tokens = torch.randn(2, REGIONS, WIDTH), torch.randint(1, VOCABULARY, (2, 6))
    padded = F.pad(tokens, (0, 3), value=0)
    loss = CrossEntropy(pad=0, smoothing=0.1)
    batch = batch_of(regions, tokens, torch.arange(2))
    torch.testing.assert_close(loss(model, batch), loss(model, batch_of(regions, padded, torch.arange(2))))


def test_a_model_or_a_setting_that_does_not_exist_is_named() -> None:
    with pytest.raises(BadRecipe, match="no model 'gru'"):
        build_model("gru", vocabulary=9, regions=4, region_width=4, settings={})
    with pytest.raises(BadRecipe, match="no setting 'widht'"):
        build_model("two_lstm", vocabulary=9, regions=4, region_width=4, settings={"widht": 3})


def test_a_transformer_says_when_a_caption_is_longer_than_it_has_places_for() -> None:
    model = small("transformer", maximum_length=5).eval()
    state = model.begin(torch.randn(1, REGIONS, WIDTH))
    with torch.inference_mode():
        _, _, state = model.step(torch.zeros(1, 5, dtype=torch.long), state)
    message = r"maximum_length of 5 .* 6 tokens; .*larger.*\[model\.settings\]"
    with pytest.raises(BadRecipe, match=message):
        model.step(torch.zeros(1, 1, dtype=torch.long), state)
    with pytest.raises(BadRecipe, match=message):
        model.step(torch.zeros(1, 6, dtype=torch.long), model.begin(torch.randn(1, REGIONS, WIDTH)))


@pytest.mark.parametrize("heads", [0, -4, 3])
def test_heads_that_do_not_divide_the_width_are_refused_by_name(heads: int) -> None:
    with pytest.raises(BadRecipe, match=f"the width 32 is no multiple of heads = {heads}"):
        build_model(
            "two_lstm", vocabulary=8, regions=4, region_width=8, settings={"width": 32, "heads": heads}
        )
