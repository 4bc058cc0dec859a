"""What answers in the dialect of Collective Knowledge need to know of a store."""
