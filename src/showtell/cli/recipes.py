"""``showtell recipes``: what can be trained."""

from showtell.cli.training import reach

__all__ = ["recipes"]


def recipes() -> None:
    """List the recipes that come with Showtell.

    `docs/recipes.md` says what each setting of a recipe does.
    """
    with reach("recipe") as module:
        for name in module.recipe_names():
            print(f"{name}\t{module.read_recipe(name).description}")
