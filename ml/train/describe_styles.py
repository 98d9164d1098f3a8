"""Write the style presets: ``python -m ml.train.describe_styles --paintings DIR --models DIR --out ml/weights``.

A preset is what a painting looks like to the feature network: the Gram matrices of four layers for the search, and its
palette; a third of a megabyte. The run is deterministic and takes seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ml.enhance.paint import describe, trunk
from ml.enhance.palette import palette
from ml.enhance.style import PRESETS, STYLE_SIDE, write_preset
from ml.enhance.transfer import shrink
from ml.train.data import read_photo

FILES = {
    "starry-night": "van_gogh_starry_night_1889.jpg",
    "great-wave": "hokusai_great_wave_1831.jpg",
    "scream": "munch_the_scream_1893.jpg",
    "composition-vii": "kandinsky_composition_vii_1913.jpg",
    "udnie": "picabia_udnie_1913.jpg",
    "portrait": "delaunay_portrait_1906.jpg",
    "night-cafe": "van_gogh_night_cafe_1888.jpg",
    "olive-trees": "van_gogh_olive_trees_1889.jpg",
    "woman-with-hat": "matisse_woman_with_hat_1905.jpg",
}


def main() -> None:
    """Describe every painting."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("paintings", "models", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    for preset in PRESETS:
        pixels = read_photo(options.paintings / FILES[preset.name]).astype(np.float32) / np.float32(255)
        small, network = shrink(pixels, STYLE_SIDE), trunk(options.models)
        write_preset(describe(small, network), palette(small), options.out / preset.file.name)


if __name__ == "__main__":
    main()
