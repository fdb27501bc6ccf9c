"""Many questions: runs, numbers, reports."""
