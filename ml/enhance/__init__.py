"""Photos made better: recipes of declared operations on arrays, and files in and out.

The door of the package; it imports no network library. A recipe goes ``validate_recipe`` -> ``apply``; files
go through ``decode`` and ``encode``; ``ml.enhance.auto`` proposes a recipe for a photo.
"""

from ml.enhance.engine import apply
from ml.enhance.operation import Cancelled, EnhanceContext, EnhanceError, OperationFailed, RecipeError
from ml.enhance.output import OutputOptions, encode
from ml.enhance.pictures import Picture, PictureError, Source, decode
from ml.enhance.recipe import OPERATIONS, Recipe, describe_operations, validate_recipe

__all__ = [
    "OPERATIONS",
    "Cancelled",
    "EnhanceContext",
    "EnhanceError",
    "OperationFailed",
    "OutputOptions",
    "Picture",
    "PictureError",
    "Recipe",
    "RecipeError",
    "Source",
    "apply",
    "decode",
    "describe_operations",
    "encode",
    "validate_recipe",
]
