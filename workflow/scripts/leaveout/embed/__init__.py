"""Embeddings, one module a modality: payloads to features."""
