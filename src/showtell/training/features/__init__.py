"""What an encoder makes of every picture of a corpus, kept in a folder, or brought in a file."""
