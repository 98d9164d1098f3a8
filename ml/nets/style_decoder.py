"""The feed-forward painter: turns features of a photo, moved to a style's statistics, back into a picture.

The features of ``ml.nets.vgg_trunk`` at three depths are the encoder; here is its mirror image, one stage per depth.
Before every stage the features are given the style's mean and deviation per channel: adaptive instance normalisation
(Huang & Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017), from coarse
to fine in one decoder (Chiu & Gurari, "PhotoWCT2", WACV 2022). The stage below the deepest also sees the photo's own
features, so that the edges of things stay where they were. Widths, training and weights are this project's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

LEVELS = ("4_1", "3_1", "2_1")
CHANNELS = {"4_1": 512, "3_1": 256, "2_1": 128}
SHRUNK = {"4_1": 8, "3_1": 4, "2_1": 2}
"""How much smaller than the picture a level is."""
# Root mean square of the trunk's activations on photos: brings every level to about 1.
SCALE = {"4_1": 12.0, "3_1": 27.0, "2_1": 53.0}
Moments = tuple[Tensor, Tensor]
"""Mean and standard deviation of every channel, ``(N, C, 1, 1)`` each."""


def moments(features: Tensor) -> Moments:
    """What ``adapt`` brings a picture's features to."""
    x = features.float()
    mean = x.mean((2, 3), keepdim=True)
    return mean, ((x * x).mean((2, 3), keepdim=True) - mean * mean).clamp(min=0).add(1e-4).sqrt()


def adapt(features: Tensor, wanted: Moments) -> Tensor:
    """The features with the moments ``wanted``."""
    own = moments(features)
    slope = wanted[1] / own[1]
    return features * slope + (wanted[0] - own[0] * slope)


class _Stage(nn.Sequential):
    """One level up: a convolution, the picture doubled, and one more convolution; reflection padding."""

    def __init__(self, inputs: int, inner: int, outputs: int) -> None:
        super().__init__(
            _convolution(inputs, inner),
            nn.ReLU(inplace=True),
            nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
            _convolution(inner, outputs),
            nn.ReLU(inplace=True),
        )


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class StyleDecoder(nn.Module):
    """Features by level, divided by ``SCALE``, to ``(N, 3, H, W)`` RGB, about 0..1; H and W are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.from4_1 = _Stage(512, 128, 256)
        self.from3_1 = _Stage(256, 96, 128)
        self.from2_1 = nn.Sequential(_Stage(128, 48, 32), _convolution(32, 3))

    def stage(self, level: str, features: Tensor) -> Tensor:
        """The features of the next shallower level, from those of ``level``; the picture after the last."""
        made: Tensor = self.get_submodule(f"from{level}")(features)
        return made + 0.5 if level == "2_1" else made

    def restyled(self, photo: Mapping[str, Tensor], style: Mapping[str, Moments]) -> Tensor:
        """The features of level 2_1, ready for the last stage, in the style's statistics.

        ``photo`` holds the levels 4_1 and 3_1, ``style`` the moments of all. Half of 3_1 is the photo's own.
        """
        x = self.stage("4_1", adapt(photo["4_1"], style["4_1"]))
        x = 0.5 * (adapt(x, style["3_1"]) + adapt(photo["3_1"], style["3_1"]))
        return adapt(self.stage("3_1", adapt(x, style["3_1"])), style["2_1"])

    def forward(self, photo: Mapping[str, Tensor], style: Mapping[str, Moments]) -> Tensor:
        """Paint in one piece; see ``restyled``."""
        return self.stage("2_1", self.restyled(photo, style))


def build() -> StyleDecoder:
    """The decoder, weights not loaded, in eval mode."""
    return StyleDecoder().eval()
