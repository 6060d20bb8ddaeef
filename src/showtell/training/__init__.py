"""Everything that needs PyTorch, and nothing else does.

corpus -> features -> run -> bundle: read ``train.py`` first, then the folders in the order that it calls them.
"""
