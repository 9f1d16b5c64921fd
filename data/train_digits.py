"""Train the small residual network of this folder on scikit-learn's digits.

    python data/train_digits.py --out data

writes digits.onnx, digits.safetensors with its architecture digits.json, and digits_record.json
with everything they were made with. Needs torch, onnx, safetensors and scikit-learn. Takes about
ten seconds.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import sklearn
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

SEED = 0
TEST_SHARE = 0.25
EPOCHS = 40
BATCH = 64
LEARNING_RATE = 0.005
WEIGHT_DECAY = 1e-4
CHANNELS = (6, 8)


class Residual(nn.Module):
    """relu(x + F(x)), F two convolutions with batch-norm; a stride halves the picture."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


def residual_network() -> nn.Sequential:
    """Pictures of 8 x 8 pixels in [0, 1] to the logits of ten digits."""
    first, second = CHANNELS
    return nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        Residual(first, first, stride=1),
        Residual(first, second, stride=2),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(second * 4, 10),
    )


def architecture() -> dict[str, object]:
    """What `residual_network` is, as the reader of .safetensors takes it."""

    def block(number: int, stride: int) -> dict[str, object]:
        shortcut = [{"type": "conv2d", "name": f"{number}.shortcut", "stride": stride}]
        return {
            "type": "residual",
            "layers": [
                {"type": "conv2d", "name": f"{number}.conv1", "stride": stride, "padding": 1},
                {"type": "batchnorm", "name": f"{number}.norm1"},
                {"type": "relu"},
                {"type": "conv2d", "name": f"{number}.conv2", "padding": 1},
                {"type": "batchnorm", "name": f"{number}.norm2"},
            ],
            "shortcut": shortcut if stride > 1 else [],
        }

    return {
        "input_shape": [1, 8, 8],
        "layers": [
            {"type": "conv2d", "name": "0", "padding": 1},
            {"type": "batchnorm", "name": "1"},
            {"type": "relu"},
            block(3, 1),
            {"type": "relu"},
            block(4, 2),
            {"type": "relu"},
            {"type": "maxpool2d", "kernel_size": 2},
            {"type": "flatten"},
            {"type": "linear", "name": "7"},
        ],
    }


def digits() -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    """Pictures (n, 1, 8, 8) in [0, 1], labels, and the rows of training and test."""
    found = load_digits()
    x = torch.from_numpy((found.images / 16).astype(np.float32))[:, None]
    order = np.random.default_rng(SEED).permutation(len(x))
    test, train = np.split(order, [round(TEST_SHARE * len(x))])
    return x, torch.from_numpy(found.target), train, test


def fit() -> tuple[nn.Sequential, float]:
    """The trained network in evaluation mode, and its accuracy on the test rows."""
    torch.manual_seed(SEED)
    x, y, train, test = digits()
    model = residual_network()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rng = np.random.default_rng(SEED)
    for _ in range(EPOCHS):
        for rows in np.array_split(rng.permutation(train), len(train) // BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = model(x[test]).argmax(dim=1) == y[test]
    return model, float(right.double().mean())


def save_onnx(model: nn.Sequential, path: Path) -> None:
    """Write the network as it is: batch-norm is not folded into the weights."""
    torch.onnx.export(
        model,
        (torch.zeros(1, 1, 8, 8),),
        path,
        input_names=["pictures"],
        output_names=["logits"],
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        dynamo=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="an existing folder")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model, accuracy = fit()
    save_onnx(model, out / "digits.onnx")
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(state, out / "digits.safetensors")
    text = json.dumps(architecture(), indent=2) + "\n"
    (out / "digits.json").write_text(text, encoding="utf-8")
    record = {
        "script": "data/train_digits.py",
        "seed": SEED,
        "test_share": TEST_SHARE,
        "loss": "cross-entropy",
        "optimizer": "Adam",
        "epochs": EPOCHS,
        "batch": BATCH,
        "learning_rate": LEARNING_RATE,
        "weight_decay": WEIGHT_DECAY,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "n_parameters": sum(p.numel() for p in model.parameters()),
        "test_accuracy": round(accuracy, 4),
    }
    text = json.dumps(record, indent=2) + "\n"
    (out / "digits_record.json").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
