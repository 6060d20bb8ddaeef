"""Pictures to ask about, and a real server on a real port."""

import threading
import time
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image
from tiny_bundle import COLOURS

from showtell.apps.service import open_service

TOKEN = "a-token-for-the-tests"


def picture(colour, size=(40, 30)):
    """A PNG of one colour."""
    file = BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), COLOURS[colour], np.uint8)).save(file, "PNG")
    return file.getvalue()


@contextmanager
def serving(model, folder, **settings):
    """Serve a model, with feedback in a folder; yields a client that brings the token, and the `Running`."""
    import httpx

    from showtell.apps.server.running import prepare

    limits = settings.pop("limits", None)
    screener = settings.pop("screener", None)
    service = open_service(str(model), feedback=folder / "feedback.sqlite", **settings)
    if screener is not None:
        service.screener = screener
    running = prepare(service, port=0, token=TOKEN, limits=limits)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    base = running.url.partition("/#")[0]
    while not running.server.started and thread.is_alive():
        time.sleep(0.01)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with httpx.Client(base_url=base, headers=headers, timeout=30) as client:
            yield client, running
    finally:
        running.server.should_exit = True
        thread.join(30)
