"""ONNX models: the tensors, and what the graph says about them."""
