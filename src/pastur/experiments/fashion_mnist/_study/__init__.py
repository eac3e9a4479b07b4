"""Networks on Fashion-MNIST: what their weights show, recorded epoch by epoch."""
