"""What tests of several folders share."""

import pytest
from hypothesis import settings

# Hypothesis fails what takes over 0.2 s of wall time, which a busy machine does to any test.
settings.register_profile("showtell", deadline=None)
settings.load_profile("showtell")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The folder of a bundle in English and Chinese that says what colour a picture has; see `tiny_bundle`."""
    pytest.importorskip("onnx", reason="the tests' bundle is made with the package onnx")
    from tiny_bundle import write_tiny_bundle

    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_tiny_bundle(folder, languages=("en", "zh"))
    return folder


@pytest.fixture(scope="session")
def searching_model(tmp_path_factory):
    """The same bundle with an embedder and a text network, so that pictures can be searched by colour."""
    pytest.importorskip("onnx", reason="the tests' bundle is made with the package onnx")
    from tiny_bundle import SEARCH, graphs, search_graphs, vocabulary, write_tiny_bundle

    folder = tmp_path_factory.mktemp("models") / "searching"
    words = vocabulary(("en", "zh"))
    write_tiny_bundle(
        folder, languages=("en", "zh"), files=graphs(words) | search_graphs(words), search=SEARCH
    )
    return folder
