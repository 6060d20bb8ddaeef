"""The training wing: everything that needs PyTorch, and nothing else does.

corpus -> features -> run -> bundle: read ``train.py`` first, then the rooms in the order that it calls them.
"""
