"""A settings file with two random networks and a trained one, done in a second."""

MINI = """
title = "Mini"
claim = "Nothing in particular."
box = [-1.0, 1.0]
seeds = [0, 1, 2]
points = 50
baseline = "three"

[network]
bias = 0.1

[quick]
seeds = [5]
network = { widths = [2, 2, 1] }

[[setting]]
label = "three"
network = { widths = [2, 3, 1] }
reference = { regions = 7, mean_all = 4.0, met = 5, mean_met = 4.5 }

[[setting]]
label = "six"
network = { widths = [2, 6, 1] }
quick = false

[[setting]]
label = "learned"
train.data = { name = "moons", samples = 40 }
train.network = { hidden = [4] }
train.training = { loss = "logistic", epochs = 2, batch_size = 0 }
train.snapshots = { schedule = "linear", every = 1 }
"""
