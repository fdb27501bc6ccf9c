"""Models in directories of Hugging Face transformers, run in this process: they write, or score."""
