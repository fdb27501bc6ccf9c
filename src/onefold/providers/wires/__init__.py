"""One file a wire: pure functions from a request to a body, and from a reply's bytes to a reply."""
