"""`sz-admin`: what is done to an installation's state, by whoever runs it."""
