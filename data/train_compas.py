"""Train the two small checkpoints of this folder on the COMPAS two-year table.

    python data/train_compas.py --csv compas_two_years.csv --out data

writes compas_2 and compas_4 as .npz, .onnx and .pt with identical weights, and compas.json with
everything they were made with. Needs torch and onnx. Takes about ten seconds.
"""

import argparse
import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from polyrelu.network import Network, load, save

FEATURES = {
    "compas_2": ["age", "priors_count"],
    "compas_4": ["age", "priors_count", "juv_other_count", "felony"],
}
LABEL = "two_year_recid"
WIDTHS = (24, 16)
SEED = 0
TEST_SHARE = 0.25
EPOCHS = 400
LEARNING_RATE = 0.01
WEIGHT_DECAY = 1e-4

Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, required=True, help="the table, with a header line")
    parser.add_argument("--out", type=Path, required=True, help="an existing folder")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    table = np.genfromtxt(arguments.csv, delimiter=",", names=True, dtype=np.float64)
    record = {
        "made_with": {
            "script": "data/train_compas.py",
            "rows": len(table),
            "csv_sha256": hashlib.sha256(arguments.csv.read_bytes()).hexdigest(),
            "label": LABEL,
            "seed": SEED,
            "test_share": TEST_SHARE,
            "loss": "binary cross-entropy of the sigmoid of the output",
            "optimizer": "Adam, full batch",
            "epochs": EPOCHS,
            "learning_rate": LEARNING_RATE,
            "weight_decay": WEIGHT_DECAY,
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "networks": {
            name: make(name, features, table, arguments.out) for name, features in FEATURES.items()
        },
    }
    text = json.dumps(record, indent=2) + "\n"
    (arguments.out / "compas.json").write_text(text, encoding="utf-8")
    print(text, end="")


def make(name: str, features: list[str], table: NDArray[np.void], out: Path) -> dict[str, object]:
    """Train one network, write its three files, and say how it does on the test rows."""
    raw = np.stack([table[feature] for feature in features], axis=1)
    low, high = raw.min(axis=0), raw.max(axis=0)
    x, y = 2 * (raw - low) / (high - low) - 1, table[LABEL]
    order = np.random.default_rng(SEED).permutation(len(x))
    test, train = np.split(order, [round(TEST_SHARE * len(x))])
    network = fit(x[train], y[train])
    for suffix in (".npz", ".onnx", ".pt"):
        save(network, out / (name + suffix))
        if load(out / (name + suffix)).sha256 != network.sha256:
            raise RuntimeError(f"{name}{suffix} does not read back as the network written")
    score = network.forward(x[test])[:, 0]
    on = network.pattern(x)
    return {
        "features": features,
        "minimum": low.tolist(),
        "maximum": high.tolist(),
        "architecture": "-".join(map(str, (network.n_inputs, *network.widths, 1))),
        "network_sha256": network.sha256,
        "test_rows": len(test),
        "test_accuracy": round(float(np.mean((score > 0) == y[test])), 4),
        "test_accuracy_of_majority": round(float(max(y[test].mean(), 1 - y[test].mean())), 4),
        "test_auc": round(area_under_curve(score, y[test]), 4),
        "neurons_that_switch_on_the_data": int((on.any(axis=0) & ~on.all(axis=0)).sum()),
    }


def fit(x: Floats, y: Floats) -> Network:
    """Network trained in float32 from torch's default initialisation."""
    torch.manual_seed(SEED)
    sizes = (x.shape[1], *WIDTHS, 1)
    linear = [torch.nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)]
    parts = [part for layer in linear for part in (layer, torch.nn.ReLU())]
    model = torch.nn.Sequential(*parts[:-1])
    optimizer = torch.optim.Adam(
        model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, foreach=False
    )
    inputs = torch.from_numpy(x.astype(np.float32))
    labels = torch.from_numpy(y.astype(np.float32))
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], labels)
        loss.backward()
        optimizer.step()
    return Network.from_arrays(
        [layer.weight.detach().numpy() for layer in linear],
        [layer.bias.detach().numpy() for layer in linear],
    )


def area_under_curve(score: Floats, label: Floats) -> float:
    """Share of pairs (positive, negative) that the score orders rightly; a tie counts half."""
    difference = score[label == 1][:, None] - score[label == 0]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


if __name__ == "__main__":
    main()
