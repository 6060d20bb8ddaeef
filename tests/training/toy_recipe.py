"""The recipe of a model that learns coloured shapes in seconds."""

TOY_RECIPE = """
description = "Coloured shapes."
seed = 3

[encoder]
name = "efficientnet-lite0"
size = 128

[text]
minimum_count = 1

[model]
name = "{model}"

[model.settings]
width = 128
heads = 4
dropout = 0.1

[training]
batch = 32
label_smoothing = 0.05
augmentations = 0

[training.schedule]
epochs = {epochs}
learning_rate = 2e-3
warmup = 30
average = 0.98
checkpoint_every = 5
"""
