"""What people use: one service, and the faces that stand on it.

* `service`: captions, explanations, search, screening and feedback as plain methods. It holds the logic.
* `server`: the service over HTTP, with the page in `web`.
* `desktop`: the service in a window.
* `batch`: captions of more pictures than one machine is for, by Ray.
"""
