"""``showtell models``: the captioners that ship."""

import json
from typing import Annotated

import typer

from showtell.cli import options as option

__all__ = ["models"]


def models(
    format: Annotated[option.TextOrJson, typer.Option(help="How the list is written.")] = "text",  # noqa: A002
) -> None:
    """List the models that ship with Showtell.

    A line each: the name for --model, version, languages, size, and whether it can search.
    """
    from showtell.captioning.bundle import read_bundle
    from showtell.captioning.hub import bundle_folder, shipped_models

    bundles = {name: read_bundle(bundle_folder(name)) for name in shipped_models()}
    sizes = {
        name: round(sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6, 1)
        for name, bundle in bundles.items()
    }
    if format == "json":
        rows = [
            {
                "name": name,
                "version": bundle.version,
                "languages": bundle.languages,
                "megabytes": sizes[name],
                "words": len(bundle.vocabulary),
                "search": "embedder.onnx" in bundle.graphs,
                "folder": str(bundle.folder),
            }
            for name, bundle in bundles.items()
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for name, bundle in bundles.items():
        use = "captions and search" if "embedder.onnx" in bundle.graphs else "captions"
        print(f"{name}\t{bundle.version}\t{', '.join(bundle.languages)}\t{sizes[name]} MB\t{use}")
