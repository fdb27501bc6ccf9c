"""Systems on questions: results that can be published, compared and drawn."""
