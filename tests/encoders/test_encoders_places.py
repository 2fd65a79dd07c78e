"""What the picture tower sees place by place, read out of its ONNX graph."""

import numpy as np
import pytest

from sightline.encoders.built_in import HOME, PICTURES, open_built_in
from sightline.encoders.built_in_places import GRID, Places, gathered
from sightline.encoders.onnx_graph import also_giving
from sightline.records import Frames

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 3, 64, 117), dtype=np.uint8)


def mean_of_cells(x):
    """The slow loop: a cell is the mean of the places that it touches."""
    height, width = x.shape
    found = np.zeros(GRID)
    for row in range(GRID[0]):
        for column in range(GRID[1]):
            top, bottom = int(np.floor(row * height / GRID[0])), int(np.ceil((row + 1) * height / GRID[0]))
            left, right = int(np.floor(column * width / GRID[1])), int(np.ceil((column + 1) * width / GRID[1]))
            found[row, column] = x[top:bottom, left:right].mean()
    return found


@pytest.mark.parametrize("shape", [(8, 14), (8, 15), (13, 8), (8, 8)])
def test_cells_are_means_of_the_places_they_touch(shape):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    assert np.allclose(gathered(x), mean_of_cells(x), atol=1e-6)


def test_the_vectors_are_those_of_the_encoder():
    vectors = np.asarray(open_built_in().see(Frames(PIXELS, np.arange(3.0))).vectors)[0]
    assert np.allclose(Places.opened().see(PIXELS)[2], vectors[:, :-1], atol=1e-5)


def test_many_pictures_are_seen_as_each_alone():
    shown, matter, _ = Places.opened().see(PIXELS)
    alone = Places.opened().see(PIXELS[1:2])
    assert np.allclose(shown[1], alone[0][0], atol=1e-4) and np.allclose(matter[1], alone[1][0], atol=1e-5)
    assert shown.shape[:2] == matter.shape == (3, GRID[0] * GRID[1])


def test_a_graph_is_asked_for_a_value_on_the_way_without_the_onnx_package():
    import onnxruntime

    model = also_giving((HOME / PICTURES).read_bytes(), ["mean"])
    names = [output.name for output in onnxruntime.InferenceSession(model).get_outputs()]
    assert names == ["vectors", "mean"]


def test_the_cells_are_those_that_systems_learn_from():
    torch = pytest.importorskip("torch")
    from sightline.recipes.questions_seen import Eye, as_tokens_of_cells

    eye = Eye.opened(HOME)
    tokens, _ = eye.see(PIXELS)
    shown, matter, vectors = (torch.from_numpy(part) for part in Places.opened().see(PIXELS))
    what = eye.pictures.what
    with torch.no_grad():
        cells = shown @ what.weight.T + matter[..., None] * what.bias
        made = as_tokens_of_cells(cells, matter[..., None], vectors)
    assert np.allclose(made.numpy(), tokens.astype(np.float32), atol=2e-3)  # tokens are kept as float16
