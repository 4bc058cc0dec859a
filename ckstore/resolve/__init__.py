"""From requirements to a lock: pure, deterministic, knowing nothing but a catalogue of candidates."""
