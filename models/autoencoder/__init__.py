"""Autoencoders: from a user's behaviour counts to a code of a few bytes, and back."""
