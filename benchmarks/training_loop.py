"""The cost of the experiment's training loop over a bare PyTorch loop of the same network.

    python benchmarks/training_loop.py [--sizes 400,1600] [--epochs 2] [--rounds 5]

Both train the same network on the real images, in processes of their own, in turn. What counts is
the CPU time of the epochs after the first: that of the whole process less that of one which stops
after one epoch. The experiment's loop writes its state after each epoch, as it does in
`pastur experiment`. What both do once (reading the data, the test accuracy) is left out.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile

BARE = """
import sys, numpy as np, torch
from pastur.datasets import load_fashion_mnist
size, epochs = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
torch.manual_seed(0)
data = load_fashion_mnist()
images = torch.from_numpy(data.train_images.reshape(60000, 784).astype(np.float32) / 255)
labels = torch.from_numpy(data.train_labels.astype(np.int64))

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(784, size)
        self.fc2 = torch.nn.Linear(size, size)
        self.fc3 = torch.nn.Linear(size, 10)

    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(x).abs()).abs())

network = Network()
optimizer = torch.optim.Adam(network.parameters(), lr=3e-4)
loss_of = torch.nn.CrossEntropyLoss()
for _ in range(epochs):
    order = torch.randperm(60000)
    for start in range(0, 60000, 128):
        batch = order[start : start + 128]
        optimizer.zero_grad()
        loss_of(network(images[batch]), labels[batch]).backward()
        optimizer.step()
"""

OURS = """
import sys
from pastur.datasets import load_fashion_mnist
from pastur.experiments import TrainingConfig, train_network
size, epochs = int(sys.argv[1]), int(sys.argv[2])
data = load_fashion_mnist()
train_network(TrainingConfig(size=size, epochs=epochs), data=data, checkpoint=sys.argv[3])
"""


def cpu_seconds(script: str, size: int, epochs: int) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", script, str(size), str(epochs), f"{folder}/state"]
        subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="400,1600")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("   N   bare loop, s an epoch   ours, s an epoch   ratio of medians")
    for size in (int(part) for part in options.sizes.split(",")):
        times: dict[str, list[float]] = {BARE: [], OURS: []}
        for _ in range(options.rounds):
            for script, found in times.items():
                first, all_ = (cpu_seconds(script, size, e) for e in (1, 1 + options.epochs))
                found.append((all_ - first) / options.epochs)
        bare, ours = (statistics.median(times[s]) for s in (BARE, OURS))
        print(f"{size:5d}   {bare:21.2f}   {ours:16.2f}   {ours / bare:.3f}", flush=True)


if __name__ == "__main__":
    main()
