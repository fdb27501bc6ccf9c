"""How calls run and are watched: relay, spans, streams, clocks."""
