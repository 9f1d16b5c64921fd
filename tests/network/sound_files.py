"""A few small sound files of every format, to mutate."""

import os
import shutil
from pathlib import Path

import numpy as np
from nets import uniform_net
from shortcuts import shortcut_net

from polyrelu.network import save

DATA = Path(__file__).resolve().parents[2] / "data"
FORMATS = (".npz", ".onnx", ".pt", ".safetensors", ".keras", ".h5", ".skops", ".nnet")

NNET = """\
// two inputs, two hidden layers, one output
3,2,1,3,
2,3,2,1,
0,
-1.0,-2.0,
1.0,2.0,
0.0,0.5,1.0,
1.0,2.0,3.0,
0.5,-1.0,
0.25,1.0,
-1.5,2.0,
0.1,
0.2,
-0.3,
1.0,0.5,-0.5,
-1.0,2.0,0.75,
0.0,
0.125,
3.0,-2.0,
1.0,
"""


def sound_files(suffix: str, folder: Path) -> list[tuple[Path, Path]]:
    """Pairs of a file to load and one to mutate: itself, or one that is read with it."""
    return {
        ".npz": _npz, ".onnx": _onnx, ".pt": _torch, ".safetensors": _safetensors,
        ".keras": _keras, ".h5": _keras, ".skops": _skops, ".nnet": _nnet,
    }[suffix](suffix, folder)  # fmt: skip


def _itself(*paths: Path) -> list[tuple[Path, Path]]:
    return [(path, path) for path in paths]


def _npz(suffix, folder):
    save(uniform_net(2, 5, 3, 1), folder / "plain.npz")
    save(shortcut_net("residual", 2, 0), folder / "linear_units.npz")
    return _itself(folder / "plain.npz", folder / "linear_units.npz")


def _onnx(suffix, folder):
    import onnx

    save(uniform_net(2, 5, 3, 1), folder / "plain.onnx")
    shutil.copy(DATA / "digits.onnx", folder / "digits.onnx")
    model = onnx.load(folder / "plain.onnx")
    onnx.save_model(
        model, folder / "outside.onnx", save_as_external_data=True, size_threshold=0,
        location="outside.bin",
    )  # fmt: skip
    beside = [(folder / "outside.onnx", folder / "outside.bin")]
    return _itself(*(folder / f"{n}.onnx" for n in ("plain", "digits", "outside"))) + beside


def _torch(suffix, folder):
    import torch

    save(uniform_net(2, 5, 3, 1), folder / "plain.pt")
    state = torch.load(folder / "plain.pt", weights_only=True)
    torch.save(state, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    return _itself(folder / "plain.pt", folder / "legacy.pt")


def _safetensors(suffix, folder):
    from safetensors.numpy import save_file

    network = uniform_net(2, 5, 3, 1)
    arrays = {}
    for number, layer in enumerate(network.layers):
        arrays |= {f"{2 * number}.weight": layer.weight, f"{2 * number}.bias": layer.bias}
    save_file(
        {name: np.ascontiguousarray(a) for name, a in arrays.items()}, folder / "plain.safetensors"
    )
    for name in ("digits.safetensors", "digits.json"):
        shutil.copy(DATA / name, folder / name)
    own = _itself(folder / "plain.safetensors", folder / "digits.safetensors")
    return [*own, (folder / "digits.safetensors", folder / "digits.json")]


def _keras(suffix, folder):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers = keras.layers
    plain = keras.Sequential([layers.Input((2,)), layers.Dense(5, "relu"), layers.Dense(1)])
    x = layers.Input((4, 4, 1))
    h = layers.BatchNormalization()(layers.Conv2D(2, 3, padding="same")(x))
    h = layers.MaxPooling2D(2)(layers.ReLU()(h))
    h = layers.Add()([h, layers.Conv2D(2, 1)(h)])
    picture = keras.Model(x, layers.Dense(3, "softmax")(layers.Flatten()(h)))
    plain.save(folder / f"plain{suffix}")
    picture.save(folder / f"picture{suffix}")
    return _itself(folder / f"plain{suffix}", folder / f"picture{suffix}")


def _skops(suffix, folder):
    import skops.io
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    settings = {"hidden_layer_sizes": (5, 3), "max_iter": 20, "tol": 1.0, "random_state": 0}
    skops.io.dump(MLPClassifier(**settings).fit(x, x[:, 0] > 0), folder / "classes.skops")
    skops.io.dump(MLPRegressor(**settings).fit(x, x[:, 0]), folder / "number.skops")
    return _itself(folder / "classes.skops", folder / "number.skops")


def _nnet(suffix, folder):
    (folder / "plain.nnet").write_text(NNET, encoding="ascii")
    return _itself(folder / "plain.nnet")
