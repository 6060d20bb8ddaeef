"""A bundle, its ONNX graphs, and the captioner that makes captions of them; read captioner.py first."""
