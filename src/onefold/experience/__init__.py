"""What was learned while answering."""
