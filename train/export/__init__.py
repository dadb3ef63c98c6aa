"""A network as an ONNX file, and what runs it without PyTorch: from Python, and in a browser."""
