"""What decides from drafts."""
