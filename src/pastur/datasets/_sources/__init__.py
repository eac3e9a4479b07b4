"""Files of data: Fashion-MNIST on disk or by download, the network that comes with the package."""
