"""The service in a window: tkinter, and drag and drop where tkinterdnd2 is installed (the extra ``desktop``).

* `window`: what there is in the window and what it does; read this first.
* `listing`, `detail`: its two sides, the pictures and the one that is chosen.
* `work`: what takes a while, in threads that touch no widget.
* `drawing`: thumbnails, and which part of a picture a word depends on, as pictures.
* `look`: colours, fonts, sizes. `texts`: what it says. `settings`: what it remembers. `sidecar`: words beside pictures.

Nothing here imports numpy or a network before the window stands.
"""
