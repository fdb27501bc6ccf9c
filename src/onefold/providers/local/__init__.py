"""The models that come with the house: tiny, trained here, run in numpy."""
