"""The small JPEG."""

from io import BytesIO

import make_media as media
import numpy as np
import pytest
from PIL import Image

from sightline.errors import BadRecord
from sightline.video.thumbnail import jpeg


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_both_orders_of_axes_give_the_same_jpeg_of_the_width_asked(order):
    frame = media.scene(2, 0.0, (320, 180))
    picture = Image.open(BytesIO(jpeg(frame.transpose(order), width=192)))
    assert picture.format == "JPEG" and picture.size == (192, 108)
    small = frame.astype(float).reshape(180, 320, 3).mean(axis=(0, 1))
    assert np.asarray(picture).mean(axis=(0, 1)) == pytest.approx(small, abs=4)


def test_a_small_frame_is_not_enlarged():
    assert Image.open(BytesIO(jpeg(media.scene(2, 0.0, (64, 40))))).size == (64, 40)


def test_the_same_frame_gives_the_same_bytes():
    frame = media.scene(5, 0.0)
    assert jpeg(frame) == jpeg(frame.copy())


def test_a_grey_picture_is_refused_with_its_shape():
    with pytest.raises(BadRecord, match=r"\(7, 5\)"):
        jpeg(np.zeros((7, 5), dtype=np.uint8))
