"""The service over HTTP, with a page: FastAPI and uvicorn (the extra ``server``).

* `app`: the routes.
* `schemas`: what goes in and out, for the documentation of the interface.
* `uploads`: pictures out of a request's body, within limits.
* `protection`: who may ask, and for how much.
* `connections`: those that say nothing are given up.
* `problems`: errors as RFC 9457 has them.
* `running`: uvicorn, started and ended.
"""
