"""How a captioner is trained: the loop, its losses, checkpoints, validation, and the encoder's tuning to words."""
