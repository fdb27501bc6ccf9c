"""Who brings a text to a model and one back."""
