"""Find pictures by saying what is in them: a library of folders, searched by words and by pictures; read library.py."""

from showtell.search.answers import Duplicates, Found, Match
from showtell.search.indexing import Indexed
from showtell.search.library import Library, default_folder, open_library
from showtell.search.records import Caption

__all__ = ["Caption", "Duplicates", "Found", "Indexed", "Library", "Match", "default_folder", "open_library"]
