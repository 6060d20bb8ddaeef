"""What a captioner is trained on: batches of captions, augmented pictures, word vectors."""
