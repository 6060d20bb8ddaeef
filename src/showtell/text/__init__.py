"""Words: captions taken apart and put together, and the vocabulary that numbers them."""
