"""The one corridor that every model call walks."""
