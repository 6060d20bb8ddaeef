"""A run -> a bundle: graphs, parity with PyTorch, the card."""
