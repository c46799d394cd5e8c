"""The networks in PyTorch: parameters and loss of each kind of autoencoder.

Only training imports them; of `products`, encoding takes the product of sparse rows.
"""
