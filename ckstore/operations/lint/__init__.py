"""A lint for repositories of components: what is found, by which rule, and where."""
